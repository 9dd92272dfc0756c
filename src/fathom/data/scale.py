"""Encoded and scaled features, targets of every part, and the problem that they pose."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom import paths
from fathom.config.schema import Dataset, DatasetConfig
from fathom.config.schema import Scale as Settings
from fathom.data.encoder import fit_encoder
from fathom.data.features import scaled
from fathom.data.scaling import Scaler, ScalerFile
from fathom.data.schema import Output, Problem, Schema
from fathom.data.targets import outputs, target_table
from fathom.errors import FathomError
from fathom.files import read_array, read_table, replacing, write_json, write_table

Parts = dict[str, NDArray[np.int64]]

OF_TABLES = (
    "exclude", "auxiliary", "sample_weight", "categories", "dates", "wide", "deep", "buckets",
    "crosses",
)  # fmt: skip


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
    dataset = config.dataset
    schema = Schema.read(dataset.name)
    split = paths.split(dataset.name)
    made_by = f"split@{dataset.name}"
    parts = {part: read_array(split / f"{part}.npy", made_by) for part in paths.PARTS}
    with replacing(paths.scaled(dataset.name)) as folder:
        folder.mkdir()
        scale_features = scale_table if schema.kind == "table" else scale_images
        problem, scaler, targets = scale_features(dataset, schema, parts, config.scale, folder)
        train = targets.loc[parts["train"]]
        target_scalers = {
            name: Scaler.fit(config.scale.target, train[[name]].to_numpy(), [output.column])
            for name, output in problem.outputs.items()
            if output.task == "regression" and name in targets
        }
        for part, rows in parts.items():
            of_part = targets.loc[rows].rename_axis("row").reset_index()
            write_table(folder / f"{part}_targets.parquet", of_part)
        fitted = ScalerFile(features=scaler, targets=target_scalers)
        write_json(folder / "scaler.json", fitted.model_dump(exclude_none=True))
    problem.write(paths.problem(dataset.name))
    return problem


def scale_table(
    dataset: Dataset, schema: Schema, parts: Parts, settings: Settings, folder: Path
) -> tuple[Problem, Scaler, pd.DataFrame]:
    """Write a table's features; return the problem, the numbers' scaler and the targets by output,
    indexed by raw row.
    """
    table = read_table(paths.raw(dataset.name) / "data.parquet", f"download@{dataset.name}")
    encoder = fit_encoder(dataset, table, parts["train"], settings.min_frequency)
    table = table.loc[np.sort(np.concatenate(list(parts.values())))]
    features = encoder.transform(table)
    numbers = [number.column for number in encoder.numbers]
    scaler = Scaler.fit(
        settings.features, features.loc[parts["train"], numbers].to_numpy(), numbers, settings.clip
    )
    features = scaled(features, encoder, scaler)
    for part, rows in parts.items():
        write_table(folder / f"{part}_features.parquet", features.loc[rows])
    write_json(folder / "encoder.json", encoder.model_dump())
    predicted = outputs(dataset, schema, table)
    problem = Problem(
        dataset=dataset.name,
        kind="table",
        shape=[len(encoder.number_names)],
        numbers=encoder.number_names,
        categories={category.column: category.codes for category in encoder.categories},
        sparse=encoder.sparse,
        wide=encoder.wide,
        deep=encoder.deep,
        outputs=predicted,
        rows={part: len(rows) for part, rows in parts.items()},
    )
    return problem, scaler, target_table(dataset, predicted, table)


def scale_images(
    dataset: Dataset, schema: Schema, parts: Parts, settings: Settings, folder: Path
) -> tuple[Problem, Scaler, pd.DataFrame]:
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
    train = images[parts["train"]].reshape(-1, len(columns))
    scaler = Scaler.fit(settings.features, train, columns, settings.clip)
    for part, rows in parts.items():
        pixels = scaler.transform(images[rows].reshape(-1, len(columns)))
        np.save(folder / f"{part}_features.npy", pixels.reshape(-1, *shape).astype(np.float32))
    main = Output(column=schema.target, task=schema.task, classes=schema.classes)
    problem = Problem(
        dataset=dataset.name,
        kind="images",
        shape=list(shape),
        numbers=[],
        categories={},
        sparse={},
        wide=[],
        deep=[],
        outputs={"main_output": main, "aux_output": main},
        rows={part: len(rows) for part, rows in parts.items()},
    )
    return problem, scaler, pd.DataFrame({"main_output": labels})
