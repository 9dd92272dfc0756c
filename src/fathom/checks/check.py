"""Looks for faults of raw data and its split."""

from __future__ import annotations

import hashlib

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom import paths
from fathom.checks.drift import drift
from fathom.checks.duplicates import duplicates
from fathom.checks.giveaways import giveaways
from fathom.checks.warning import Parts, warned
from fathom.config.schema import Dataset, DatasetConfig
from fathom.data.columns import as_dates, as_numbers, as_texts, roles
from fathom.data.schema import Checks, Schema
from fathom.files import read_array, read_table

IMAGE, BRIGHTNESS = "pixels", "mean brightness"  # columns of images


def check(config: DatasetConfig) -> Checks:
    """Look for faults of raw data and its split, and write `data/checks/<dataset>.json`.

    Raises:
        FathomError: a column is missing, or holds what it cannot hold.
    """
    name = config.dataset.name
    schema = Schema.read(name)
    made_by = f"split@{name}"
    rows = {part: read_array(paths.split(name) / f"{part}.npy", made_by) for part in paths.PARTS}
    every = np.concatenate(list(rows.values()))
    is_table, target = schema.kind == "table", schema.target
    table = read_columns(config.dataset, schema, every) if is_table else read_images(schema, every)
    parts = {part: table.loc[numbers] for part, numbers in rows.items()}
    if is_table:
        warnings = duplicates(parts, target) + giveaways(parts, target) + drift(parts, target)
    else:
        warnings = duplicates(without(BRIGHTNESS, parts), target)
        warnings += drift(without(IMAGE, parts), target)
    if schema.unlabelled:
        sentence = (
            f"{schema.unlabelled:,} of {schema.rows:,} rows have no {target!r} and are in no part: "
            "if they are unlike the others, figures do not hold for them"
        )
        figures = {"rows": schema.unlabelled, "of": schema.rows}
        warnings.append(warned("unlabelled", [target], figures, sentence))
    checks = Checks(dataset=name, warnings=warnings)
    checks.write(paths.checks(name))
    return checks


def without(column: str, parts: Parts) -> Parts:
    return {part: rows.drop(columns=column) for part, rows in parts.items()}


def read_columns(dataset: Dataset, schema: Schema, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Return the columns that networks are given, and the target: numbers, also of dates, as
    float64, and categories as texts.
    """
    table = read_table(paths.raw(schema.name) / "data.parquet", f"download@{schema.name}")
    found = roles(dataset, table)
    table = table.loc[rows]
    columns = {}
    for name in found.columns:
        if name in found.dates:
            dates = as_dates(table[name], found.dates[name])
            columns[name] = (dates - dates.min()).dt.total_seconds()
        else:
            is_text = name in found.categories or name in dataset.categories
            columns[name] = as_texts(table[name]) if is_text else as_numbers(table[name])
    as_target = as_numbers if schema.task == "regression" else as_texts
    return pd.DataFrame(columns | {schema.target: as_target(table[schema.target])})


def read_images(schema: Schema, rows: NDArray[np.int64]) -> pd.DataFrame:
    """Return of each image a hash of its bytes, its mean brightness and its class."""
    raw, made_by = paths.raw(schema.name), f"download@{schema.name}"
    images, labels = (read_array(raw / f"{name}.npy", made_by) for name in ("images", "labels"))
    columns = {
        IMAGE: [hashlib.blake2b(images[row].tobytes()).hexdigest() for row in rows],
        BRIGHTNESS: [float(images[row].mean()) for row in rows],
        schema.target: np.asarray(schema.classes)[labels[rows]],
    }
    return pd.DataFrame(columns, index=rows)
