"""Dates that pandas does not parse are guessed, read and written."""

from typing import Any

import numpy as np
import pandas as pd
import pytest
from own_tables import RNG, N, as_in_a_file

from fathom.artifacts.date_texts import parse_date_texts, write_date
from fathom.new_dataset.infer_columns import infer_columns
from fathom.settings.yaml_text import column_mapping


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%d.%m.%Y %H:%M", "17.01.2023 06:27"),
        ("unix seconds", "1673936846"),
        ("unix milliseconds", "1673936846123"),
    ],
)
def test_dates_are_written_as_they_are_read(form: str, text: str) -> None:
    (time,) = parse_date_texts(pd.Series([text]), form)
    assert time.year == 2023
    assert write_date(time, form) == text


SECONDS = RNG.integers(1_600_000_000, 1_700_000_000, N)
UNIX = "{kind: date, format: unix seconds}"


@pytest.mark.parametrize("read", [as_in_a_file, lambda **columns: pd.DataFrame(columns)])
def test_unix_times(read: Any) -> None:
    table = read(
        created_at=np.sort(SECONDS),
        eventTime=SECONDS * 1000 + 123,
        minutes=SECONDS // 60 * 60,
        order_id=SECONDS + 1,
        x=SECONDS + 2,
        ts=np.where(SECONDS % 4 == 0, 0, SECONDS + 3),
        people=SECONDS - 1_500_000_000,
    )
    columns = infer_columns(table)
    assert [column_mapping(column.declaration) for column in columns] == [
        UNIX,
        UNIX.replace("seconds", "milliseconds"),
        UNIX,
        "{kind: integer, use: false}",
        "{kind: integer}",
        UNIX.replace("seconds", 'seconds, missing: ["0"]'),
        "{kind: integer}",
    ]
    assert columns[0].ascending
    text = f"{table['minutes'][0]} is {columns[2].values[0]} UTC"  # noqa: PD011
    local = "; `zone: Europe/Berlin` makes them local"
    assert columns[2].evidence == f"seconds since 1970, since all are whole minutes: {text}{local}"
    assert columns[0].evidence.startswith("seconds since 1970 by its name and values: 16")
    zeros = int((table["ts"].astype(int) == 0).sum())
    time = pd.Timestamp(SECONDS[0] + 2, unit="s")
    asked = f"{SECONDS[0] + 2} is read as a number, but may be seconds since 1970: {time} UTC"
    assert [(check.evidence, check.change) for column in columns for check in column.checks] == [
        (asked, f"x: {UNIX}"),
        (f"0 in {zeros} rows is read as missing, not as a time of 1970", f"ts: {UNIX}"),
    ]
    target = infer_columns(table, "minutes")[2]
    assert (target.kind, target.checks) == ("integer", ())
    assert infer_columns(table, "created_at")[0].kind == "date"
