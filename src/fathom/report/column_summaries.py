"""The columns of a raw table as the page lists them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import as_dates, as_texts, is_category
from fathom.artifacts.problem import Problem
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.scaled_data import read_targets
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.blocks import evenly_spaced
from fathom.base.files import read_json, read_table
from fathom.scale.encoder import Encoder

Role = Literal["target", "auxiliary", "number", "category", "date", "weight", "excluded"]
Kind = Literal["number", "category", "date"]

AT_ONCE = 50  # columns in memory
ROWS = 1_000_000  # that columns of a large table are described by, at most


@dataclass(frozen=True)
class ColumnSummary:
    """A raw column: what it is for, and what is in it, over the rows of `described_rows`.

    A number or a date has `median`, `low` and `high` (dates as text), a category the count of
    its `distinct` values and the `most_frequent` one. All are None if every value is missing.
    """

    name: str
    type: str
    role: Role
    missing: int
    median: float | str | None = None
    low: float | str | None = None
    high: float | str | None = None
    distinct: int | None = None
    most_frequent: str | None = None


def summaries(dataset: str) -> list[ColumnSummary]:
    """Describe the columns of a table in its own order; images have none.

    Raises:
        FathomError: what the stages before should have written is not there.
    """
    schema = Schema.read(dataset)
    if schema.kind == "images":
        return []
    known = roles(dataset)
    types = {column.name: column.type for column in schema.columns}
    dates = formats(dataset)
    return [
        summary(values, types[name], known[name], kind_of(values, known[name], schema), dates)
        for name, values in read_columns(dataset, list(types), described_rows(dataset))
    ]


def roles(dataset: str) -> dict[str, Role]:
    """Return what each column of a table is for, by what the stages before made of it."""
    problem, encoder = Problem.read(dataset), read_encoder(dataset)
    names = [column.name for column in Schema.read(dataset).columns]
    found: dict[str, Role] = dict.fromkeys(names, "excluded")
    found |= dict.fromkeys((number.column for number in encoder.numbers), "number")
    found |= dict.fromkeys((category.column for category in encoder.categories), "category")
    found |= dict.fromkeys((date.column for date in encoder.dates), "date")
    if "aux_output" in problem.outputs:
        found[problem.outputs["aux_output"].column] = "auxiliary"
    found[problem.main.column] = "target"
    others = [name for name in names if found[name] == "excluded"]
    if (weight := weight_of(problem, others)) is not None:
        found[weight] = "weight"
    return {name: found[name] for name in names}  # without parts of dates


def described_rows(dataset: str) -> NDArray[np.int64] | None:
    """Return the numbers of the rows that columns are described by: None for all, and of a large
    table some that are drawn evenly.
    """
    schema = Schema.read(dataset)
    return evenly_spaced(schema.rows, ROWS) if schema.is_large else None


def weight_of(problem: Problem, others: list[str]) -> str | None:
    """Return which of the columns that networks are not given holds the rows' weights.

    What the stages wrote names it nowhere, but holds its values.
    """
    targets = read_targets(problem, "train", evenly_spaced(problem.rows["train"], ROWS))
    if "weight" not in targets:
        return None
    rows = targets["row"].to_numpy()
    for name, values in read_columns(problem.dataset, others, rows):
        if pd.api.types.is_numeric_dtype(values):
            of_rows = values.to_numpy(np.float64, na_value=np.nan)
            if np.array_equal(of_rows, targets["weight"]):
                return name
    return None


def kind_of(values: pd.Series[Any], role: Role, schema: Schema) -> Kind:
    """Tell whether a column is looked at as numbers, categories or dates."""
    if role in ("number", "category", "date"):
        return role
    if role == "target":
        return "number" if schema.task == "regression" else "category"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    return "category" if is_category(values) else "number"


def read_encoder(dataset: str) -> Encoder:
    file = paths.scaled(dataset) / "encoder.json"
    return Encoder.model_validate(read_json(file, f"scale@{dataset}"))


def formats(dataset: str) -> dict[str, str]:
    """Return the format of each column of dates, in pandas' words."""
    return {date.column: date.format for date in read_encoder(dataset).dates}


def read_columns(
    dataset: str, names: list[str], rows: NDArray[np.int64] | None = None
) -> Iterator[tuple[str, pd.Series[Any]]]:
    """Yield raw columns, few of them in memory at a time: all their rows, or those of `rows`."""
    for start in range(0, len(names), AT_ONCE):
        block = names[start : start + AT_ONCE]
        file, made_by = paths.raw(dataset) / "data.parquet", f"download@{dataset}"
        table = (
            read_table(file, made_by, columns=block)
            if rows is None
            else read_raw_rows(dataset, rows, block)
        )
        yield from ((name, table[name]) for name in block)


def converted(values: pd.Series[Any], kind: Kind, dates: dict[str, str]) -> pd.Series[Any]:
    """Return a column as float64, dates or texts, its missing values missing."""
    if kind == "number":
        return pd.to_numeric(values, errors="coerce").astype(np.float64)
    if kind == "date":
        return as_dates(values, dates.get(str(values.name), "ISO8601"))
    return as_texts(values)


def summary(
    values: pd.Series[Any], type_name: str, role: Role, kind: Kind, dates: dict[str, str]
) -> ColumnSummary:
    """Describe a column."""
    name, missing = str(values.name), int(values.isna().sum())
    present = converted(values, kind, dates).dropna()
    if present.empty:
        return ColumnSummary(name, type_name, role, missing)
    if kind == "category":
        counts = present.value_counts()
        return ColumnSummary(
            name, type_name, role, missing,
            distinct=len(counts), most_frequent=str(counts.index[0]),
        )  # fmt: skip
    figures = [present.median(), present.min(), present.max()]
    median, low, high = (
        date.isoformat(" ").removesuffix(" 00:00:00") if kind == "date" else float(date)
        for date in figures
    )
    return ColumnSummary(name, type_name, role, missing, median=median, low=low, high=high)
