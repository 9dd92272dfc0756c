"""Raw data and a description of it, in `data/raw/<dataset>/`."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa

from fathom.artifacts.columns import as_numbers, as_texts, is_category, sort_key
from fathom.artifacts.schema import RawColumn, RawSource, Schema
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.base.files import TableWriter, atomic_write
from fathom.download.sources import Raw, RawFiles, RawImages, RawTable
from fathom.settings.config import DatasetConfig
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.instantiate import make


def download(config: DatasetConfig) -> Schema:
    """Fetch a data set from its source and write it, with its schema, to `data/raw/`.

    A table becomes `data.parquet`; images become `images.npy` and `labels.npy`.

    Raises:
        FathomError: the source has no such data, or not the target that it should have.
    """
    dataset = config.dataset
    raw: Raw = make(dataset.source, ("dataset", "source"), config.origins, mirror=config.mirror)
    schema = describe(dataset, raw)
    with atomic_write(paths.raw(dataset.name)) as folder:
        folder.mkdir()
        if isinstance(raw, RawImages):
            np.save(folder / "images.npy", raw.images)
            np.save(folder / "labels.npy", raw.labels)
        else:
            try:
                with TableWriter(folder / "data.parquet") as writer:
                    for block in blocks_of(raw):
                        writer.write(block)
            except pa.ArrowException as error:
                reason = " ".join(str(error).split())
                raise FathomError(f"{raw.origin} cannot be kept as Parquet: {reason}") from error
        schema.write(folder / "schema.json")
    return schema


def blocks_of(raw: RawTable | RawFiles, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
    """Return a table's rows block by block, as it has them."""
    if isinstance(raw, RawFiles):
        yield from raw.blocks(columns)
    else:
        yield raw.table if columns is None else raw.table[columns]


def describe(dataset: DatasetSettings, raw: Raw) -> Schema:
    """Return the schema of raw data, having looked at its target."""
    if not isinstance(raw, RawImages):
        facts = describe_table(dataset, raw)
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
        source=RawSource(origin=raw.origin, sha256=raw.sha256),
        **facts,
    )


def describe_table(dataset: DatasetSettings, raw: RawTable | RawFiles) -> dict[str, Any]:
    """Return what a table's schema says of it, and not of where it comes from."""
    first = next(blocks_of(raw))
    require_target(dataset, first)
    rows = unlabelled = 0
    distinct: list[pd.Series[Any]] = []
    for block in blocks_of(raw, [dataset.target]):
        target = block[dataset.target]
        rows, unlabelled = rows + len(target), unlabelled + int(target.isna().sum())
        if dataset.task == "classification":
            distinct = [pd.concat([*distinct, target.dropna()]).drop_duplicates()]
        elif target.notna().any():
            check_numbers(dataset, target)
    if unlabelled == rows:
        raise FathomError(f"dataset.target: {dataset.target!r} has a value in no row")
    return {
        "kind": "table",
        "rows": rows,
        "unlabelled": unlabelled,
        "unit": dataset.unit,
        "classes": target_classes(distinct[0]) if distinct else None,
        "columns": [RawColumn(name=str(n), type=str(t)) for n, t in first.dtypes.items()],
        "image_shape": None,
    }


def require_target(dataset: DatasetSettings, table: pd.DataFrame) -> None:
    if dataset.target not in table.columns:
        near = did_you_mean(dataset.target, table.columns)
        raise FathomError(f"dataset.target: there is no column {dataset.target!r}{near}")


def check_numbers(dataset: DatasetSettings, target: pd.Series[Any]) -> None:
    """Refuse a target of regression that is not of numbers."""
    if is_category(target):
        first = target.dropna().iloc[0]
        raise FathomError(
            f"dataset.target: {dataset.target!r} holds {str(first)!r}, but regression needs "
            "numbers; set dataset.task to classification, or name another column"
        )
    as_numbers(target)


def target_classes(distinct: pd.Series[Any]) -> list[str]:
    """Return the names of a target's classes, numbers by value and other texts by letter."""
    classes = sorted(as_texts(distinct).unique(), key=sort_key)
    if len(classes) < 2:
        raise FathomError(
            f"dataset.target: {distinct.name!r} has the one class {classes[0]!r}; "
            "classification needs two or more"
        )
    return classes
