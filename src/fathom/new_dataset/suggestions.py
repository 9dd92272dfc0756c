"""Settings that make networks better, suggested by what columns hold and what they are called."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fathom.new_dataset.column_guess import ColumnGuess
from fathom.new_dataset.exclusions import MAX_CODES
from fathom.new_dataset.infer_target import TargetGuess
from fathom.new_dataset.printing import printable
from fathom.settings.column_settings import ColumnSettings
from fathom.settings.yaml_text import column_entry, quote

# Words for the two axes of a map, and the highest absolute value of each in degrees.
AXES = [
    ({"lat", "latitude", "breitengrad", "breite"}, 90.0,
     {"lon", "lng", "long", "longitude", "laengengrad", "längengrad", "laenge", "länge"}, 180.0),
    ({"northing"}, float("inf"), {"easting"}, float("inf")),
]  # fmt: skip
CODES = {
    "id", "code", "zip", "zipcode", "postcode", "postal", "plz", "sku", "store", "shop", "product",
    "item", "article", "customer", "user", "driver", "seller", "station", "airport", "region",
    "district", "zone", "area", "route", "department", "dept", "category", "type", "class", "model",
}  # fmt: skip
MIN_PLACES = 20  # different values of each axis
MIN_ROWS = 500
ROWS_PER_FIELD = 13  # of a map, on average
MAX_BUCKETS = 40
MIN_PER_CODE = 10  # rows, on average
SKEWED = 3.0  # of a log-normal distribution with a sigma of 0.7; 2 of an exponential one


@dataclass(frozen=True)
class Suggestion:
    """Lines of YAML and their reason, a sentence without a full stop.

    The lines belong to the section `dataset`, or, if not `in_dataset`, are sections of their own.
    Lines that are not `active` are written as comments.
    """

    lines: list[str]
    reason: str
    active: bool = True
    in_dataset: bool = True


def suggest(columns: Sequence[ColumnGuess], target: TargetGuess) -> list[Suggestion]:
    """Return suggestions for the columns that networks take, and for the target."""
    used = [c for c in columns if c.reason is None and c.name != target.column.name]
    return [*suggest_maps(used), *suggest_codes(used), *suggest_loss(target)]


def suggest_maps(columns: Sequence[ColumnGuess]) -> Iterator[Suggestion]:
    """Suggest fields of a map for each pair of columns that are its axes.

    The cross is a weight for each field in the wide path, and waves across both numbers in the
    deep path, as california_housing.yaml has.
    """
    pairs = list(find_pairs(columns))
    if not pairs:
        return
    rows = min(len(column.values) for pair in pairs for column in pair)
    count = min(MAX_BUCKETS, round((rows / ROWS_PER_FIELD) ** 0.5))
    names = [(quote(a.name), quote(b.name)) for a, b in pairs]
    buckets = ", ".join(f"{name}: {count}" for pair in names for name in pair)
    yield Suggestion(
        [f"buckets: {{{buckets}}}", "crosses:", *(f"  - [{a}, {b}]" for a, b in names)],
        f"{' and '.join(printable(column.name) for pair in pairs for column in pair)} are places "
        f"on a map: networks get a weight for each field of a {count} x {count} map, and waves "
        "across both",
    )


def find_pairs(columns: Sequence[ColumnGuess]) -> Iterator[tuple[ColumnGuess, ColumnGuess]]:
    """Yield pairs of numbers whose names differ only in the word for the axis of a map."""
    numbers = [c for c in columns if c.kind in ("number", "integer") and c.distinct >= MIN_PLACES]
    numbers = [c for c in numbers if len(c.values) >= MIN_ROWS]
    for first, first_limit, second, second_limit in AXES:
        others = {other_words(c.name, second): c for c in numbers if lies_within(c, second_limit)}
        others.pop(None, None)
        for column in numbers:
            rest = other_words(column.name, first)
            if rest is not None and rest in others and lies_within(column, first_limit):
                yield column, others[rest]


def lies_within(column: ColumnGuess, limit: float) -> bool:
    numbers = pd.to_numeric(column.values, errors="coerce")
    return bool(numbers.abs().max() <= limit)


def split_words(name: str) -> list[str]:
    """Return the words of a column's name in lower case: pickupLat, pickup_lat, Pickup lat."""
    spaced = re.sub(r"(?<=[a-zäöü0-9])(?=[A-ZÄÖÜ])", " ", name)
    return [word for word in re.split(r"[\W_]+", spaced.lower()) if word]


def other_words(name: str, axis: set[str]) -> tuple[str, ...] | None:
    """Return the words of a name without that for an axis, or None if it does not have one."""
    words = split_words(name)
    rest = tuple(word for word in words if word not in axis)
    return rest if len(rest) == len(words) - 1 else None


def suggest_codes(columns: Sequence[ColumnGuess]) -> Iterator[Suggestion]:
    """Suggest that integers called like codes are categories, if each has several rows."""
    for column in columns:
        rows = len(column.values) - column.missing
        enough = MAX_CODES < column.distinct <= rows / MIN_PER_CODE
        if column.kind == "integer" and enough and not CODES.isdisjoint(split_words(column.name)):
            entry = column_entry(column.name, ColumnSettings(kind="category"))
            yield Suggestion(
                [f"  {entry}"],
                f"{printable(column.name)} may be {column.distinct:,} codes, each in "
                f"{rows // column.distinct:,} rows on average; as categories, networks learn a "
                "vector for each. Instead of its line in columns",
                active=False,
            )


def suggest_loss(target: TargetGuess) -> Iterator[Suggestion]:
    """Suggest another loss for a skewed target of a regression."""
    if target.task != "regression":
        return
    skewness: Any = pd.to_numeric(target.column.values, errors="coerce").skew()
    if abs(skewness) > SKEWED:
        yield Suggestion(
            ["train: {loss: mean_absolute_error}"],
            f"{printable(target.column.name)} is skewed (skewness {skewness:.1f}): few large "
            "values dominate the squared error. To minimize the absolute error instead",
            active=False,
            in_dataset=False,
        )
