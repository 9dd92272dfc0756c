"""Reasons to exclude a column: it numbers the rows, hardly repeats, or equals another column."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from fathom.artifacts.columns import MOSTLY
from fathom.new_dataset.column_texts import Texts
from fathom.new_dataset.printing import shorten
from fathom.settings.column_settings import ColumnKind

MIN_SHARE = 0.9  # of values that are identifiers, or numbers with units
MAX_CODES = 20  # different integers that may be classes or categories
MAX_CATEGORIES = 100  # different texts; above it most rows must have a repeated one
MIN_REPEATS = 5  # rows of a repeated text
MIN_COUNT = 9  # rows, of which scale.min_frequency are likely in the training set
MIN_TOP_COUNT = 13  # rows, for scale.min_frequency of them to be in the training set
IDENTIFIERS = {
    "id", "ids", "uuid", "guid", "index", "idx", "key", "rowid", "unnamed", "phone", "telephone",
    "tel", "mobile", "fax", "iban", "ssn", "isbn", "ean", "imei",
}  # fmt: skip


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


def explain_text(texts: Texts) -> tuple[ColumnKind, str | None]:
    """Return whether texts are categories, and why not, if most would be unknown in new rows."""
    different, total = len(texts), texts.total
    summary = f"{different:,} different texts in {total:,} rows"
    if is_repeated(texts):
        return "category", None
    if different <= total / 2:
        return "text", f"{summary}, most of them rare"
    if not texts.match(r"(?s).*\s.*").any() and (
        different == total or names_identifier(texts.name)
    ):
        return "text_id", f"{summary}, like an identifier"
    return "text", f"free text: {summary}"


def is_repeated(texts: Texts) -> bool:
    """Tell whether enough rows have a text that others have, too."""
    different, total = len(texts), texts.total
    rare = different > MAX_CODES and texts.counts.max() < MIN_TOP_COUNT
    if different > MAX_CATEGORIES:
        frequent = texts.counts[texts.counts >= MIN_REPEATS].sum()
        rare = bool(rare or frequent <= MOSTLY * total)
    return different <= total / 2 and not rare


def is_frequent(texts: Texts) -> bool:
    """Tell whether some texts are in scale.min_frequency training rows; others may be rare."""
    return bool(texts.counts[texts.counts >= MIN_COUNT].sum() >= MIN_TOP_COUNT)


def names_identifier(column: str) -> bool:
    """Tell whether a column's name has the word id or such a word: OrderId, order_id."""
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
