"""Rows that are split in their order, but not sorted by date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_datetime64_any_dtype

from fathom.artifacts.checks import DataWarning
from fathom.artifacts.raw_table import SubsetRows, Table, open_raw_table
from fathom.artifacts.schema import Schema
from fathom.check.subsets import make_warning
from fathom.settings.data_settings import SplitSettings


@dataclass(frozen=True)
class Falls:
    """Where the dates of a column fall: in how many rows, the first row and its date, and those of
    the row with a date before it. `dates` counts all dates.
    """

    dates: int
    count: int
    row: int
    date: pd.Timestamp
    row_before: int
    date_before: pd.Timestamp


def order(schema: Schema, rows: SubsetRows, settings: SplitSettings) -> list[DataWarning]:
    """Warn if no column of dates rises with the rows of an unshuffled split.

    A test set of its own may be of any time. Of several columns, the one that falls in the fewest
    rows is named.
    """
    if settings.shuffle:
        return []
    if settings.test == "own":
        rows = {subset: numbers for subset, numbers in rows.items() if subset != "test"}
    raw = open_raw_table(schema, rows)
    dates = [name for name, kind in raw.types.items() if is_datetime64_any_dtype(kind)]
    falls = {name: find_falls(raw, name) for name in dates}
    if not falls or None in falls.values():
        return []
    found = {name: fall for name, fall in falls.items() if fall is not None}
    name = min(found, key=lambda name: found[name].count / found[name].dates)
    fall = found[name]
    sentence = (
        f"split.shuffle is false, but the rows are not in the order of {name!r}: it falls in "
        f"{fall.count:,} of {fall.dates:,} rows, first in row {fall.row} ({shorten(fall.date)}, "
        f"after {shorten(fall.date_before)} in row {fall.row_before}), so validation and test set "
        f"are not the future of the training set; sort the rows by {name!r} in the file, or split "
        "at random (split.shuffle: true)"
    )
    values = {"rows": fall.count, "of": fall.dates, "row": fall.row, "as_row": fall.row_before}
    return [make_warning("order", [name], values, sentence)]


def find_falls(raw: Table, name: str) -> Falls | None:
    """Return where the dates of a column fall, or None if they never do."""
    count = total = 0
    first: dict[str, Any] = {}
    last: pd.Series[Any] | None = None
    for block, _ in raw.blocks([name]):
        dates = block[name].dropna()
        total += len(dates)
        dates = dates if last is None else pd.concat([last, dates])
        places = np.flatnonzero(np.diff(dates.to_numpy()) < np.timedelta64(0))
        if len(places) and not first:
            place = int(places[0])
            (row_before, row), (before, date) = dates.index[place:][:2], dates.iloc[place:][:2]
            first = {"row": int(row), "date": date, "row_before": int(row_before)}
            first["date_before"] = before
        count += len(places)
        last = dates.tail(1)
    return Falls(total, count, **first) if count else None


def shorten(date: pd.Timestamp) -> str:
    return str(date).removesuffix(" 00:00:00")
