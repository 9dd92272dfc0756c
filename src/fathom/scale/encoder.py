"""From a raw table to what networks are given of it."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import (
    as_dates,
    as_numbers,
    as_texts,
    column_kinds,
    require_column,
    unused_columns,
)
from fathom.artifacts.raw_table import Table, map_columns
from fathom.artifacts.scalers import Scaler
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import read_json
from fathom.scale.encodings import Buckets, Category, Cross, Date, Learned, Number
from fathom.settings.data_settings import DatasetSettings


class Encoder(Learned):
    """What `encoder.json` holds: all that was learned of a table's columns.

    `wide` and `deep` are the numbers and categories that each path of a Wide & Deep net is given.
    """

    dates: list[Date]
    numbers: list[Number]
    categories: list[Category]
    buckets: list[Buckets]
    crosses: list[Cross]
    wide: list[str]
    deep: list[str]

    @classmethod
    def read(cls, dataset: str) -> Encoder:
        file = paths.scaled(dataset) / "encoder.json"
        return cls.model_validate(read_json(file, f"scale@{dataset}"))

    @property
    def number_names(self) -> list[str]:
        """Return the names of the numbers, then those of the indicators of missing ones."""
        columns = [number.column for number in self.numbers]
        return columns + [name for number in self.numbers for name in number.names()[1:]]

    @property
    def sparse(self) -> dict[str, int]:
        """Return how many codes each feature of the wide path's lookup has."""
        one_hot = {c.column: c.codes for c in self.categories if c.column in self.wide}
        buckets = {bucket.name: bucket.codes for bucket in self.buckets}
        return one_hot | buckets | {cross.name: cross.codes for cross in self.crosses}

    @property
    def codes(self) -> dict[str, int]:
        """Return how many codes each column has that is a category or in buckets."""
        buckets = {bucket.column: bucket.codes for bucket in self.buckets}
        return {category.column: category.codes for category in self.categories} | buckets

    @property
    def raw_columns(self) -> dict[str, str]:
        """Return for each feature but the crosses the raw column that it is made of."""
        dates = {part: date.column for date in self.dates for part in date.names()}
        columns = {name: number.column for number in self.numbers for name in number.names()}
        columns |= {category.column: category.column for category in self.categories}
        columns |= {bucket.name: bucket.column for bucket in self.buckets}
        return {name: dates.get(column, column) for name, column in columns.items()}

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the features of some rows.

        Args:
            table: raw rows, with the columns that it was fitted on.

        Returns:
            As many rows, with the columns of `number_names` in float64 and, in int32, the codes
            of the categories and of `sparse`.

        Raises:
            FathomError: a value is not of its column's kind; the line names column and row.
        """
        table = with_parts(table, self.dates)
        numbers = {n.column: as_numbers(table[n.column]) for n in self.numbers}
        filled = [number.transform(numbers[number.column]) for number in self.numbers]
        codes = {c.column: c.transform(table[c.column]) for c in self.categories}
        places = {b.column: b.transform(numbers[b.column]) for b in self.buckets}
        made = {b.name: places[b.column] for b in self.buckets}
        made |= self.cross_codes(codes | made)
        integers = pd.DataFrame(codes | made, index=table.index)
        return pd.concat([*filled, integers], axis=1)[[*self.number_names, *codes, *made]]

    def cross_codes(self, codes: Mapping[str, NDArray[np.int32]]) -> dict[str, NDArray[np.int32]]:
        """Return the codes of the crosses from those of the categories and buckets.

        Args:
            codes: arrays of shape (rows,), by the names of the features.
        """
        features = {bucket.column: bucket.name for bucket in self.buckets}
        counts = self.codes
        return {
            cross.name: cross.transform(
                [codes[features.get(name, name)] for name in cross.columns],
                [counts[name] for name in cross.columns],
            )
            for cross in self.crosses
        }


def preprocess(table: pd.DataFrame, encoder: Encoder, scaler: Scaler) -> pd.DataFrame:
    """Return the features of raw rows as networks take them: scaled numbers and indicators of
    missing values in float32, codes in int32.

    Raises:
        FathomError: a value does not fit its column's kind; the message names column and row.
    """
    features = encoder.transform(table)
    features[scaler.columns] = scaler.transform(features[scaler.columns].to_numpy())
    features[encoder.number_names] = features[encoder.number_names].astype(np.float32)
    return features


def fit_encoder(
    dataset: DatasetSettings,
    table: Table,
    min_frequency: int,
    meet: Callable[[Number, pd.Series[Any]], object] | None = None,
) -> Encoder:
    """Learn from the training rows of a raw table.

    Args:
        dataset: which columns are excluded, categories, dates, in buckets and crossed.
        table: of other rows than the training rows only the columns' types count.
        min_frequency: in how many rows a category must be to get a code of its own.
        meet: is given each number, with its training values while they are in memory.

    Raises:
        FathomError: a column is not there, or not what the settings say; the line names the
            setting, or the column, the row and the value.
    """
    found = column_kinds(dataset, table)
    dates = [
        Date.fit(table.training(as_dates(table.column(name), form)), form)
        for name, form in found.dates.items()
    ]
    parts = {date.column: date.names() for date in dates}
    given = [name for column in found.columns for name in parts.get(column, [column])]
    for name in dataset.categories:
        require_column(name, "categories", given, unused_columns(dataset))
    chosen = [name for name in given if name in [*found.categories, *dataset.categories]]
    others = [name for name in given if name not in chosen]

    def fit_number(name: str) -> Number:
        values = training_numbers(table, dates, name)
        number = Number.fit(values)
        if meet is not None:
            meet(number, values)
        return number

    numbers = map_columns(fit_number, others)
    categories = [
        Category.fit(table.training(as_texts(column_of(table, dates, name))), min_frequency)
        for name in chosen
    ]
    names = {number.column: number.names() for number in numbers} | {n: [n] for n in chosen}
    wide, deep = (path(dataset, key, given, parts, names) for key in ("wide", "deep"))
    counts = bucket_counts(dataset, others, chosen, wide)
    buckets = map_columns(
        lambda name: Buckets.fit(training_numbers(table, dates, name), counts[name]), counts
    )
    encoder = Encoder(
        dates=dates,
        numbers=numbers,
        categories=categories,
        buckets=buckets,
        crosses=[],
        wide=wide,
        deep=deep,
    )
    encoder = encoder.model_copy(update={"crosses": crosses(dataset, given, encoder.codes)})
    refuse_same_names(encoder)
    return encoder


def training_numbers(table: Table, dates: list[Date], name: str) -> pd.Series[Any]:
    """Return the training rows' values of a column of numbers, or of a part of dates."""
    return table.training(as_numbers(column_of(table, dates, name)))


def column_of(table: Table, dates: list[Date], name: str) -> pd.Series[Any]:
    """Return the values at hand of a raw column, or of a part of dates."""
    for date in dates:
        if name in date.names():
            return date.transform(as_dates(table.column(date.column), date.format))[name]
    return table.column(name)


def with_parts(table: pd.DataFrame, dates: list[Date]) -> pd.DataFrame:
    """Add the parts of dates to a table."""
    parts = [date.transform(as_dates(table[date.column], date.format)) for date in dates]
    return pd.concat([table, *parts], axis=1) if parts else table


def path(
    dataset: DatasetSettings,
    key: str,
    given: list[str],
    parts: dict[str, list[str]],
    names: dict[str, list[str]],
) -> list[str]:
    """Return the features of a path: all, or those of the columns that `dataset.<key>` lists."""
    listed = getattr(dataset, key)
    if listed is None:
        columns = given
    else:
        for name in listed:
            require_column(name, key, [*given, *parts], unused_columns(dataset))
        columns = [column for name in listed for column in parts.get(name, [name])]
    return [name for column in columns for name in names[column]]


def bucket_counts(
    dataset: DatasetSettings, numbers: list[str], categories: list[str], wide: list[str]
) -> dict[str, int]:
    """Return how many buckets numbers get: `dataset.buckets` is for each, or for the wide path's
    and the crossed ones.
    """
    if isinstance(dataset.buckets, dict):
        for name in dataset.buckets:
            require_column(name, "buckets", [*numbers, *categories], unused_columns(dataset))
            if name in categories:
                raise FathomError(
                    f"dataset.buckets: column {name!r} is a category; only numbers go into buckets"
                )
        return dataset.buckets
    if dataset.buckets is None:
        return {}
    crossed = [name for columns in dataset.crosses for name in columns]
    return {name: dataset.buckets for name in numbers if name in wide or name in crossed}


def crosses(dataset: DatasetSettings, given: list[str], counts: dict[str, int]) -> list[Cross]:
    """Return the crosses, each of columns that have codes."""
    for name in (name for columns in dataset.crosses for name in columns):
        require_column(name, "crosses", given, unused_columns(dataset))
        if name not in counts:
            raise FathomError(
                f"dataset.crosses: column {name!r} holds numbers: put it in buckets with "
                "dataset.buckets, or list it under dataset.categories"
            )
    return [
        Cross(
            columns=columns,
            combinations=math.prod(counts[name] for name in columns),
            size=dataset.cross_size,
        )
        for columns in dataset.crosses
    ]


def refuse_same_names(encoder: Encoder) -> None:
    """Refuse a table in which a column is called like one that is made of another."""
    categories = [category.column for category in encoder.categories]
    made = [name for name in encoder.sparse if name not in categories]
    names = [*encoder.number_names, *categories, *made]
    twice = [name for name in names if names.count(name) > 1]
    if twice:
        raise FathomError(
            f"column {twice[0]!r} is called like one that is made of another column; rename it, "
            "or leave it out with dataset.exclude"
        )
