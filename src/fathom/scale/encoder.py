"""The features of a table: `encoder.json` and how it transforms raw rows."""

from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from pydantic import Field

from fathom.artifacts.columns import as_numbers
from fathom.artifacts.scalers import Scaler
from fathom.base import paths
from fathom.base.files import JsonModel
from fathom.scale.column_encoders import Buckets, Category, Cross, Date, Number, Ordinal
from fathom.scale.fit_scaler import read_numbers, too_large


class Encoder(JsonModel):
    """How each feature of a table is made from its raw column, as `encoder.json` holds it.

    `wide` and `deep` name the numbers and categories of each path of a Wide & Deep network.
    """

    dates: list[Date]
    ordinals: list[Ordinal] = Field(default_factory=list)
    numbers: list[Number]
    categories: list[Category]
    buckets: list[Buckets]
    crosses: list[Cross]
    wide: list[str]
    deep: list[str]

    @classmethod
    def read(cls, dataset: str) -> Self:
        return cls.read_file(paths.scaled(dataset) / "encoder.json", f"scale@{dataset}")

    @property
    def number_names(self) -> list[str]:
        """Names of the numbers, then those of the indicators of missing values."""
        columns = [number.column for number in self.numbers]
        return columns + [name for number in self.numbers for name in number.names[1:]]

    @property
    def sparse(self) -> dict[str, int]:
        """Number of codes of each feature that the wide path looks up."""
        one_hot = {c.column: c.codes for c in self.categories if c.column in self.wide}
        buckets = {bucket.name: bucket.codes for bucket in self.buckets}
        return one_hot | buckets | {cross.name: cross.codes for cross in self.crosses}

    @property
    def codes(self) -> dict[str, int]:
        """Number of codes of each column that is a category or has buckets."""
        buckets = {bucket.column: bucket.codes for bucket in self.buckets}
        return {category.column: category.codes for category in self.categories} | buckets

    @property
    def raw_columns(self) -> dict[str, str]:
        """Raw column of each feature, without the crosses."""
        dates = {part: date.column for date in self.dates for part in date.names}
        columns = {name: number.column for number in self.numbers for name in number.names}
        columns |= {category.column: category.column for category in self.categories}
        columns |= {bucket.name: bucket.column for bucket in self.buckets}
        return {name: dates.get(column, column) for name, column in columns.items()}

    def transform(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return the features of raw rows: `number_names` in float64, then codes in int32."""
        if self.dates:
            parts = [date.transform(table[date.column]) for date in self.dates]
            names = [name for date in self.dates for name in date.names]
            table = pd.concat([table.drop(columns=names, errors="ignore"), *parts], axis=1)
        ranks = {o.column: o.transform(table[o.column]) for o in self.ordinals}
        numbers = {
            n.column: ranks[n.column] if n.column in ranks else read_numbers(table[n.column])
            for n in self.numbers
        }
        filled = [number.transform(numbers[number.column]) for number in self.numbers]
        codes = {c.column: c.transform(table[c.column]) for c in self.categories}
        codes |= {b.name: b.transform(numbers[b.column]) for b in self.buckets}
        codes |= self.cross_codes(codes)
        integers = pd.DataFrame(codes, index=table.index)
        return pd.concat([*filled, integers], axis=1)[[*self.number_names, *codes]]

    def cross_codes(
        self, codes: Mapping[str, Any], transform: Callable[..., Any] = Cross.transform
    ) -> dict[str, Any]:
        """Return the codes of the crosses from those of the categories and buckets, each of shape
        (rows,). Exports transform tensors, not arrays.
        """
        features = {bucket.column: bucket.name for bucket in self.buckets}
        sizes, crossed = self.codes, {}
        for cross in self.crosses:
            of_columns = [codes[features.get(name, name)] for name in cross.columns]
            counts = [sizes[name] for name in cross.columns]
            crossed[cross.name] = transform(cross, of_columns, counts)
        return crossed


def preprocess(table: pd.DataFrame, encoder: Encoder, scaler: Scaler) -> pd.DataFrame:
    """Return the features of raw rows as networks take them: scaled numbers and indicators of
    missing values in float32, codes in int32.

    Raises:
        FathomError: a value does not fit its column's kind, or is too large; the message names
            column and row.
    """
    features = encoder.transform(table)
    with np.errstate(over="ignore"):
        features[scaler.columns] = scaler.transform(features[scaler.columns].to_numpy())
        features[encoder.number_names] = features[encoder.number_names].astype(np.float32)
    for name in scaler.columns:
        if not np.isfinite(features[name].to_numpy()).all():
            raise too_large(as_numbers(table[name]))
    return features
