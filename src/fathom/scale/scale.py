"""Scales the features and targets of every subset, and describes the problem to learn."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import as_numbers
from fathom.artifacts.keys import hash_keys
from fathom.artifacts.problem import Output, Problem
from fathom.artifacts.raw_images import read_images, read_labels
from fathom.artifacts.raw_table import (
    SubsetRows,
    Table,
    TableInMemory,
    open_raw_table,
    read_raw_rows,
)
from fathom.artifacts.scaled_data import ScaledRows, make_subset
from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.artifacts.schema import Schema
from fathom.artifacts.split_rows import read_split
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import atomic_write, write_array, write_json
from fathom.base.tables import TableWriter, write_table
from fathom.scale.encoder import Encoder, preprocess
from fathom.scale.fit_encoder import fit_encoder
from fathom.scale.fit_scaler import fit_scaler
from fathom.scale.targets import check_weights, make_outputs, make_targets
from fathom.settings.config import DatasetConfig

TABLE_SETTINGS = (
    "exclude", "categories", "dates", "columns", "auxiliary", "sample_weight", "wide", "deep",
    "buckets", "crosses",
)  # fmt: skip


@dataclass(frozen=True)
class TablePreprocessing:
    """What is fitted on the training rows of a table."""

    problem: Problem
    scalers: ScalerFile
    encoder: Encoder

    def transform(
        self, block: pd.DataFrame, rows: SubsetRows, config: DatasetConfig
    ) -> Iterator[tuple[str, pd.DataFrame, pd.DataFrame]]:
        """Yield each subset of a block of raw rows: its name, features and targets."""
        features = preprocess(block, self.encoder, self.scalers.features)
        targets = make_targets(config.dataset, self.problem.outputs, block)
        if config.split.key is not None:
            targets["group"] = hash_keys(block[config.split.key])
        targets = targets.rename_axis("row").reset_index()
        for subset, numbers in rows.items():
            places = np.searchsorted(block.index, numbers)
            yield subset, features.iloc[places], targets.iloc[places]


def scale(config: DatasetConfig) -> Problem:
    """Fit encoder and scalers on the training rows and write every subset.

    Writes `data/scaled/<dataset>/` with `scaler.json`, for tables `encoder.json`, and for each
    subset `<subset>_targets.parquet` (`row`, the number of the raw row; `main_output` and perhaps
    `aux_output`, in their own unit or as class numbers; perhaps `weight`, and `group`, a hash of
    `split.key`) and
    `<subset>_features.parquet` (tables: scaled numbers in float32, codes in int32) or
    `<subset>_features.npy` (images, in float32). Writes `data/problem/<dataset>.json`.

    Raises:
        FathomError: a column is missing, or has values that its kind does not allow.
    """
    name = config.dataset.name
    schema, rows = Schema.read(name), read_split(name)
    with atomic_write(paths.scaled(name)) as folder:
        folder.mkdir()
        if schema.kind == "images":
            problem, scalers, subsets = scale_images(config, schema, rows)
            for subset, images, targets in subsets:
                write_array(folder / f"{subset}_features.npy", images)
                write_table(folder / f"{subset}_targets.parquet", targets)
        else:
            table = open_raw_table(schema, rows)
            fitted = fit_table(config, schema, table)
            problem, scalers = fitted.problem, fitted.scalers
            write_json(folder / "encoder.json", fitted.encoder.model_dump())
            write_blocks(fitted, table, config, folder)
        write_json(folder / "scaler.json", scalers.model_dump(exclude_none=True))
    problem.write(paths.problem(name))
    return problem


def write_blocks(
    fitted: TablePreprocessing, table: Table, config: DatasetConfig, folder: Path
) -> None:
    """Write the features and targets of every subset of a table."""
    with ExitStack() as files:
        writers = {
            (subset, kind): files.enter_context(TableWriter(folder / f"{subset}_{kind}.parquet"))
            for subset in paths.SUBSETS
            for kind in ("features", "targets")
        }

        def write(subsets: list[tuple[str, pd.DataFrame, pd.DataFrame]]) -> None:
            for subset, features, targets in subsets:
                writers[subset, "features"].write(features)
                writers[subset, "targets"].write(targets)

        # One block is written while the next is transformed.
        pool = files.enter_context(ThreadPoolExecutor(1))
        writing = pool.submit(write, [])
        for block, rows in table.blocks():
            subsets = list(fitted.transform(block, rows, config))
            writing.result()
            writing = pool.submit(write, subsets)
        writing.result()


def scale_in_memory(config: DatasetConfig, schema: Schema, rows: SubsetRows) -> ScaledRows:
    """Scale every subset in memory, as `scale` does."""
    if schema.kind == "table":
        return scale_table(config, schema, read_raw_rows(schema.name, None), rows)[1]
    problem, scalers, scaled = scale_images(config, schema, rows)
    subsets = {name: make_subset(problem, images, targets) for name, images, targets in scaled}
    return ScaledRows(problem, scalers.targets, subsets)


def scale_table(
    config: DatasetConfig, schema: Schema, table: pd.DataFrame, rows: SubsetRows
) -> tuple[TablePreprocessing, ScaledRows]:
    """Do the same with a table whose index numbers its rows from 0."""
    raw = TableInMemory(table, rows)
    fitted = fit_table(config, schema, raw)
    subsets = {
        name: make_subset(fitted.problem, features, targets)
        for block, _ in raw.blocks()
        for name, features, targets in fitted.transform(block, rows, config)
    }
    return fitted, ScaledRows(fitted.problem, fitted.scalers.targets, subsets)


def fit_table(config: DatasetConfig, schema: Schema, table: Table) -> TablePreprocessing:
    dataset, settings = config.dataset, config.scale
    encoder, features, edges = fit_encoder(dataset, table, settings)
    outputs = make_outputs(dataset, schema, table)
    if dataset.sample_weight is not None:
        check_weights(dataset.sample_weight, table)
    problem = Problem(
        dataset=dataset.name,
        kind="table",
        shape=[len(encoder.number_names)],
        numbers=encoder.number_names,
        edges=edges,
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
            values = table.training(as_numbers(table.column(output.column)))
            targets[name] = fit_scaler(settings.target, values)
    return TablePreprocessing(problem, ScalerFile(features=features, targets=targets), encoder)


def scale_images(
    config: DatasetConfig, schema: Schema, rows: SubsetRows
) -> tuple[Problem, ScalerFile, Iterator[tuple[str, NDArray[np.float32], pd.DataFrame]]]:
    """Fit the scaler on the training images, with one column for all pixels or one for each.

    The iterator yields the name, scaled images and targets of each subset.
    """
    dataset, settings = config.dataset, config.scale
    for key in TABLE_SETTINGS:
        if getattr(dataset, key):
            raise FathomError(f"dataset.{key}: applies to the columns of a table, not to images")
    images, labels = read_images(dataset.name), read_labels(dataset.name)
    shape = images.shape[1:]
    columns = ["pixels"]
    if settings.pixels == "separately":
        columns = ["pixel " + " ".join(map(str, place)) for place in np.ndindex(shape)]
    train = images[rows["train"]].reshape(-1, len(columns))
    method = "zscore" if settings.features == "auto" else settings.features
    scaler = Scaler.fit(method, train, columns, settings.clip)
    main = Output(column=schema.target, task=schema.task, classes=schema.classes)
    problem = Problem(
        dataset=dataset.name,
        kind="images",
        shape=list(shape),
        outputs={"main_output": main, "aux_output": main},
        rows={subset: len(numbers) for subset, numbers in rows.items()},
    )

    def subsets() -> Iterator[tuple[str, NDArray[np.float32], pd.DataFrame]]:
        for subset, numbers in rows.items():
            pixels = scaler.transform(images[numbers].reshape(-1, len(columns)))
            targets = pd.DataFrame({"row": numbers, "main_output": labels[numbers]})
            yield subset, pixels.reshape(-1, *shape).astype(np.float32), targets

    return problem, ScalerFile(features=scaler, targets={}), subsets()
