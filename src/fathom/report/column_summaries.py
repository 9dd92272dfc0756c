"""The columns of a raw table, and a summary of each for the page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import as_texts, is_category
from fathom.artifacts.problem import Problem
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.scaled_data import read_targets
from fathom.artifacts.schema import Schema
from fathom.base.blocks import evenly_spaced
from fathom.scale.encoder import Encoder

ColumnRole = Literal["target", "auxiliary", "number", "category", "date", "weight", "excluded"]
ColumnKind = Literal["number", "category", "date"]

AT_ONCE = 50  # columns in memory
MAX_ROWS = 1_000_000  # that summaries of a large table use


@dataclass(frozen=True)
class RawColumn:
    """A raw column with its content as float64, texts or dates; `missing` counts missing values."""

    name: str
    role: ColumnRole
    kind: ColumnKind
    content: pd.Series[Any]
    missing: int


@dataclass(frozen=True)
class ColumnSummary:
    """A raw column in short: of a number or date (as text) three values, of a category two."""

    name: str
    type: str
    role: ColumnRole
    missing: int
    median: float | str | None = None
    low: float | str | None = None
    high: float | str | None = None
    distinct: int | None = None
    most_frequent: str | None = None


def summarize_columns(dataset: str) -> list[ColumnSummary]:
    """Summarize the columns of a table in their own order."""
    schema, roles = Schema.read(dataset), column_roles(dataset)
    if weight := find_weight(dataset, [n for n, role in roles.items() if role == "excluded"]):
        roles[weight] = "weight"
    types = {column.name: column.type for column in schema.columns}
    columns = read_columns(dataset, roles, summarized_rows(schema))
    return [summarize(column, types[column.name]) for column in columns]


def summarized_rows(schema: Schema) -> NDArray[np.int64] | None:
    """Return the rows that summaries use: None for all, or evenly spaced rows of a large table."""
    return evenly_spaced(schema.rows, MAX_ROWS) if schema.is_large else None


def summarize(column: RawColumn, type_name: str) -> ColumnSummary:
    facts = (column.name, type_name, column.role, column.missing)
    present = column.content.dropna()
    if present.empty:
        return ColumnSummary(*facts)
    if column.kind == "category":
        counts = present.value_counts()
        return ColumnSummary(*facts, distinct=len(counts), most_frequent=str(counts.index[0]))
    three: list[Any] = [present.median(), present.min(), present.max()]
    if column.kind == "date":
        return ColumnSummary(*facts, *(d.isoformat(" ").removesuffix(" 00:00:00") for d in three))
    median, low, high = map(float, three)
    return ColumnSummary(*facts, median, low, high)


def column_roles(dataset: str) -> dict[str, ColumnRole]:
    """Return the role of each column of a table; a column of weights counts as excluded."""
    problem, encoder = Problem.read(dataset), Encoder.read(dataset)
    roles: dict[str, ColumnRole] = dict.fromkeys((n.column for n in encoder.numbers), "number")
    roles |= dict.fromkeys((category.column for category in encoder.categories), "category")
    roles |= dict.fromkeys((ordinal.column for ordinal in encoder.ordinals), "category")
    roles |= dict.fromkeys((date.column for date in encoder.dates), "date")
    if "aux_output" in problem.outputs:
        roles[problem.outputs["aux_output"].column] = "auxiliary"
    roles[problem.main.column] = "target"
    names = [column.name for column in Schema.read(dataset).columns]
    return {name: roles.get(name, "excluded") for name in names}


def find_weight(dataset: str, names: list[str]) -> str | None:
    """Return which of these columns holds the weights of rows, if one does.

    The other stages write the values of the weights, but not their column.
    """
    problem = Problem.read(dataset)
    targets = read_targets(problem, "train", evenly_spaced(problem.rows["train"], MAX_ROWS))
    if "weight" not in targets:
        return None
    for name, values in read_raw(dataset, names, targets["row"].to_numpy()):
        if pd.api.types.is_numeric_dtype(values) and np.array_equal(
            values.to_numpy(np.float64, na_value=np.nan), targets["weight"]
        ):
            return name
    return None


def read_raw(
    dataset: str, names: list[str], rows: NDArray[np.int64] | None
) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Yield raw columns, few of them in memory at a time, with all their rows or some."""
    for start in range(0, len(names), AT_ONCE):
        block = names[start : start + AT_ONCE]
        table = read_raw_rows(dataset, rows, block)
        yield from ((name, table[name]) for name in block)


def read_columns(
    dataset: str, roles: Mapping[str, ColumnRole], rows: NDArray[np.int64] | None
) -> Iterator[RawColumn]:
    """Yield columns with their values converted, few of them in memory at a time."""
    task = Schema.read(dataset).task
    for name, raw in read_raw(dataset, list(roles), rows):
        kind: ColumnKind
        match roles[name]:
            case "number" | "category" | "date" as role:
                kind = role
            case "target":
                kind = "number" if task == "regression" else "category"
            case _ if pd.api.types.is_datetime64_any_dtype(raw):
                kind = "date"
            case _:
                kind = "category" if is_category(raw) else "number"
        if kind == "number":
            values = pd.to_numeric(raw, errors="coerce").astype(np.float64)
        elif kind == "date":
            values = raw
        else:
            values = as_texts(raw)
        yield RawColumn(name, roles[name], kind, values, int(raw.isna().sum()))
