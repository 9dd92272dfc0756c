"""Guesses of what the columns of an unknown table are, from their values and names."""

from __future__ import annotations

import re
import warnings
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from pandas.tseries.api import guess_datetime_format

from fathom.artifacts.columns import MOSTLY
from fathom.new_dataset.column_guess import ColumnGuess
from fathom.new_dataset.exclusions import MAX_CODES, find_duplicates, free_text, integer_identifier
from fathom.new_dataset.printing import shorten
from fathom.settings.column_settings import ColumnSettings

MIN_VALUES = 10  # for some of them to be in the training set
ISO = "ISO8601"
FORMATS = [  # of dates, that pandas does not guess
    "%d.%m.%y", "%m/%d/%y", "%d/%m/%y", "%m/%d/%y %H:%M", "%d/%m/%y %H:%M", "%m/%d/%Y %I:%M %p",
    "%m/%d/%Y %I:%M:%S %p", "%d/%m/%Y %I:%M %p", "%b %Y", "%B %Y", "%b-%y", "%b-%Y", "%m/%Y",
    "%H:%M", "%H:%M:%S",
]  # fmt: skip
TIME = r"\d\d?:\d\d(?::\d\d)?"
SAMPLE = 50  # texts from which formats are guessed
MIN_DATES = 0.9  # share of the different texts that must be dates
MARKERS = {  # lower-case texts that mean a missing value
    "?", "??", "-", "--", "---", ".", "..", "*", "n.a.", "n.a", "n/a", "na", "n/d", "nd", "nan",
    "nil", "none", "null", "unknown", "unk", "undefined", "missing", "blank", "(blank)", "empty",
    "no data", "not available", "not applicable", "not known", "tbd", "#n/a", "#null!", "#value!",
    "#ref!", "#div/0!", "#num!", "k.a.", "inconnu", "unbekannt",
}  # fmt: skip


def infer_columns(
    table: pd.DataFrame,
    target: str | None = None,
    decimal: str = ".",  # noqa: ARG001
) -> list[ColumnGuess]:
    """Describe the columns of a table, in order.

    Args:
        table: as it is in the file: the columns of a CSV file are texts.
        target: the column to predict.
        decimal: the decimal mark of the file, which columns may differ from.
    """
    columns = {str(name): infer_column(table[name]) for name in table.columns}
    for name, twin in find_duplicates(table, target).items():
        if columns[name].reason is None:
            columns[name] = replace(columns[name], reason=f"the same as {twin}")
    return [
        replace(
            column,
            declaration=ColumnSettings(
                kind=column.kind,
                use=column.reason is None or column.name == target,
                format=column.date_format,
            ),
            values=table[column.name],
        )
        for column in columns.values()
    ]


def find_markers(columns: list[ColumnGuess]) -> list[str]:
    """Return the texts among numbers and dates that mean a missing value."""
    return sorted({text for c in columns for text in c.invalid if text.lower() in MARKERS})


def infer_column(column: pd.Series[Any]) -> ColumnGuess:
    values = column.dropna()
    counts = values.value_counts()
    facts: dict[str, Any] = {
        "name": str(column.name),
        "missing": int(column.isna().sum()),
        "distinct": len(counts),
        "examples": [shorten(value) for value in values.drop_duplicates().head(3)],
        "top_count": int(counts.max()) if len(counts) else 0,
    }
    if pd.api.types.is_bool_dtype(values):
        facts["kind"] = "boolean"
    elif pd.api.types.is_datetime64_any_dtype(values):
        facts |= {"kind": "date", "ascending": values.is_monotonic_increasing}
    elif pd.api.types.is_numeric_dtype(values):
        facts |= infer_number_kind(values, len(column))
    else:
        facts |= infer_text_kind(values, len(column))
    if not len(counts):
        facts["reason"] = "no value"
    elif len(counts) == 1 and not facts["missing"]:
        facts["reason"] = f"constant: {facts['examples'][0]}"
    elif len(counts) == 1 and facts["kind"] == "date":
        facts["reason"] = f"one date: {facts['examples'][0]}"
    elif len(values) < min(MIN_VALUES, len(column)):
        facts["reason"] = f"hardly a value: {len(values)} in {len(column):,} rows"
    return ColumnGuess(**facts)


def infer_number_kind(values: pd.Series[Any], rows: int) -> dict[str, Any]:
    infinite = int(np.isinf(values).sum())
    if infinite:
        return {"kind": "number", "reason": f"infinite in {infinite:,} rows"}
    is_integer = pd.api.types.is_integer_dtype(values)
    # missing values make integers floats; decimals that are all whole stay numbers
    if not is_integer and not (0 < len(values) < rows and (values % 1 == 0).all()):
        return {"kind": "number"}
    low, high = int(values.min()), int(values.max())
    if is_integer and 19000101 <= low < high < 21010000:
        days = pd.to_datetime(values.astype("str"), format="%Y%m%d", errors="coerce")
        if days.notna().all():
            ascending = values.is_monotonic_increasing
            return {"kind": "date", "date_format": "%Y%m%d", "ascending": ascending}
    return {"kind": "integer", "reason": integer_identifier(values, rows, low, high)}


def infer_text_kind(values: pd.Series[str], rows: int) -> dict[str, Any]:
    if set(values.unique()) <= {"True", "False"}:
        return {"kind": "boolean"}
    markers = values.str.lower().isin(MARKERS)
    present = values[~markers]
    numbers: pd.Series[Any] = pd.to_numeric(values, errors="coerce")
    if numbers[~markers].notna().mean() > MOSTLY:
        invalid = {"invalid": first_rows(values[numbers.isna()])}
        if numbers[~markers].isna().any() and values.nunique() <= MAX_CODES:
            return invalid | {"kind": "category", "mixed": True}
        return invalid | infer_number_kind(numbers.dropna(), rows)
    date_format, other_format = infer_date_format(present)
    if date_format is not None:
        valid = present[fits(present, date_format)]
        dates = pd.to_datetime(valid, format=date_format, utc=True)
        return {
            "kind": "date",
            "date_format": date_format,
            "other_format": other_format,
            "ascending": dates.is_monotonic_increasing,
            "invalid": first_rows(values[~values.isin(valid)]),
        }
    reason = free_text(values)
    return {"kind": "category" if reason is None else "text", "reason": reason}


def first_rows(texts: pd.Series[str]) -> dict[str, int]:
    """Return the different texts and the first row of each."""
    different = texts.drop_duplicates()
    return dict(zip(different.astype(str), different.index.astype(int), strict=True))


def infer_date_format(texts: pd.Series[str]) -> tuple[str | None, str | None]:
    """Return the format of dates that fits most of the different texts, and one that fits equally.

    The first is None if none fits nearly all texts. The second has day and month swapped, or is
    None. ISO 8601 is preferred. Then points mean that the day is first, and other marks mean, as
    in pandas, that the month is first.
    """
    distinct = texts.drop_duplicates()
    sample = distinct.iloc[:: max(1, len(distinct) // SAMPLE)]
    formats = [text for text in guess_formats(sample) if fits(sample, text).mean() >= MIN_DATES]
    shares = {text: float(fits(distinct, text).mean()) for text in formats}
    best = max(shares.values(), default=0.0)
    if best < MIN_DATES:
        return None, None
    first, *others = [text for text, share in shares.items() if share == best]
    swapped = re.sub("%[dm]", lambda match: {"%d": "%m", "%m": "%d"}[match[0]], first)
    return first, swapped if swapped in others else None


def guess_formats(sample: pd.Series[str]) -> list[str]:
    """Return formats that may fit, the likeliest first."""
    guesses: dict[str, None] = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # 31/01/2020 with the month first, and the like
        for text in sample:
            for day_first in ("." in text, "." not in text):
                guess = guess_datetime_format(text, dayfirst=day_first)
                guesses |= {} if guess is None or guess == "%Y" else {guess: None}
    iso = [ISO] if any(guess.startswith("%Y") for guess in guesses) else []
    are_times = sample.str.fullmatch(TIME).mean() >= MIN_DATES  # 2:1 is a score
    return [*iso, *guesses, *(text for text in FORMATS if text.startswith("%H") == are_times)]


def fits(texts: pd.Series[str], date_format: str) -> pd.Series[bool]:
    """Tell which texts are dates of a format."""
    dates: pd.Series[Any] = pd.to_datetime(texts, format=date_format, errors="coerce", utc=True)
    return dates.notna() & ~texts.str.isalpha()  # pandas reads "now" and "today" as ISO 8601
