"""Scales the features and targets of every subset, and describes the problem to learn."""

from __future__ import annotations

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
from fathom.artifacts.scaled_data import ScaledRows, make_subset
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
from fathom.scale.encoder import Encoder, preprocess
from fathom.scale.fit_encoder import fit_encoder
from fathom.scale.targets import make_outputs, make_targets
from fathom.settings.config import DatasetConfig
from fathom.settings.data_settings import DatasetSettings

TABLE_SETTINGS = (
    "exclude", "auxiliary", "sample_weight", "categories", "dates", "wide", "deep", "buckets",
    "crosses",
)  # fmt: skip


@dataclass(frozen=True)
class TablePreprocessing:
    """What is fitted on the training rows of a table."""

    problem: Problem
    scalers: ScalerFile
    encoder: Encoder

    def transform(
        self, block: pd.DataFrame, dataset: DatasetSettings
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Return the features and targets of raw rows, with the rows' index."""
        features = preprocess(block, self.encoder, self.scalers.features)
        return features, make_targets(dataset, self.problem.outputs, block)


def scale(config: DatasetConfig) -> Problem:
    """Fit encoder and scalers on the training rows and write every subset.

    Writes `data/scaled/<dataset>/` with `scaler.json`, for tables `encoder.json`, and for each
    subset `<subset>_targets.parquet` (`row`, the number of the raw row; `main_output` and perhaps
    `aux_output`, in their own unit or as class numbers; perhaps `weight`) and
    `<subset>_features.parquet` (tables: scaled numbers in float32, codes in int32) or
    `<subset>_features.npy` (images, in float32). Writes `data/problem/<dataset>.json`.

    Raises:
        FathomError: a column is missing, or has values that its kind does not allow.
    """
    name = config.dataset.name
    schema, made_by = Schema.read(name), f"split@{name}"
    rows = {
        subset: read_array(paths.split(name) / f"{subset}.npy", made_by) for subset in paths.SUBSETS
    }
    with atomic_write(paths.scaled(name)) as folder:
        folder.mkdir()
        if schema.kind == "images":
            problem, scalers = write_images(config, schema, rows, folder)
        else:
            problem, scalers = write_table_blocks(
                config, schema, open_raw_table(schema, rows), folder
            )
        write_json(folder / "scaler.json", scalers.model_dump(exclude_none=True))
    problem.write(paths.problem(name))
    return problem


def write_images(
    config: DatasetConfig, schema: Schema, rows: SubsetRows, folder: Path
) -> tuple[Problem, ScalerFile]:
    """Write the images and labels of every subset."""
    images, targets = read_images(schema)
    problem, scalers = fit_images(config, schema, images, rows)
    for subset, numbers in rows.items():
        scaled = scale_images(images[numbers], scalers.features)
        np.save(folder / f"{subset}_features.npy", scaled)
        write_table(folder / f"{subset}_targets.parquet", add_row_numbers(targets.loc[numbers]))
    return problem, scalers


def write_table_blocks(
    config: DatasetConfig, schema: Schema, table: Table, folder: Path
) -> tuple[Problem, ScalerFile]:
    """Write the features and targets of every subset of a table, and the encoder."""
    fitted = fit_table(config, schema, table)
    with ExitStack() as files:
        writers = {
            f"{subset}_{kind}": files.enter_context(
                TableWriter(folder / f"{subset}_{kind}.parquet")
            )
            for subset in paths.SUBSETS
            for kind in ("features", "targets")
        }

        def write(tables: dict[str, pd.DataFrame]) -> None:
            for name, table in tables.items():
                writers[name].write(table)

        # One block is written while the next is transformed.
        pool = files.enter_context(ThreadPoolExecutor(1))
        writing = pool.submit(write, {})
        for block, rows in table.blocks():
            features, targets = fitted.transform(block, config.dataset)
            tables = {}
            for subset, numbers in rows.items():
                places = np.searchsorted(block.index, numbers)
                tables[f"{subset}_features"] = features.iloc[places]
                tables[f"{subset}_targets"] = add_row_numbers(targets.iloc[places])
            writing.result()
            writing = pool.submit(write, tables)
        writing.result()
    write_json(folder / "encoder.json", fitted.encoder.model_dump())
    return fitted.problem, fitted.scalers


def add_row_numbers(targets: pd.DataFrame) -> pd.DataFrame:
    """Return targets with their raw row numbers, the index, as the column `row`."""
    return targets.rename_axis("row").reset_index()


def scale_in_memory(config: DatasetConfig, schema: Schema, rows: SubsetRows) -> ScaledRows:
    """Fit encoder and scalers on the training rows and scale every subset in memory.

    Args:
        rows: raw row numbers by subset.

    Raises:
        FathomError: as `scale`.
    """
    if schema.kind == "table":
        table = read_table(paths.raw(schema.name) / "data.parquet", f"download@{schema.name}")
        return scale_table(config, schema, table, rows)[1]
    images, targets = read_images(schema)
    problem, scalers = fit_images(config, schema, images, rows)
    subsets = {
        subset: make_subset(
            problem,
            scale_images(images[numbers], scalers.features),
            add_row_numbers(targets.loc[numbers]),
        )
        for subset, numbers in rows.items()
    }
    return ScaledRows(problem, scalers.targets, subsets)


def scale_table(
    config: DatasetConfig, schema: Schema, table: pd.DataFrame, rows: SubsetRows
) -> tuple[TablePreprocessing, ScaledRows]:
    """Do the same with a table in memory, whose index numbers its rows from 0."""
    raw = TableInMemory(table, rows)
    fitted = fit_table(config, schema, raw)
    ((block, _),) = raw.blocks()
    features, targets = fitted.transform(block, config.dataset)
    subsets = {
        subset: make_subset(
            fitted.problem, features.loc[numbers], add_row_numbers(targets.loc[numbers])
        )
        for subset, numbers in rows.items()
    }
    return fitted, ScaledRows(fitted.problem, fitted.scalers.targets, subsets)


def fit_table(config: DatasetConfig, schema: Schema, table: Table) -> TablePreprocessing:
    """Fit encoder and scalers on the training rows of a table, column by column."""
    dataset, settings = config.dataset, config.scale
    encoder, features = fit_encoder(dataset, table, settings)
    outputs = make_outputs(dataset, schema, table)
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
        outputs=outputs,
        rows={subset: len(numbers) for subset, numbers in table.rows.items()},
    )
    targets: dict[str, Scaler] = {}
    for name, output in outputs.items():
        if output.task == "regression" and (name == "main_output" or dataset.auxiliary is not None):
            values = table.training(as_numbers(table.column(output.column))).to_numpy()
            targets[name] = Scaler.fit(settings.target, values[:, None], [output.column])
    return TablePreprocessing(problem, ScalerFile(features=features, targets=targets), encoder)


def fit_images(
    config: DatasetConfig, schema: Schema, images: NDArray[Any], rows: SubsetRows
) -> tuple[Problem, ScalerFile]:
    """Fit the scaler on the training images: one column for all pixels, or one for each."""
    dataset, settings = config.dataset, config.scale
    for key in TABLE_SETTINGS:
        if getattr(dataset, key):
            raise FathomError(f"dataset.{key}: applies to the columns of a table, not to images")
    shape = images.shape[1:]
    columns = ["pixels"]
    if settings.pixels == "separately":
        columns = ["pixel " + " ".join(map(str, place)) for place in np.ndindex(shape)]
    train = images[rows["train"]].reshape(-1, len(columns))
    scaler = Scaler.fit(settings.features, train, columns, settings.clip)
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
        rows={subset: len(numbers) for subset, numbers in rows.items()},
    )
    return problem, ScalerFile(features=scaler, targets={})


def read_images(schema: Schema) -> tuple[NDArray[Any], pd.DataFrame]:
    """Return the raw images, of shape (rows, height, width[, channels]), and their targets."""
    raw, made_by = paths.raw(schema.name), f"download@{schema.name}"
    labels = read_array(raw / "labels.npy", made_by)
    return read_array(raw / "images.npy", made_by), pd.DataFrame({"main_output": labels})


def scale_images(images: NDArray[Any], scaler: Scaler) -> NDArray[np.float32]:
    """Return images of the same shape in float32."""
    pixels = scaler.transform(images.reshape(-1, len(scaler.columns)))
    return pixels.reshape(images.shape).astype(np.float32)
