"""Fits an encoder, and the scaler of its numbers, on the training rows of a raw table."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from fathom.artifacts.columns import (
    as_texts,
    column_kinds,
    require_column,
    unused_columns,
)
from fathom.artifacts.raw_table import Table, map_columns
from fathom.artifacts.scalers import Scaler
from fathom.base.errors import FathomError
from fathom.scale.column_encoders import Buckets, Category, Cross, Date, Number, Ordinal
from fathom.scale.encoder import Encoder
from fathom.scale.fit_edges import fit_edges
from fathom.scale.fit_scaler import fit_scaler, read_numbers
from fathom.settings.column_settings import ColumnSettings
from fathom.settings.data_settings import DatasetSettings, ScaleSettings
from fathom.settings.yaml_text import column_entry, exclude_advice


def fit_encoder(
    dataset: DatasetSettings, table: Table, settings: ScaleSettings
) -> tuple[Encoder, Scaler, dict[str, list[float]]]:
    """Fit the encoder, the scaler of the numbers and the edges of their bins, column by column."""
    kinds = column_kinds(dataset, table)
    dates = [
        Date.fit(training_values(table, table.column(name)), date_format(dataset, name))
        for name in kinds.dates
    ]
    ordinals = [Ordinal(column=name, order=order) for name, order in kinds.ordinals.items()]
    parts = {date.column: date.names for date in dates}
    columns = [name for column in kinds.columns for name in parts.get(column, [column])]
    listed = [n for n, c in dataset.columns.items() if c.kind == "category" and c.is_feature]
    categorical = [name for name in columns if name in [*kinds.categories, *listed]]
    numeric = [name for name in columns if name not in categorical]

    def training_numbers(name: str) -> pd.Series[Any]:
        return training_values(table, read_numbers(read_column(table, dates, ordinals, name)))

    fitted = map_columns(lambda name: fit_number(training_numbers(name), settings), numeric)
    numbers = [one.number for one in fitted]
    texts = (as_texts(read_column(table, dates, [], name)) for name in categorical)
    categories = [
        Category.fit(training_values(table, values), settings.min_frequency) for values in texts
    ]
    features = {name: [name] for name in columns} | {n.column: n.names for n in numbers}
    wide, deep = (path_features(dataset, path, features, parts) for path in ("wide", "deep"))
    counts = bucket_counts(dataset, numeric, categorical, wide)
    encoder = Encoder(
        dates=dates,
        ordinals=ordinals,
        numbers=numbers,
        categories=categories,
        buckets=map_columns(lambda name: Buckets.fit(training_numbers(name), counts[name]), counts),
        crosses=[],
        wide=wide,
        deep=deep,
    )
    crosses = make_crosses(dataset, columns, encoder.codes)
    encoder = encoder.model_copy(update={"crosses": crosses})
    check_names(encoder)
    edges = {one.number.column: one.edges for one in fitted if one.edges}
    return encoder, Scaler.join([one.scaler for one in fitted]), edges


@dataclass(frozen=True)
class FittedNumber:
    """A number with the scaler and the edges of its column."""

    number: Number
    scaler: Scaler
    edges: list[float]


def fit_number(values: pd.Series[Any], settings: ScaleSettings) -> FittedNumber:
    """Fit what makes features of a number; `values` are those of the training rows."""
    method = "quantile" if settings.features == "auto" else settings.features
    number = Number.fit(values)
    filled = number.transform(values)[number.column]
    scaler = fit_scaler(method, filled, settings.clip)
    edges = fit_edges(filled, scaler, settings.bins) if settings.bins else []
    return FittedNumber(number, scaler, edges)


def training_values(table: Table, values: pd.Series[Any]) -> pd.Series[Any]:
    """Return the training rows of a column that must have a value in some of them."""
    training = table.training(values)
    if training.isna().all():
        raise FathomError(
            f"column {values.name!r} has no value in any training row; "
            f"{exclude_advice(values.name)}"
        )
    return training


def date_format(dataset: DatasetSettings, name: str) -> str:
    declared = dataset.columns.get(name)
    return "ISO8601" if declared is None or declared.format is None else declared.format


def read_column(
    table: Table, dates: list[Date], ordinals: list[Ordinal], name: str
) -> pd.Series[Any]:
    """Return a raw column, a part of a date column, or the ranks of an ordinal."""
    for date in dates:
        if name in date.names:
            return date.transform(table.column(date.column))[name]
    for ordinal in ordinals:
        if ordinal.column == name:
            return ordinal.transform(table.column(name))
    return table.column(name)


def path_features(
    dataset: DatasetSettings, path: str, features: dict[str, list[str]], parts: dict[str, list[str]]
) -> list[str]:
    """Return the features of the path `wide` or `deep`: all, or those of the columns it lists."""
    listed = getattr(dataset, path)
    if listed is None:
        columns = list(features)
    else:
        for name in listed:
            require_column(name, path, [*features, *parts], unused_columns(dataset))
        columns = [column for name in listed for column in parts.get(name, [name])]
    return [feature for column in columns for feature in features[column]]


def bucket_counts(
    dataset: DatasetSettings, numeric: list[str], categorical: list[str], wide: list[str]
) -> dict[str, int]:
    """Return the number of buckets by column; a single number is for wide and crossed numbers."""
    if isinstance(dataset.buckets, dict):
        for name in dataset.buckets:
            require_column(name, "buckets", [*numeric, *categorical], unused_columns(dataset))
            if name in categorical:
                raise FathomError(
                    f"dataset.buckets: column {name!r} is a category; only numbers go into buckets"
                )
        return dataset.buckets
    if dataset.buckets is None:
        return {}
    crossed = [name for columns in dataset.crosses for name in columns]
    return {name: dataset.buckets for name in numeric if name in wide or name in crossed}


def make_crosses(
    dataset: DatasetSettings, columns: list[str], counts: dict[str, int]
) -> list[Cross]:
    for name in (name for cross in dataset.crosses for name in cross):
        require_column(name, "crosses", columns, unused_columns(dataset))
        if name not in counts:
            raise FathomError(
                f"dataset.crosses: column {name!r} holds numbers: put it in buckets with "
                "dataset.buckets, or write "
                f"`{column_entry(name, ColumnSettings(kind='category'))}` in dataset.columns"
            )
    return [
        Cross(
            columns=cross,
            combinations=math.prod(counts[name] for name in cross),
            size=dataset.cross_size,
        )
        for cross in dataset.crosses
    ]


def check_names(encoder: Encoder) -> None:
    names = [*encoder.number_names, *(category.column for category in encoder.categories)]
    names += [bucket.name for bucket in encoder.buckets] + [c.name for c in encoder.crosses]
    duplicates = [name for name in names if names.count(name) > 1]
    if duplicates:
        raise FathomError(
            f"column {duplicates[0]!r} has the name of a feature that is made from another column; "
            f"rename it, or {exclude_advice(duplicates[0])}"
        )
