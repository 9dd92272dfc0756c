"""Why a column is better left out: it numbers the rows, hardly repeats, or is there twice."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

from fathom.artifacts.columns import MOSTLY

NEARLY_ALL = 0.9
FEW = 20  # values at most, of integers that may be classes or categories
MANY = 100  # values that a category may have, however rare most of them are
RARE = 5  # rows at least, for a value to count as one that repeats
ENOUGH = 13  # rows of a value, for scale.min_frequency of them to be among the training rows
IDENTIFIERS = {"id", "ids", "uuid", "guid", "index", "idx", "key", "rowid", "unnamed"}
UUID = r"(?i)\{?[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}\}?"
MARKS = r"(?i)[\s,'_$€£¥%]|(?:usd|eur|kg|km)"  # beside digits, in texts that mean numbers


def numbering(values: pd.Series[Any], rows: int, least: int, most: int) -> str | None:
    """Say why integers seem to number the rows, if they do."""
    distinct, years = values.nunique(), least >= 1500 and most <= 2200
    if distinct == len(values) == rows and not years:
        examples = ", ".join(written(value) for value in values.head(3))
        if most - least == rows - 1:
            return f"{examples} … like an identifier"
        steady = values.is_monotonic_increasing or values.is_monotonic_decreasing
        if steady and most - least < 2 * rows:
            return f"{examples} … in order, like an identifier"
    if named_identifier(str(values.name)) and distinct >= NEARLY_ALL * len(values):
        return "an identifier by its name and values"
    return None


def unrepeated(values: pd.Series[str]) -> str | None:
    """Say why texts cannot be categories, if they cannot: most of them would be unknown."""
    counts = values.value_counts()
    shares = f"{len(counts):,} different texts in {len(values):,} rows"
    repeated = len(counts) <= len(values) / 2
    rare = len(counts) > FEW and counts.iloc[0] < ENOUGH
    if len(counts) > MANY:
        rare = rare or counts[counts >= RARE].sum() <= MOSTLY * len(values)
    if repeated and not rare:
        return None
    if values.str.fullmatch(UUID).all():
        return "UUIDs"
    bare = pd.to_numeric(values.str.replace(MARKS, "", regex=True), errors="coerce")
    if bare.notna().mean() > NEARLY_ALL:
        return f"numbers written with other marks, such as {written(values.iloc[0])}"
    if repeated:
        return f"{shares}, most of them rare"
    if not values.str.contains(r"\s").any() and (
        len(counts) == len(values) or named_identifier(str(values.name))
    ):
        return f"{shares}, like an identifier"
    return f"free text: {shares}"


def named_identifier(name: str) -> bool:
    return not IDENTIFIERS.isdisjoint(words(name))


def words(name: str) -> set[str]:
    """Return the words of a column's name: order and id, of OrderId as of order_id."""
    apart = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", " ", name)
    return set(re.split(r"[\W_]+", apart.lower()))


def duplicates(table: pd.DataFrame, target: str | None) -> dict[str, str]:
    """Return the columns that equal an earlier one or the target, and that one's name."""
    names = sorted(map(str, table.columns), key=lambda name: name != target)
    first: dict[Any, list[str]] = {}
    twins = {}
    for name in names:
        column = table[name]
        if pd.api.types.is_numeric_dtype(column):
            column = column.astype("float64")
        alike = first.setdefault(int(pd.util.hash_pandas_object(column, index=False).sum()), [])
        for other in alike:
            if (column.isna() == table[other].isna()).all() and (
                column.dropna() == table[other].dropna()
            ).all():
                twins[name] = other
                break
        else:
            alike.append(name)
    return twins


def written(value: Any) -> str:
    """Return a value as a short text of one line."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value).removesuffix(" 00:00:00") if isinstance(value, pd.Timestamp) else str(value)
    text = printable(text)
    return text if len(text) <= 24 else f"{text[:23]}…"


def printable(text: str) -> str:
    """Return a text without line breaks and other characters that move the cursor."""
    return "".join(character if character.isprintable() else " " for character in text)
