"""Encoded and scaled features, targets of every part, and the problem that they pose."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom import paths
from fathom.config.schema import Dataset, DatasetConfig
from fathom.config.schema import Scale as Settings
from fathom.data.encoder import Encoder, fit_encoder
from fathom.data.features import scaled
from fathom.data.parts import Part, part_of
from fathom.data.scaling import Scaler, ScalerFile
from fathom.data.schema import Output, Problem, Schema
from fathom.data.targets import outputs, target_table
from fathom.errors import FathomError
from fathom.files import read_array, read_table, replacing, write_json, write_table

Parts = dict[str, NDArray[np.int64]]
Features = Callable[[NDArray[np.int64]], "pd.DataFrame | NDArray[np.float32]"]
# Problem, features' scaler, a table's encoder, targets by raw row, features of raw rows.
Learned = tuple[Problem, Scaler, "Encoder | None", pd.DataFrame, Features]

OF_TABLES = (
    "exclude", "auxiliary", "sample_weight", "categories", "dates", "wide", "deep", "buckets",
    "crosses",
)  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """What was learned of the training rows, and what it makes of the rows of every part.

    `rows` are raw row numbers by part, `targets` a table by output, indexed by raw row;
    `features` returns for raw row numbers what a `Part` holds of them.
    """

    problem: Problem
    scalers: ScalerFile
    encoder: Encoder | None
    rows: Parts
    targets: pd.DataFrame
    features: Features

    def part(self, name: str) -> Part:
        """Return the encoded and scaled rows of a part."""
        rows = self.rows[name]
        targets = self.targets.loc[rows].rename_axis("row").reset_index()
        return part_of(self.problem, self.features(rows), targets)


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
    made_by = f"split@{name}"
    rows = {part: read_array(paths.split(name) / f"{part}.npy", made_by) for part in paths.PARTS}
    fitted = fit(config, Schema.read(name), rows)
    with replacing(paths.scaled(name)) as folder:
        folder.mkdir()
        for part, of_part in rows.items():
            features = fitted.features(of_part)
            if isinstance(features, pd.DataFrame):
                write_table(folder / f"{part}_features.parquet", features)
            else:
                np.save(folder / f"{part}_features.npy", features)
            targets = fitted.targets.loc[of_part].rename_axis("row").reset_index()
            write_table(folder / f"{part}_targets.parquet", targets)
        if fitted.encoder is not None:
            write_json(folder / "encoder.json", fitted.encoder.model_dump())
        write_json(folder / "scaler.json", fitted.scalers.model_dump(exclude_none=True))
    fitted.problem.write(paths.problem(name))
    return fitted.problem


def fit(config: DatasetConfig, schema: Schema, rows: Parts) -> Fitted:
    """Fit encoder and scalers on the training rows of raw data.

    Args:
        rows: raw row numbers by part.

    Raises:
        FathomError: as `scale`.
    """
    if schema.kind == "images":
        return with_targets(config, rows, fit_images(config.dataset, schema, rows, config.scale))
    table = read_table(paths.raw(schema.name) / "data.parquet", f"download@{schema.name}")
    return fit_rows(config, schema, table, rows)


def fit_rows(config: DatasetConfig, schema: Schema, table: pd.DataFrame, rows: Parts) -> Fitted:
    """Do the same with a table in memory, whose index numbers its rows from 0."""
    learned = fit_table(config.dataset, schema, table, rows, config.scale)
    return with_targets(config, rows, learned)


def with_targets(config: DatasetConfig, rows: Parts, learned: Learned) -> Fitted:
    """Add how targets are scaled."""
    problem, scaler, encoder, targets, features = learned
    train = targets.loc[rows["train"]]
    of_targets = {
        name: Scaler.fit(config.scale.target, train[[name]].to_numpy(), [output.column])
        for name, output in problem.outputs.items()
        if output.task == "regression" and name in targets
    }
    scalers = ScalerFile(features=scaler, targets=of_targets)
    return Fitted(problem, scalers, encoder, rows, targets, features)


def fit_table(
    dataset: Dataset, schema: Schema, table: pd.DataFrame, rows: Parts, settings: Settings
) -> Learned:
    """Learn from a table's training rows; the scaler is that of the numbers."""
    encoder = fit_encoder(dataset, table, rows["train"], settings.min_frequency)
    table = table.loc[np.sort(np.concatenate(list(rows.values())))]
    encoded = encoder.transform(table)
    numbers = [number.column for number in encoder.numbers]
    scaler = Scaler.fit(
        settings.features, encoded.loc[rows["train"], numbers].to_numpy(), numbers, settings.clip
    )
    features = scaled(encoded, encoder, scaler)
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
        rows={part: len(of_part) for part, of_part in rows.items()},
    )
    targets = target_table(dataset, predicted, table)
    return problem, scaler, encoder, targets, lambda chosen: features.loc[chosen]


def fit_images(dataset: Dataset, schema: Schema, rows: Parts, settings: Settings) -> Learned:
    """Do the same for images, whose scaler takes each pixel for a column, or all for one."""
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
    return problem, scaler, None, pd.DataFrame({"main_output": labels}), features
