"""Encoded and scaled features, targets of every part, and the problem that they pose."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import as_numbers
from fathom.artifacts.problem import Output, Problem
from fathom.artifacts.raw_table import SubsetRows, Table, TableInMemory, open_raw_table
from fathom.artifacts.scaled_data import Subset, make_subset
from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import (
    TableWriter,
    atomic_write,
    read_array,
    read_table,
    write_json,
    write_table,
)
from fathom.scale.encoder import Encoder, fit_encoder, preprocess
from fathom.scale.encodings import Number
from fathom.scale.targets import outputs, target_table
from fathom.settings.config import DatasetConfig
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.data_settings import ScaleSettings as Settings

OF_TABLES = (
    "exclude", "auxiliary", "sample_weight", "categories", "dates", "wide", "deep", "buckets",
    "crosses",
)  # fmt: skip


@dataclass(frozen=True)
class Learned:
    """What was learned of a table's training rows."""

    problem: Problem
    scalers: ScalerFile
    encoder: Encoder

    def apply(
        self, block: pd.DataFrame, dataset: DatasetSettings
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return features and targets of raw rows, with the index of the rows."""
        features = preprocess(block, self.encoder, self.scalers.features)
        return features, target_table(dataset, self.problem.outputs, block)


@dataclass(frozen=True)
class Fitted:
    """What was learned of the training rows, and what it makes of the rows of every part.

    `rows` are raw row numbers by part, `targets` a table by output, indexed by raw row;
    `features` returns for raw row numbers what a `Subset` holds of them.
    """

    problem: Problem
    scalers: ScalerFile
    encoder: Encoder | None
    rows: SubsetRows
    targets: pd.DataFrame
    features: Callable[[NDArray[np.int64]], pd.DataFrame | NDArray[np.float32]]

    def subset(self, name: str) -> Subset:
        """Return the encoded and scaled rows of a part."""
        rows = self.rows[name]
        targets = with_rows(self.targets.loc[rows])
        return make_subset(self.problem, self.features(rows), targets)


def scale(config: DatasetConfig) -> Problem:
    """Fit encoder and scalers on the training rows and write every part.

    Writes `data/scaled/<dataset>/` with `scaler.json`, for tables `encoder.json`, and for each part
    `<part>_targets.parquet` (`row`, the number of the raw row; `main_output` and perhaps
    `aux_output`, in their own unit or as numbers of classes; perhaps `weight`) and
    `<part>_features.parquet` (tables: numbers scaled, in float32; codes in int32) or
    `<part>_features.npy` (images, in float32). Writes `data/problem/<dataset>.json`.

    Raises:
        FathomError: a column is missing, or holds what it cannot hold.
    """
    name = config.dataset.name
    schema, made_by = Schema.read(name), f"split@{name}"
    rows = {part: read_array(paths.split(name) / f"{part}.npy", made_by) for part in paths.SUBSETS}
    with atomic_write(paths.scaled(name)) as folder:
        folder.mkdir()
        if schema.kind == "images":
            problem, scalers = write_images(config, schema, rows, folder)
        else:
            problem, scalers = write_parts(config, schema, open_raw_table(schema, rows), folder)
        write_json(folder / "scaler.json", scalers.model_dump(exclude_none=True))
    problem.write(paths.problem(name))
    return problem


def write_images(
    config: DatasetConfig, schema: Schema, rows: SubsetRows, folder: Path
) -> tuple[Problem, ScalerFile]:
    """Write the images and labels of every part."""
    fitted = fit_images(config, schema, rows)
    for part, of_part in rows.items():
        np.save(folder / f"{part}_features.npy", fitted.features(of_part))
        write_table(folder / f"{part}_targets.parquet", with_rows(fitted.targets.loc[of_part]))
    return fitted.problem, fitted.scalers


def write_parts(
    config: DatasetConfig, schema: Schema, table: Table, folder: Path
) -> tuple[Problem, ScalerFile]:
    """Write a table's features and targets of every part, and the encoder."""
    fitted = learn(config, schema, table)
    with ExitStack() as files:
        writers = {
            f"{part}_{kind}": files.enter_context(TableWriter(folder / f"{part}_{kind}.parquet"))
            for part in paths.SUBSETS
            for kind in ("features", "targets")
        }

        def write(tables: dict[str, pd.DataFrame]) -> None:
            for name, table in tables.items():
                writers[name].write(table)

        # One block is written while the next is made.
        pool = files.enter_context(ThreadPoolExecutor(1))
        writing = pool.submit(write, {})
        for block, rows in table.blocks():
            features, targets = fitted.apply(block, config.dataset)
            tables = {}
            for part, of_part in rows.items():
                places = np.searchsorted(block.index, of_part)
                tables[f"{part}_features"] = features.iloc[places]
                tables[f"{part}_targets"] = with_rows(targets.iloc[places])
            writing.result()
            writing = pool.submit(write, tables)
        writing.result()
    write_json(folder / "encoder.json", fitted.encoder.model_dump())
    return fitted.problem, fitted.scalers


def with_rows(targets: pd.DataFrame) -> pd.DataFrame:
    """Return targets with the numbers of their raw rows as a column."""
    return targets.rename_axis("row").reset_index()


def fit(config: DatasetConfig, schema: Schema, rows: SubsetRows) -> Fitted:
    """Fit encoder and scalers on the training rows of raw data, all of which is then in memory.

    Args:
        rows: raw row numbers by part.

    Raises:
        FathomError: as `scale`.
    """
    if schema.kind == "images":
        return fit_images(config, schema, rows)
    table = read_table(paths.raw(schema.name) / "data.parquet", f"download@{schema.name}")
    return fit_rows(config, schema, table, rows)


def fit_rows(
    config: DatasetConfig, schema: Schema, table: pd.DataFrame, rows: SubsetRows
) -> Fitted:
    """Do the same with a table in memory, whose index numbers its rows from 0."""
    raw = TableInMemory(table, rows)
    fitted = learn(config, schema, raw)
    ((block, _),) = raw.blocks()
    features, targets = fitted.apply(block, config.dataset)
    problem, scalers, encoder = fitted.problem, fitted.scalers, fitted.encoder
    return Fitted(problem, scalers, encoder, rows, targets, lambda at: features.loc[at])


def learn(config: DatasetConfig, schema: Schema, table: Table) -> Learned:
    """Learn from a table's training rows, column by column."""
    dataset, settings = config.dataset, config.scale
    scalers: dict[str, Scaler] = {}

    def fit_scaler(number: Number, values: pd.Series[Any]) -> None:
        columns = [number.column]
        filled = number.transform(values)[columns].to_numpy()
        scalers[number.column] = Scaler.fit(settings.features, filled, columns, settings.clip)

    encoder = fit_encoder(dataset, table, settings.min_frequency, fit_scaler)
    predicted = outputs(dataset, schema, table)
    problem = Problem(
        dataset=dataset.name,
        kind="table",
        shape=[len(encoder.number_names)],
        numbers=encoder.number_names,
        categories={category.column: category.codes for category in encoder.categories},
        sparse=encoder.sparse,
        crosses=[cross.columns for cross in encoder.crosses],
        wide=encoder.wide,
        deep=encoder.deep,
        outputs=predicted,
        rows={part: len(of_part) for part, of_part in table.rows.items()},
    )
    of_targets = {
        name: fit_target(table, output.column, settings)
        for name, output in predicted.items()
        if output.task == "regression" and (name == "main_output" or dataset.auxiliary is not None)
    }
    features = Scaler.join([scalers[number.column] for number in encoder.numbers])
    return Learned(problem, ScalerFile(features=features, targets=of_targets), encoder)


def fit_target(table: Table, column: str, settings: Settings) -> Scaler:
    values = table.training(as_numbers(table.column(column)))
    return Scaler.fit(settings.target, values.to_numpy()[:, None], [column])


def fit_images(config: DatasetConfig, schema: Schema, rows: SubsetRows) -> Fitted:
    """Do the same for images, whose scaler takes each pixel for a column, or all for one."""
    dataset, settings = config.dataset, config.scale
    for key in OF_TABLES:
        if getattr(dataset, key):
            raise FathomError(f"dataset.{key}: is for the columns of a table, not for images")
    raw = paths.raw(dataset.name)
    images = read_array(raw / "images.npy", f"download@{dataset.name}")
    labels = read_array(raw / "labels.npy", f"download@{dataset.name}")
    shape = images.shape[1:]
    columns = ["pixels"]
    if settings.pixels == "separately":
        columns = ["pixel " + " ".join(map(str, place)) for place in np.ndindex(shape)]
    train = images[rows["train"]].reshape(-1, len(columns))
    scaler = Scaler.fit(settings.features, train, columns, settings.clip)

    def features(chosen: NDArray[np.int64]) -> NDArray[np.float32]:
        pixels = scaler.transform(images[chosen].reshape(-1, len(columns)))
        return pixels.reshape(-1, *shape).astype(np.float32)

    main = Output(column=schema.target, task=schema.task, classes=schema.classes)
    problem = Problem(
        dataset=dataset.name,
        kind="images",
        shape=list(shape),
        numbers=[],
        categories={},
        sparse={},
        crosses=[],
        wide=[],
        deep=[],
        outputs={"main_output": main, "aux_output": main},
        rows={part: len(of_part) for part, of_part in rows.items()},
    )
    targets = pd.DataFrame({"main_output": labels})
    return Fitted(problem, ScalerFile(features=scaler, targets={}), None, rows, targets, features)
