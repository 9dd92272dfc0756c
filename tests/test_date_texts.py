"""Dates that pandas does not parse are guessed, read and written."""

import calendar
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from own_tables import RNG, N, as_in_a_file

from fathom.artifacts.date_texts import parse_date_texts, write_date
from fathom.artifacts.month_names import ABBREVIATIONS, MONTHS
from fathom.new_dataset.infer_columns import infer_columns
from fathom.settings.column_settings import Language
from fathom.settings.yaml_text import column_mapping


@pytest.mark.parametrize(
    ("form", "language", "text"),
    [
        ("%d.%m.%Y %H:%M", None, "17.01.2023 06:27"),
        ("unix seconds", None, "1673936846"),
        ("unix milliseconds", None, "1673936846123"),
        ("%YQ%q", None, "2023Q4"),
        ("%G-W%V", None, "2023-W05"),
        ("%B %dth, %Y", None, "June 1st, 2023"),
        ("%dth of %b %Y", None, "22nd of Jan 2023"),
        ("%b %dth %Y", None, "Mar 13th 2023"),
        ("%d. %B %Y", "de", "03. März 2023"),
        ("%d %b %Y", "ru", "03 мая 2023"),
    ],
)
def test_dates_are_written_as_they_are_read(
    form: str, language: Language | None, text: str
) -> None:
    (time,) = parse_date_texts(pd.Series([text]), form, language)
    assert time.year == 2023
    assert write_date(time, form, language) == text


def test_quarters_and_weeks_are_their_first_days() -> None:
    quarters = parse_date_texts(pd.Series(["2021-Q3", "2021-Q5", "2021-Q07", None]), "%Y-Q%q")
    assert quarters.tolist() == [pd.Timestamp("2021-07-01", tz="UTC"), *[pd.NaT] * 3]
    weeks = parse_date_texts(pd.Series(["2021W05", "2020W53"]), "%GW%V")
    assert weeks.astype(str).tolist() == ["2021-02-01 00:00:00+00:00", "2020-12-28 00:00:00+00:00"]


def test_no_name_means_different_months() -> None:
    assert tuple(MONTHS) == get_args(Language)
    meant: dict[str, set[str]] = {}
    for language in MONTHS:
        assert set(ABBREVIATIONS[language].values()) == set(calendar.month_abbr[1:])
        for name, month in ABBREVIATIONS[language].items():
            meant.setdefault(name, set()).add(month)
    assert [name for name, months in meant.items() if len(months) > 1] == []


@pytest.mark.parametrize(
    ("language", "form", "write"),
    [
        ("de", "%d. %B %Y", "{}. {} {}"),
        ("de", "%B %Y", "{1} {2}"),
        ("fr", "%d %B %Y", "{} {} {}"),
        ("es", "%d de %B de %Y", "{} de {} de {}"),
        ("it", "%B %d, %Y", "{1} {0}, {2}"),
        ("pt", "%B de %Y", "{1} de {2}"),
        ("nl", "%d-%B-%Y", "{}-{}-{}"),
        ("ru", "%d %B %Y г.", "{} {} {} г."),
        ("pl", "%d %B %Y", "{} {} {}"),
        ("tr", "%Y %B %d", "{2} {1} {0}"),
    ],
)
@pytest.mark.parametrize("place", [0, -1])  # full names, and abbreviated ones
def test_names_of_months(language: Language, form: str, write: str, place: int) -> None:
    days = pd.date_range("2021-01-01", periods=120, freq="11D")
    texts = []
    for day in days:
        name = MONTHS[language][day.month - 1][place].upper()
        first = "1er" if language == "fr" and day.day == 1 else day.day
        texts.append(write.format(first, name + "." * (place and form.endswith("B %Y")), day.year))
    (column,) = infer_columns(as_in_a_file(x=texts))
    entry = f'{{kind: date, format: "{form}", language: {language}}}'
    assert (column_mapping(column.declaration), column.checks) == (entry, ())
    wanted = days if "%d" in form else days.to_period("M").start_time
    assert column.values.tolist() == wanted.tolist()  # noqa: PD011


def test_names_of_months_that_two_languages_have() -> None:
    (column,) = infer_columns(as_in_a_file(x=["3 mai 2020", "4 avril 2021", "5 mars 2021"] * 40))
    assert column.declaration.language == "fr"
    (column,) = infer_columns(as_in_a_file(x=["3 mai 2020", "4 mai 2021"] * 40))
    (check,) = column.checks
    assert column_mapping(column.declaration) == ('{kind: date, format: "%d %B %Y", language: de}')
    assert check.evidence == (
        "the months may be named in the language de or fr; both read the same dates"
    )
    assert check.change == 'x: {kind: date, format: "%d %B %Y", language: fr}'


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


def test_a_text_among_unix_times_is_a_mistake() -> None:
    (column,) = infer_columns(as_in_a_file(ts=["soon", "?", *map(str, SECONDS)]))
    (check,) = column.checks
    assert (column.kind, column.declaration.missing) == ("date", ["soon", "?"])
    assert column.evidence.startswith("? in 1 row; seconds since 1970 by its name and values: 1")
    assert check.evidence == "soon (row 0): no time, and read as missing"
    assert check.change == "ts: {kind: text}"


@pytest.mark.parametrize(
    ("form", "write"),
    [
        ("%m/%y", lambda day: f"{day.month}/{day:%y}"),
        ("%m-%y", lambda day: f"{day:%m-%y}"),
        ("%y/%m", lambda day: f"{day:%y}/{day.month}"),
    ],
)
def test_months_that_follow_each_other_are_dates(form: str, write: Any) -> None:
    """Months in any other order may be pairs of numbers."""
    days = pd.date_range("1986-01-01", periods=60, freq="MS")
    texts = [write(day) for day in days]
    (column,) = infer_columns(as_in_a_file(x=texts))
    assert (column.declaration.kind, column.declaration.format) == ("date", form)
    assert list(column.values) == list(days)
    (column,) = infer_columns(as_in_a_file(x=RNG.permutation(texts)))
    assert column.declaration.format is None
