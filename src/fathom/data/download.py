"""Raw data and a description of it, in `data/raw/<dataset>/`."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fathom import paths
from fathom.config.schema import Dataset, DatasetConfig
from fathom.config.targets import make
from fathom.data.columns import as_numbers, as_texts, is_category, natural
from fathom.data.schema import Column, Schema, Source
from fathom.data.sources import Raw, RawTable
from fathom.errors import FathomError, did_you_mean
from fathom.files import replacing


def download(config: DatasetConfig) -> Schema:
    """Fetch a data set from its source and write it, with its schema, to `data/raw/`.

    A table becomes `data.parquet`; images become `images.npy` and `labels.npy`.

    Raises:
        FathomError: the source has no such data, or not the target that it should have.
    """
    dataset = config.dataset
    raw: Raw = make(dataset.source, ("dataset", "source"), config.origins, mirror=config.mirror)
    schema = describe(dataset, raw)
    with replacing(paths.raw(dataset.name)) as folder:
        folder.mkdir()
        if isinstance(raw, RawTable):
            try:
                raw.table.to_parquet(folder / "data.parquet", index=False)
            except pa.ArrowException as error:
                reason = " ".join(str(error).split())
                raise FathomError(f"{raw.origin} cannot be kept as Parquet: {reason}") from error
        else:
            np.save(folder / "images.npy", raw.images)
            np.save(folder / "labels.npy", raw.labels)
        schema.write(folder / "schema.json")
    return schema


def describe(dataset: Dataset, raw: Raw) -> Schema:
    """Return the schema of raw data, having looked at its target."""
    if isinstance(raw, RawTable):
        target = target_of(dataset, raw.table)
        facts: dict[str, Any] = {
            "kind": "table",
            "rows": len(raw.table),
            "unlabelled": int(target.isna().sum()),
            "unit": dataset.unit,
            "classes": target_classes(target) if dataset.task == "classification" else None,
            "columns": [Column(name=str(n), type=str(t)) for n, t in raw.table.dtypes.items()],
            "image_shape": None,
        }
    elif dataset.task != "classification":
        raise FathomError(f"dataset.task: images are for classification, not {dataset.task}")
    else:
        facts = {
            "kind": "images",
            "rows": len(raw.images),
            "unlabelled": 0,
            "unit": None,
            "classes": raw.classes,
            "columns": [],
            "image_shape": list(raw.images.shape[1:]),
        }
    return Schema(
        name=dataset.name,
        task=dataset.task,
        target=dataset.target,
        test_rows=raw.test_rows,
        source=Source(origin=raw.origin, sha256=raw.sha256),
        **facts,
    )


def target_of(dataset: Dataset, table: pd.DataFrame) -> pd.Series[Any]:
    """Return the target of a table, NaN where a row has none."""
    if dataset.target not in table.columns:
        near = did_you_mean(dataset.target, table.columns)
        raise FathomError(f"dataset.target: there is no column {dataset.target!r}{near}")
    target = table[dataset.target]
    if target.isna().all():
        raise FathomError(f"dataset.target: {dataset.target!r} has a value in no row")
    if dataset.task == "classification":
        return as_texts(target)
    if is_category(target):
        first = target.dropna().iloc[0]
        raise FathomError(
            f"dataset.target: {dataset.target!r} holds {str(first)!r}, but regression needs "
            "numbers; set dataset.task to classification, or name another column"
        )
    return as_numbers(target)


def target_classes(target: pd.Series[Any]) -> list[str]:
    """Return the names of a target's classes, numbers by value and other texts by letter."""
    classes = sorted(target.dropna().unique(), key=natural)
    if len(classes) < 2:
        raise FathomError(
            f"dataset.target: {target.name!r} has the one class {classes[0]!r}; "
            "classification needs two or more"
        )
    return classes
