"""Raw data and its schema, in `data/raw/<dataset>/`."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pyarrow as pa

from fathom.artifacts.columns import as_numbers, as_texts, check_declared, is_category, sort_key
from fathom.artifacts.schema import RawSource, Schema, SchemaColumn
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.base.files import atomic_write, write_array
from fathom.base.tables import TableWriter
from fathom.download.declared_columns import declared_kinds
from fathom.download.images import RawImages
from fathom.download.own_files import error_text
from fathom.download.sources import Raw, RawTable
from fathom.settings.column_settings import ColumnSettings
from fathom.settings.config import DatasetConfig
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.instantiate import make, print_deprecation
from fathom.settings.yaml_text import column_entry


def download(config: DatasetConfig) -> Schema:
    """Get a data set from its source and write it, with its schema, to `data/raw/<dataset>/`.

    A table becomes `data.parquet`; images become `images.npy` and `labels.npy`.
    """
    dataset = config.dataset
    print_old_keys(config)
    raw: Raw = make(
        dataset.source,
        ("dataset", "source"),
        config.origins,
        mirror=config.mirror,
        declared_columns=declared_kinds(dataset.columns),
    )
    if isinstance(raw, RawTable):
        print_inferred(raw, dataset)
        raw = raw.declare(dataset.columns)
    if isinstance(raw, RawImages) and dataset.task != "classification":
        raise config.origins.error(
            ("dataset", "task"), f"images are for classification, not {dataset.task}"
        )
    schema = describe(dataset, raw)
    with atomic_write(paths.raw(dataset.name)) as folder:
        folder.mkdir()
        if isinstance(raw, RawImages):
            write_array(folder / "images.npy", raw.images)
            write_array(folder / "labels.npy", raw.labels)
        else:
            try:
                with TableWriter(folder / "data.parquet") as writer:
                    for block in raw.blocks():
                        writer.write(block)
            except pa.ArrowException as error:
                raise FathomError(
                    f"{raw.origin} cannot be written as Parquet: {error_text(error)}"
                ) from error
        schema.write(folder / "schema.json")
    return schema


def print_old_keys(config: DatasetConfig) -> None:
    """Print the declarations that replace deprecated settings."""
    dataset = config.dataset
    for key, columns in dataset.deprecated_columns().items():
        if columns:
            file, name = config.origins.of(("dataset", key))
            lines = [column_entry(name, ColumnSettings(**entry)) for name, entry in columns]
            print_deprecation(file, name, f"columns: {{{', '.join(lines)}}}")


def print_inferred(raw: RawTable, dataset: DatasetSettings) -> None:
    """Name columns without a declaration, if others have one: a new column in a file that grows."""
    if declared_kinds(dataset.columns):
        names = [name for name in raw.inferred if name not in dataset.columns]
        if names:
            print(
                f"{raw.origin}: dataset.columns does not declare {', '.join(names)}: their types "
                "follow from their values"
            )


def describe(dataset: DatasetSettings, raw: Raw) -> Schema:
    if not isinstance(raw, RawImages):
        fields = describe_table(dataset, raw)
    else:
        fields = {
            "kind": "images",
            "rows": len(raw.images),
            "classes": raw.classes,
            "image_shape": list(raw.images.shape[1:]),
        }
    return Schema(
        name=dataset.name,
        task=dataset.task,
        target=dataset.target,
        test_rows=raw.test_rows,
        source=RawSource(origin=raw.origin, sha256=raw.sha256),
        **fields,
    )


def describe_table(dataset: DatasetSettings, raw: RawTable) -> dict[str, Any]:
    """Return the fields of a table's schema that depend on its content."""
    first = next(raw.blocks())
    check_columns(dataset, first)
    rows = unlabelled = 0
    values: list[pd.Series[Any]] = []
    for block in raw.blocks([dataset.target]):
        target = block[dataset.target]
        rows, unlabelled = rows + len(target), unlabelled + int(target.isna().sum())
        if dataset.task == "classification":
            values = [pd.concat([*values, target.dropna()]).drop_duplicates()]
        elif target.notna().any():
            check_numbers(dataset, target)
    if unlabelled == rows:
        raise FathomError(f"dataset.target: {dataset.target!r} has no values")
    return {
        "kind": "table",
        "rows": rows,
        "unlabelled": unlabelled,
        "unit": dataset.unit,
        "classes": target_classes(values[0]) if values else None,
        "columns": [SchemaColumn(name=str(n), type=str(t)) for n, t in first.dtypes.items()],
    }


def check_columns(dataset: DatasetSettings, table: pd.DataFrame) -> None:
    """Refuse a target or declarations that name no column."""
    if dataset.target not in table.columns:
        near = did_you_mean(dataset.target, table.columns)
        raise FathomError(f"dataset.target: there is no column {dataset.target!r}{near}")
    check_declared(dataset, {str(name): kind for name, kind in table.dtypes.items()})
    refuse_dates(dataset, table)


def refuse_dates(dataset: DatasetSettings, table: pd.DataFrame) -> None:
    """Refuse dates as what networks predict or are weighted by."""
    needs = {
        "target": "regression needs numbers" if dataset.task == "regression" else None,
        "auxiliary": "networks predict numbers or classes",
        "sample_weight": "weights must be numbers",
    }
    for key, needed in needs.items():
        name = getattr(dataset, key)
        if needed and name in table and pd.api.types.is_datetime64_any_dtype(table[name]):
            raise FathomError(
                f"dataset.{key}: {name!r} holds dates, but {needed}; name another column"
            )


def check_numbers(dataset: DatasetSettings, target: pd.Series[Any]) -> None:
    if is_category(target):
        raise FathomError(
            f"dataset.target: {dataset.target!r} contains {str(target.dropna().iloc[0])!r}, but "
            "regression needs numbers; set dataset.task to classification, or name another column"
        )
    as_numbers(
        target,
        "list it under dataset.source.missing if it stands for a missing value, or name another "
        "target",
    )


def target_classes(values: pd.Series[Any]) -> list[str]:
    """Return the names of a target's classes: numbers by value, then other texts."""
    classes = sorted(as_texts(values).unique(), key=sort_key)
    if len(classes) < 2:
        raise FathomError(
            f"dataset.target: {values.name!r} has only the class {classes[0]!r}; "
            "classification needs two or more"
        )
    return classes
