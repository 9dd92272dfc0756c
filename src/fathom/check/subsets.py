"""The rows that are checked, by set, and the form of a warning about them."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.checks import DataWarning, WarningKind
from fathom.artifacts.columns import as_numbers, as_texts, column_kinds
from fathom.artifacts.raw_images import read_images, read_labels
from fathom.artifacts.raw_table import SubsetRows, Table, open_raw_table
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.settings.data_settings import DatasetSettings

SAMPLE_ROWS = 250_000  # of a large table, approximately
IMAGE, BRIGHTNESS = "pixels", "mean brightness"  # columns of images
SHARE, LEAST = 0.01, 3  # a warning needs more than this share of a set, and this number of rows
NAMES = {"train": "training", "valid": "validation", "test": "test"}

Subsets = dict[str, pd.DataFrame]  # by name of the set; columns are float64 or categories


def read_columns(dataset: DatasetSettings, schema: Schema, rows: SubsetRows) -> Subsets:
    """Return features and target of a table, or of a sample of a large one.

    Numbers and dates are float64, categories texts.
    """
    raw = open_raw_table(schema, rows)
    kinds = column_kinds(dataset, raw)
    table, rows = sample_rows(raw, [*kinds.columns, schema.target], schema)
    columns = {}
    for name in kinds.columns:
        if name in kinds.dates:
            columns[name] = (table[name] - table[name].min()).dt.total_seconds()
        else:
            is_text = name in kinds.categories or name in kinds.ordinals
            columns[name] = as_texts(table[name]) if is_text else as_numbers(table[name])
    convert = as_numbers if schema.task == "regression" else as_texts
    converted = pd.DataFrame(columns | {schema.target: convert(table[schema.target])})
    return {subset: converted.loc[numbers] for subset, numbers in rows.items()}


def sample_rows(raw: Table, columns: list[str], schema: Schema) -> tuple[pd.DataFrame, SubsetRows]:
    """Return all rows of a small table or a sample of a large one, and their numbers by set.

    The sample depends on a hash of the rows' values: it has all or none of equal rows, and so the
    same share of duplicates as the table.
    """
    step = np.uint64(-(-schema.rows // SAMPLE_ROWS) if schema.is_large else 1)
    tables: list[pd.DataFrame] = []
    numbers: list[SubsetRows] = []
    for block, rows in raw.blocks(columns):
        if step > 1:
            keys = pd.util.hash_pandas_object(block, index=False).to_numpy()
            block = block[keys % step == 0]
            rows = {subset: at[np.isin(at, block.index)] for subset, at in rows.items()}
        tables.append(block)
        numbers.append(rows)
    subsets = {s: np.concatenate([rows[s] for rows in numbers]) for s in paths.SUBSETS}
    return pd.concat(tables), subsets


def describe_images(schema: Schema, rows: SubsetRows) -> Subsets:
    """Return a hash of the bytes, the mean brightness and the class of each image."""
    images, labels = read_images(schema.name), read_labels(schema.name)
    every = np.concatenate([rows[subset] for subset in paths.SUBSETS])
    columns = {
        IMAGE: [hashlib.blake2b(images[row].tobytes()).hexdigest() for row in every],
        BRIGHTNESS: [float(images[row].mean()) for row in every],
        schema.target: np.asarray(schema.classes)[labels[every]],
    }
    table = pd.DataFrame(columns, index=every)
    return {subset: table.loc[numbers] for subset, numbers in rows.items()}


def make_warning(
    kind: WarningKind, columns: list[str], values: dict[str, Any], sentence: str
) -> DataWarning:
    rounded = {name: round(value, 4) for name, value in values.items()}
    return DataWarning(kind=kind, columns=columns, figures=rounded, sentence=sentence)


def are_few(rows: int, total: int) -> bool:
    return rows < LEAST or rows <= SHARE * total


def r_squared(goal: NDArray[Any], predicted: NDArray[Any]) -> float:
    """Return R²; 0 for a constant goal."""
    spread = float(np.square(goal - goal.mean()).sum())
    return 1 - float(np.square(goal - predicted).sum()) / spread if spread else 0.0


def numbers_in(subsets: Subsets, schema: Schema) -> Iterator[pd.Series[Any]]:
    """Yield the columns of numbers, without dates: the known values of all sets by row."""
    table = pd.concat(subsets.values()).sort_index()
    dates = [column.name for column in schema.columns if column.type.startswith("datetime")]
    for name in table.columns.difference(dates, sort=False):
        if is_number(table[name]):
            yield table[name].dropna()


def is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_float_dtype(column)
