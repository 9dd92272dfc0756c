"""Reasons to exclude a column: it numbers the rows, hardly repeats, or equals another column."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from fathom.artifacts.columns import MOSTLY
from fathom.new_dataset.printing import shorten

MIN_SHARE = 0.9  # of values that are identifiers, or numbers with units
MAX_CODES = 20  # different integers that may be classes or categories
MAX_CATEGORIES = 100  # different texts; above it most rows must have a repeated one
MIN_REPEATS = 5  # rows of a repeated text
MIN_TOP_COUNT = 13  # rows, for scale.min_frequency of them to be in the training set
IDENTIFIERS = {"id", "ids", "uuid", "guid", "index", "idx", "key", "rowid", "unnamed"}
UUID = r"(?i)\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?"
UNITS = r"(?i)[\s,'_$€£¥%]|(?:usd|eur|kg|km)"  # beside digits, in texts that mean numbers


def integer_identifier(values: pd.Series[Any], rows: int, low: int, high: int) -> str | None:
    """Say why integers seem to number the rows, if they do."""
    distinct, are_years = values.nunique(), low >= 1500 and high <= 2200
    if distinct == len(values) == rows and not are_years:
        examples = ", ".join(shorten(value) for value in values.head(3))
        if high - low == rows - 1:
            return f"{examples} … like an identifier"
        sorted_ = values.is_monotonic_increasing or values.is_monotonic_decreasing
        if sorted_ and high - low < 2 * rows:
            return f"{examples} … in order, like an identifier"
    if names_identifier(str(values.name)) and distinct >= MIN_SHARE * len(values):
        return "an identifier by its name and values"
    return None


def free_text(values: pd.Series[str]) -> str | None:
    """Say why texts cannot be categories, if most of them would be unknown in new rows."""
    counts = values.value_counts()
    summary = f"{len(counts):,} different texts in {len(values):,} rows"
    repeated = len(counts) <= len(values) / 2
    rare = len(counts) > MAX_CODES and counts.iloc[0] < MIN_TOP_COUNT
    if len(counts) > MAX_CATEGORIES:
        rare = rare or counts[counts >= MIN_REPEATS].sum() <= MOSTLY * len(values)
    if repeated and not rare:
        return None
    if values.str.fullmatch(UUID).all():
        return "UUIDs"
    bare = pd.to_numeric(values.str.replace(UNITS, "", regex=True), errors="coerce")
    if bare.notna().mean() > MIN_SHARE:
        return f"numbers with units or other marks, such as {shorten(values.iloc[0])}"
    if repeated:
        return f"{summary}, most of them rare"
    if not values.str.contains(r"\s").any() and (
        len(counts) == len(values) or names_identifier(str(values.name))
    ):
        return f"{summary}, like an identifier"
    return f"free text: {summary}"


def names_identifier(column: str) -> bool:
    """Tell whether a column's name has the word id or the like: OrderId, order_id."""
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", column).lower()
    return not IDENTIFIERS.isdisjoint(re.split(r"[\W_]+", words))


def find_duplicates(table: pd.DataFrame, target: str | None) -> dict[str, str]:
    """Return the columns that equal an earlier one or the target, with that column's name."""
    names = sorted(map(str, table.columns), key=lambda name: name != target)
    different: dict[int, list[pd.Series[Any]]] = {}
    duplicates = {}
    for name in names:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column):
            column = column.astype("float64")
        alike = different.setdefault(int(pd.util.hash_pandas_object(column, index=False).sum()), [])
        twin = next((other for other in alike if column.equals(other)), None)
        if twin is None:
            alike.append(column)
        else:
            duplicates[name] = str(twin.name)
    return duplicates
