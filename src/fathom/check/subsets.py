"""The rows that are looked at, by part."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd

from fathom.artifacts.columns import as_dates, as_numbers, as_texts, column_kinds
from fathom.artifacts.raw_table import SubsetRows, Table, open_raw_table
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.files import read_array
from fathom.check.warning import Parts
from fathom.settings.data_settings import DatasetSettings

SAMPLE_ROWS = 250_000  # rows of a large table, about
IMAGE, BRIGHTNESS = "pixels", "mean brightness"  # columns of images


def read_columns(dataset: DatasetSettings, schema: Schema, rows: SubsetRows) -> Parts:
    """Return the columns that networks are given, and the target: numbers, also of dates, as
    float64, and categories as texts; of a large table some of the rows.
    """
    raw = open_raw_table(schema, rows)
    found = column_kinds(dataset, raw)
    table, rows = chosen(raw, [*found.columns, schema.target], schema)
    columns = {}
    for name in found.columns:
        if name in found.dates:
            dates = as_dates(table[name], found.dates[name])
            columns[name] = (dates - dates.min()).dt.total_seconds()
        else:
            is_text = name in found.categories or name in dataset.categories
            columns[name] = as_texts(table[name]) if is_text else as_numbers(table[name])
    as_target = as_numbers if schema.task == "regression" else as_texts
    made = pd.DataFrame(columns | {schema.target: as_target(table[schema.target])})
    return {part: made.loc[numbers] for part, numbers in rows.items()}


def chosen(raw: Table, columns: list[str], schema: Schema) -> tuple[pd.DataFrame, SubsetRows]:
    """Return the rows that are looked at, and their numbers by part.

    Of a large table they are chosen by what is in them: of equal rows all or none, so that as large
    a share of them has an equal one as of all rows.
    """
    step = np.uint64(-(-schema.rows // SAMPLE_ROWS) if schema.is_large else 1)
    tables: list[pd.DataFrame] = []
    by_part: list[SubsetRows] = []
    for block, rows in raw.blocks(columns):
        if step > 1:
            keys = pd.util.hash_pandas_object(block, index=False).to_numpy()
            block = block[keys % step == 0]
            rows = {part: at[np.isin(at, block.index)] for part, at in rows.items()}
        tables.append(block)
        by_part.append(rows)
    parts = {part: np.concatenate([rows[part] for rows in by_part]) for part in paths.SUBSETS}
    return pd.concat(tables), parts


def read_images(schema: Schema, rows: SubsetRows) -> Parts:
    """Return of each image a hash of its bytes, its mean brightness and its class."""
    raw, made_by = paths.raw(schema.name), f"download@{schema.name}"
    images, labels = (read_array(raw / f"{name}.npy", made_by) for name in ("images", "labels"))
    every = np.concatenate([rows[part] for part in paths.SUBSETS])
    columns = {
        IMAGE: [hashlib.blake2b(images[row].tobytes()).hexdigest() for row in every],
        BRIGHTNESS: [float(images[row].mean()) for row in every],
        schema.target: np.asarray(schema.classes)[labels[every]],
    }
    table = pd.DataFrame(columns, index=every)
    return {part: table.loc[numbers] for part, numbers in rows.items()}
