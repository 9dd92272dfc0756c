"""What a column holds that has a type already, such as one of a Parquet file."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.columns import as_texts
from fathom.new_dataset.column_guess import OtherReading, Reading
from fathom.new_dataset.column_texts import find_texts
from fathom.new_dataset.date_formats import infer_digits_format
from fathom.new_dataset.exclusions import MAX_CODES
from fathom.new_dataset.infer_unix import check_unix, find_unix, read_unix
from fathom.new_dataset.printing import count_rows, shorten
from fathom.new_dataset.sentinels import find_far_dates, find_limits, find_sentinels, say_far
from fathom.settings.column_settings import ColumnKind, ColumnSettings

FIRST_TIME, LAST_TIME = 1e8, 1e13  # Unix times in seconds, and in milliseconds


def read_typed(column: pd.Series[Any], *, is_target: bool) -> Reading:
    """Declare a column of numbers, booleans or times."""
    if pd.api.types.is_bool_dtype(column):
        return Reading(ColumnSettings(kind="boolean"))
    if pd.api.types.is_datetime64_any_dtype(column):
        return read_dates(column)
    values = column.dropna()
    form = infer_digits(values)
    if form is not None:
        return Reading(ColumnSettings(kind="date", format=form))
    times, checks = read_times(values, is_target)
    if times is not None:
        return times
    finite = values[np.isfinite(values)]
    counts = finite.value_counts()
    numbers = counts.index.to_numpy(np.float64)
    limits = find_limits(numbers)
    sentinels = np.isin(numbers, find_sentinels(numbers[~limits], counts.to_numpy()[~limits]))
    absent = limits | sentinels
    kept = numbers[~absent]
    is_integer = pd.api.types.is_integer_dtype(values)
    few = column.isna().any() or absent.any() or len(kept) <= MAX_CODES
    whole = len(kept) > 0 and bool((kept % 1 == 0).all()) and np.abs(kept).max() < 2**63
    may_be_codes = whole and few and len(finite) == len(values)
    kind: ColumnKind = "integer" if is_integer or may_be_codes else "number"
    missing = [str(text) for text in as_texts(values)[values.isin(numbers[absent])].unique()]
    declaration = ColumnSettings(kind=kind, missing=missing or None)
    if sentinels.any():
        named = ", ".join(f"{shorten(n)} in {count_rows(counts[n])}" for n in numbers[sentinels])
        checks.append((say_far(named), declaration.model_copy(update={"missing": None})))
    return Reading(declaration, checks=tuple(checks))


def read_times(
    values: pd.Series[Any], is_target: bool
) -> tuple[Reading | None, list[OtherReading]]:
    """Declare numbers that are Unix times, or name those that may be."""
    if not len(values) or not FIRST_TIME <= values.median() <= LAST_TIME:
        return None, []
    texts = find_texts(as_texts(values), ())
    form, unmarked = find_unix(texts), np.zeros(len(texts), dtype=bool)
    if form is None:
        return None, []
    times = read_unix(texts, unmarked, texts, form, is_target=is_target)
    if times is not None:
        return times, []
    return None, check_unix(texts, unmarked, texts, form, is_target=is_target)


def read_dates(column: pd.Series[Any]) -> Reading:
    counts = column.value_counts()
    is_far = find_far_dates(counts.index.to_series(), np.asarray(counts, dtype=np.int64))
    far = counts.loc[counts.index[is_far]]
    dates = ColumnSettings(kind="date")
    if not len(far):
        return Reading(dates)
    named = ", ".join(f"{shorten(day)} in {count_rows(rows)}" for day, rows in far.items())
    absent = dates.model_copy(update={"missing": [day.isoformat() for day in far.index]})
    return Reading(absent, checks=((say_far(named), dates),))


def infer_digits(values: pd.Series[Any]) -> str | None:
    """Return the format of whole numbers that are dates, such as 20200131, or None."""
    if not len(values) or not 10**7 <= values.min() <= values.max() < 10**14:
        return None
    texts = as_texts(values.drop_duplicates())
    return infer_digits_format(find_texts(texts, ()))[0] if len(texts) > 1 else None
