"""Raw data and a description of it, in `data/raw/<dataset>/`."""

import numpy as np
import pandas as pd
import pyarrow as pa

from fathom import paths
from fathom.config.schema import Dataset, DatasetConfig
from fathom.config.targets import make
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
    raw: Raw = make(dataset.source, ("dataset", "source"), config.origins)
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
    source = Source(origin=raw.origin, sha256=raw.sha256)
    if isinstance(raw, RawTable):
        return Schema(
            name=dataset.name,
            kind="table",
            task=dataset.task,
            rows=len(raw.table),
            target=dataset.target,
            unit=dataset.unit,
            classes=target_classes(dataset, raw.table),
            columns=[Column(name=str(n), type=str(t)) for n, t in raw.table.dtypes.items()],
            image_shape=None,
            test_rows=raw.test_rows,
            source=source,
        )
    if dataset.task != "classification":
        raise FathomError(f"dataset.task: images are for classification, not {dataset.task}")
    return Schema(
        name=dataset.name,
        kind="images",
        task=dataset.task,
        rows=len(raw.images),
        target=dataset.target,
        unit=None,
        classes=raw.classes,
        columns=[],
        image_shape=list(raw.images.shape[1:]),
        test_rows=raw.test_rows,
        source=source,
    )


def target_classes(dataset: Dataset, table: pd.DataFrame) -> list[str] | None:
    """Check the target of a table and return the names of its classes, in sorted order."""
    if dataset.target not in table.columns:
        near = did_you_mean(dataset.target, table.columns)
        raise FathomError(f"dataset.target: there is no column {dataset.target!r}{near}")
    target = table[dataset.target]
    if target.isna().any():
        row = int(np.flatnonzero(target.isna())[0])
        raise FathomError(
            f"dataset.target: {dataset.target!r} has no value in {int(target.isna().sum())} rows, "
            f"the first of them {row}"
        )
    if dataset.task == "regression":
        if not pd.api.types.is_numeric_dtype(target) or not np.isfinite(target).all():
            raise FathomError(
                f"dataset.target: {dataset.target!r} must hold finite numbers for regression, "
                f"but its type is {target.dtype}"
            )
        return None
    classes = [str(value) for value in sorted(target.unique())]
    if len(classes) < 2:
        raise FathomError(
            f"dataset.target: {dataset.target!r} has the one class {classes[0]!r}; "
            "classification needs two or more"
        )
    return classes
