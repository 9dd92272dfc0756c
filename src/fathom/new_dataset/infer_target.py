"""The task that a target suggests: regression or classification."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fathom.artifacts.columns import as_texts
from fathom.base.errors import FathomError
from fathom.new_dataset.column_guess import ColumnGuess
from fathom.new_dataset.exclusions import MAX_CODES
from fathom.new_dataset.printing import count_rows, shorten
from fathom.settings.fields import Task

MIN_ROWS = 20  # labelled rows, for three sets of some rows each
MIN_PER_CLASS = 5  # mean number of rows, for integers to be classes
VALID = 0.1875  # share of the rows in the smallest set, by default


@dataclass(frozen=True)
class TargetGuess:
    """`why` explains a task that might be another; `unsplittable`, why sets may lack classes."""

    column: ColumnGuess
    task: Task
    why: str
    unsplittable: str | None
    notes: list[str]


def infer_target(column: ColumnGuess, task: Task | None) -> TargetGuess:
    """Infer the task of a target, or check the one that the user wants."""
    name, labelled = column.name, len(column.values) - column.missing
    where = f"the target {name!r}"
    if labelled < MIN_ROWS:
        raise FathomError(
            f"{where} has a value in {count_rows(labelled)}; at least {MIN_ROWS} are needed"
        )
    if column.distinct == 1:
        raise FathomError(f"{where} is {column.examples[0]!r} in all rows")
    if task is None and column.kind == "date":
        raise FathomError(f"{where} holds dates: networks predict numbers or classes")
    if column.not_numbers and (
        task == "regression" or (task is None and column.distinct > MAX_CODES)
    ):
        raise FathomError(
            f"{where} is no column of numbers, but nearly: {column.not_numbers}; correct it in the "
            "file" + ("" if column.distinct > labelled / 2 else ", or choose --task classification")
        )
    inferred, why = infer_task(column, labelled)
    chosen = task or inferred
    if chosen == "regression":
        check_numbers(where, column)
    elif column.distinct > labelled / 2:
        raise FathomError(
            f"{where} has {column.distinct:,} different values in {labelled:,} rows, which are too "
            "many for classes"
            + ("" if column.kind in ("category", "boolean") else "; choose --task regression")
        )
    notes = []
    if column.missing:
        share = "most rows" if column.missing > labelled else count_rows(column.missing)
        notes.append(f"{name} has no value in {share}, which are in no set")
    if column.reason is not None:
        notes.append(f"{name} would be excluded if it were not the target: {column.reason}")
    unsplittable = why_unsplittable(column.values) if chosen == "classification" else None
    return TargetGuess(column, chosen, why if chosen == inferred else "", unsplittable, notes)


def infer_task(column: ColumnGuess, labelled: int) -> tuple[Task, str]:
    """Return the task that a target's values suggest, and why."""
    if column.kind in ("category", "boolean"):
        return "classification", ""
    if column.distinct == 2:
        return "classification", "two different numbers; or regression"
    unit = column.declaration.value_unit
    if unit is not None:
        return "regression", f"numbers with the unit {unit}"
    few = column.distinct <= MAX_CODES and column.distinct * MIN_PER_CLASS <= labelled
    if column.kind == "integer" and few:
        return "classification", f"{column.distinct} different integers; or regression"
    return "regression", ""


def check_numbers(where: str, column: ColumnGuess) -> None:
    if column.kind in ("category", "boolean", "date"):
        raise FathomError(
            f"{where} holds {column.examples[0]!r}, but regression needs numbers: choose --task "
            "classification or another column"
        )
    if column.reason is not None and column.reason.startswith("infinite"):
        raise FathomError(f"{where} is {column.reason}: correct these values or leave them empty")


def why_unsplittable(target: pd.Series[Any], row: str = "row") -> str | None:
    """Say why not every set can have all classes, if so."""
    counts = as_texts(target).value_counts()
    smallest = math.ceil(VALID * int(counts.sum()))
    fewest = int(counts.min())
    if fewest < 3:
        return f"class {shorten(counts.idxmin())!r} has only {fewest} {row}{'s' * (fewest > 1)}"
    if smallest < len(counts):
        return f"{len(counts)} classes, but {smallest} {row}s in the validation set"
    return None
