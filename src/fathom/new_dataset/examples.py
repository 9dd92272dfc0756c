"""Settings for Wide & Deep networks, weights and second targets, as comments to be uncommented."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fathom.new_dataset.exclusions import words
from fathom.new_dataset.infer_columns import Column

SOME = 4  # columns of a path
BUCKETS = 10
MOST = 100  # values that a crossed category has
WEIGHTS = {"weight", "weights", "wgt", "wt", "fnlwgt"}


def examples(columns: Sequence[Column], flow: Callable[[Any], str]) -> list[str]:
    """Return lines that hold for these columns, all of them at once too.

    Args:
        columns: those that networks are given.
        flow: writes a value as YAML in one line.
    """
    whole = [column for column in columns if not column.strange or column.mixed]
    numbers = [column for column in whole if column.kind in ("number", "integer")]
    weight = next((c for c in numbers if not c.missing and WEIGHTS & words(c.name)), None)
    numbers = [column for column in numbers if column is not weight]
    categories = [column for column in whole if column.kind in ("category", "boolean")]
    deep = [*numbers[:SOME], *categories[:SOME]]
    wide = categories[:SOME] or numbers[:SOME]
    settings: dict[str, Any] = {}
    if len(columns) > 1 and wide:
        settings |= {"wide": names(wide), "deep": names(deep)}
    settings |= crossed(numbers, categories)
    lines = [
        "  # For networks with a wide path beside the deep one; without `wide` and `deep` each is",
        "  # given all columns. Only categories and numbers in buckets can be crossed.",
        *(f"  # {key}: {flow(value)}" for key, value in settings.items()),
    ]
    second = [c.name for c in numbers if c not in (*wide, *deep) and not c.missing]
    given = "null" if weight is None else flow(weight.name)
    return [
        *(lines if settings else []),
        f"  # sample_weight: {given}  # the column that says how much a row counts",
        f"  # auxiliary: {flow(second[-1] if second else None)}  # a column to be predicted, too",
    ]


def crossed(numbers: Sequence[Column], categories: Sequence[Column]) -> dict[str, Any]:
    """Return buckets for two numbers, and a cross of two columns that have codes then."""
    buckets = [column.name for column in numbers if column.distinct > BUCKETS][:2]
    few = [column.name for column in categories if column.distinct <= MOST][:2]
    pair = [*few, *buckets][:2]
    settings: dict[str, Any] = {}
    if buckets:
        settings["buckets"] = dict.fromkeys(buckets, BUCKETS)
    if len(pair) == 2:
        settings["crosses"] = [pair]
    return settings


def names(columns: Sequence[Column]) -> list[str]:
    return [column.name for column in columns]
