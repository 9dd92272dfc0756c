"""Scaled features and targets of every part, and the problem that they pose."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom import paths
from fathom.config.schema import Dataset, DatasetConfig
from fathom.config.schema import Scale as Settings
from fathom.data.scaling import Floats, Scaler, ScalerFile
from fathom.data.schema import Output, Problem, Schema
from fathom.errors import FathomError, did_you_mean
from fathom.files import read_array, read_table, replacing, write_json

Parts = dict[str, NDArray[np.int64]]


def scale(config: DatasetConfig) -> Problem:
    """Fit the scalers on the training rows and write every part, scaled.

    Writes `data/scaled/<dataset>/` with `scaler.json` and for each part `<part>_targets.parquet`
    (`row`, the number of the raw row; `main_output` and perhaps `aux_output`, in their own unit
    or as numbers of classes; perhaps `weight`) and `<part>_features.parquet` for tables or
    `<part>_features.npy` for images, in float32. Writes `data/problem/<dataset>.json`.

    Raises:
        FathomError: a column is missing, is not numeric or holds values that cannot be scaled.
    """
    dataset = config.dataset
    schema = Schema.read(dataset.name)
    split = paths.split(dataset.name)
    made_by = f"split@{dataset.name}"
    parts = {part: read_array(split / f"{part}.npy", made_by) for part in paths.PARTS}
    if schema.kind == "table":
        features, targets, problem = from_table(dataset, schema, parts)
    else:
        features, targets, problem = from_images(dataset, schema, parts)

    scaler = fit_features(features[parts["train"]], problem, config.scale)
    target_scalers = {
        name: Scaler.fit(
            config.scale.target, targets.loc[parts["train"], [name]].to_numpy(), [output.column]
        )
        for name, output in problem.outputs.items()
        if output.task == "regression" and name in targets
    }
    with replacing(paths.scaled(dataset.name)) as folder:
        folder.mkdir()
        for part, rows in parts.items():
            scaled = transform_features(scaler, features[rows], problem)
            if problem.kind == "table":
                table = pd.DataFrame(scaled, columns=problem.columns)
                table.to_parquet(folder / f"{part}_features.parquet", index=False)
            else:
                np.save(folder / f"{part}_features.npy", scaled)
            targets.loc[rows].rename_axis("row").reset_index().to_parquet(
                folder / f"{part}_targets.parquet", index=False
            )
        fitted = ScalerFile(features=scaler, targets=target_scalers)
        write_json(folder / "scaler.json", fitted.model_dump(exclude_none=True))
    problem.write(paths.problem(dataset.name))
    return problem


def from_table(
    dataset: Dataset, schema: Schema, parts: Parts
) -> tuple[Floats, pd.DataFrame, Problem]:
    """Return a table's features (rows, columns), its targets by output, and the problem."""
    table = read_table(paths.raw(dataset.name) / "data.parquet", f"download@{dataset.name}")
    special = [dataset.target, dataset.auxiliary, dataset.sample_weight, *dataset.exclude]
    for key in ("exclude", "auxiliary", "sample_weight", "wide", "deep"):
        named = getattr(dataset, key) or []
        for name in [named] if isinstance(named, str) else named:
            if name not in table.columns:
                near = did_you_mean(name, table.columns)
                raise FathomError(f"dataset.{key}: there is no column {name!r}{near}")
            if key in ("wide", "deep") and name in special:
                raise FathomError(
                    f"dataset.{key}: column {name!r} is the target, a weight or excluded; "
                    "networks are not given it"
                )
    columns = [str(name) for name in table.columns if name not in special]
    if not columns:
        raise FathomError(f"dataset.exclude: leaves no column of {dataset.name} to learn from")
    features = numbers(table[columns])
    main = Output(column=dataset.target, task=schema.task, unit=schema.unit, classes=schema.classes)
    targets = {"main_output": encode(table[dataset.target], main)}
    outputs = {"main_output": main, "aux_output": main}
    if dataset.auxiliary is not None:
        outputs["aux_output"] = auxiliary_output(table[dataset.auxiliary])
        targets["aux_output"] = encode(table[dataset.auxiliary], outputs["aux_output"])
    if dataset.sample_weight is not None:
        weight = numbers(table[[dataset.sample_weight]])[:, 0]
        if weight.min() < 0:
            raise FathomError(
                f"dataset.sample_weight: column {dataset.sample_weight!r} holds {weight.min():g} "
                f"in row {int(weight.argmin())}; weights must be at least 0"
            )
        targets["weight"] = weight
    problem = Problem(
        dataset=dataset.name,
        kind="table",
        shape=[len(columns)],
        columns=columns,
        wide=dataset.wide or columns,
        deep=dataset.deep or columns,
        outputs=outputs,
        rows={part: len(rows) for part, rows in parts.items()},
    )
    return features, pd.DataFrame(targets), problem


def from_images(
    dataset: Dataset, schema: Schema, parts: Parts
) -> tuple[Floats, pd.DataFrame, Problem]:
    """Return images (rows, height, width[, channels]), their labels, and the problem."""
    for key in ("exclude", "auxiliary", "sample_weight", "wide", "deep"):
        if getattr(dataset, key):
            raise FathomError(f"dataset.{key}: is for the columns of a table, not for images")
    folder = paths.raw(dataset.name)
    made_by = f"download@{dataset.name}"
    images = read_array(folder / "images.npy", made_by)
    labels = read_array(folder / "labels.npy", made_by)
    main = Output(column=schema.target, task=schema.task, classes=schema.classes)
    problem = Problem(
        dataset=dataset.name,
        kind="images",
        shape=list(images.shape[1:]),
        columns=[],
        wide=[],
        deep=[],
        outputs={"main_output": main, "aux_output": main},
        rows={part: len(rows) for part, rows in parts.items()},
    )
    return images, pd.DataFrame({"main_output": labels}), problem


def numbers(table: pd.DataFrame) -> Floats:
    """Return a table's values as float64, or name the first that is not a finite number."""
    for name in table.columns:
        column = table[name]
        if not pd.api.types.is_numeric_dtype(column):
            text = pd.to_numeric(column, errors="coerce").isna() & column.notna()
            row = int(text.to_numpy().argmax())
            raise FathomError(
                f"column {name!r} holds {column.iloc[row]!r} in row {row}, which is not a number; "
                "leave it out with dataset.exclude"
            )
        wrong = np.flatnonzero(~np.isfinite(column.to_numpy(np.float64)))
        if len(wrong):
            raise FathomError(
                f"column {name!r} holds no finite number in {len(wrong)} rows, the first of them "
                f"{wrong[0]}; leave it out with dataset.exclude, or mend the rows"
            )
    return table.to_numpy(np.float64)


def auxiliary_output(column: pd.Series[Any]) -> Output:
    """Take a column as a second target: numbers by regression, anything else by class."""
    name = str(column.name)
    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        numbers(column.to_frame())
        return Output(column=name, task="regression")
    classes = sorted(column.astype(str).unique())
    return Output(column=name, task="classification", classes=classes)


def encode(column: pd.Series[Any], output: Output) -> NDArray[Any]:
    """Return a target as float64 in its own unit, or as numbers of classes."""
    if output.classes is None:
        return column.to_numpy(np.float64)
    codes = pd.Categorical(column.astype(str), categories=output.classes).codes
    return codes.astype(np.int64)


def fit_features(train: Floats, problem: Problem, settings: Settings) -> Scaler:
    """Fit the scaler of the features; that of images takes pixels for columns, or all for one."""
    if problem.kind == "table":
        columns = problem.columns
    elif settings.pixels == "together":
        columns = ["pixels"]
    else:
        columns = ["pixel " + " ".join(map(str, place)) for place in np.ndindex(*problem.shape)]
    values = np.asarray(train).reshape(-1, len(columns))
    return Scaler.fit(settings.features, values, columns, settings.clip)


def transform_features(scaler: Scaler, features: Floats, problem: Problem) -> NDArray[np.float32]:
    values = np.asarray(features).reshape(-1, len(scaler.columns))
    return scaler.transform(values).reshape(-1, *problem.shape).astype(np.float32)
