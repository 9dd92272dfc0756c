"""What is to be predicted: numbers or classes, and whether that can be learned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fathom.artifacts.columns import as_texts
from fathom.base.errors import FathomError
from fathom.new_dataset.exclusions import FEW, written
from fathom.new_dataset.infer_columns import Column
from fathom.settings.fields import Task

FEWEST = 20  # labelled rows at least, for three parts of some rows each
PER_CLASS = 5  # rows of each, on the average, for integers to be classes
VALID = 0.1875  # of the rows are the smallest part


@dataclass(frozen=True)
class Target:
    """What is to be predicted, and why it is taken so.

    `unsplittable` says why its classes cannot all be in each part. `notes` are worth knowing.
    """

    column: Column
    task: Task
    why: str
    unsplittable: str | None
    notes: list[str]


def infer_target(table: pd.DataFrame, column: Column, task: Task | None) -> Target:
    """Tell what kind of target a column is.

    Args:
        table: as `read_table_file` returns it.
        column: the target's description.
        task: which one is wanted, if any is.

    Raises:
        FathomError: nothing can be learned of it, or not by this task.
    """
    name, labelled = column.name, len(table) - column.missing
    where = f"the target {name!r}"
    if labelled == 0:
        raise FathomError(f"{where} has a value in no row")
    if labelled < FEWEST:
        raise FathomError(f"{where} has a value in {labelled} rows; at least {FEWEST} are needed")
    if column.distinct == 1:
        raise FathomError(
            f"{where} is {column.examples[0]!r} in all rows: nothing is to be learned"
        )
    if task is None and column.kind == "date":
        raise FathomError(f"{where} holds dates; numbers and classes can be predicted")
    inferred, why = infer_task(column, labelled)
    chosen = task or inferred
    if task is not None and task != inferred:
        why = ""
    if chosen == "regression":
        refuse_no_numbers(where, column)
    elif column.distinct > labelled / 2:
        raise FathomError(
            f"{where} has {column.distinct:,} different values in {labelled:,} rows, which are too "
            f"many for classes"
            + ("" if column.kind in ("category", "text") else "; choose --task regression")
        )
    notes = []
    if column.missing:
        share = "most rows" if column.missing > labelled else f"{column.missing:,} rows"
        notes.append(f"{name} has no value in {share}, which go to no part")
    if column.reason is not None:
        notes.append(f"{name}, the target, would otherwise be left out: {column.reason}")
    unsplittable = split_problem(table[name]) if chosen == "classification" else None
    return Target(column, chosen, why, unsplittable, notes)


def infer_task(column: Column, labelled: int) -> tuple[Task, str]:
    """Return the task that a target's values suggest, and why."""
    if column.kind in ("category", "text", "boolean"):
        return "classification", ""
    if column.distinct == 2:
        return "classification", "two different numbers; or regression"
    few = column.distinct <= FEW and column.distinct * PER_CLASS <= labelled
    if column.kind == "integer" and few:
        return "classification", f"{column.distinct} different integers; or regression"
    return "regression", ""


def refuse_no_numbers(where: str, column: Column) -> None:
    if column.kind in ("category", "text", "boolean", "date"):
        example = next(iter(column.strange), column.examples[0])
        raise FathomError(
            f"{where} holds {written(example)!r}, but regression needs numbers: choose --task "
            "classification, or another column"
        )
    if column.reason is not None and column.reason.startswith("infinite"):
        raise FathomError(f"{where} is {column.reason}: mend them or empty the fields")


def split_problem(target: pd.Series[Any]) -> str | None:
    """Say why the classes of a target cannot all be in every part, if they cannot."""
    counts = as_texts(target).value_counts()
    smallest = math.ceil(VALID * int(counts.sum()))
    if counts.min() < 3:
        return f"class {written(counts.idxmin())!r} has only {int(counts.min())} rows"
    if smallest < len(counts):
        return f"{len(counts)} classes, but {smallest} rows in the validation part"
    return None
