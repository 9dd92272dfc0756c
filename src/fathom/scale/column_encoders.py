"""How a column is encoded: numbers, dates, categories, buckets of numbers, and crosses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import DATE_PARTS, places_among, sort_key
from fathom.base.errors import FathomError
from fathom.base.files import JsonModel
from fathom.settings.yaml_text import exclude_advice


class Number(JsonModel):
    """A missing value becomes the median. If the training rows have missing values, the column
    `<column>_missing` is 1 for them and 0 for others.
    """

    column: str
    median: float
    indicator: bool

    @classmethod
    def fit(cls, values: pd.Series[Any]) -> Number:
        missing = bool(values.isna().any())
        return cls(column=str(values.name), median=float(values.median()), indicator=missing)

    @property
    def names(self) -> list[str]:
        return [self.column, f"{self.column}_missing"] if self.indicator else [self.column]

    def transform(self, values: pd.Series[Any]) -> pd.DataFrame:
        columns = {self.column: values.fillna(self.median)}
        if self.indicator:
            columns[f"{self.column}_missing"] = values.isna().astype(np.float64)
        return pd.DataFrame(columns)


class Date(JsonModel):
    """A number for each part of a date that varies in the training rows; Monday is day 0.

    `format` is that of texts in new rows.
    """

    column: str
    format: str
    parts: list[str]

    @classmethod
    def fit(cls, dates: pd.Series[Any], date_format: str) -> Date:
        values = {part: getattr(dates.dt, part) for part in DATE_PARTS}
        parts = [part for part, value in values.items() if value.min() < value.max()]
        return cls(column=str(dates.name), format=date_format, parts=parts)

    @property
    def names(self) -> list[str]:
        return [f"{self.column}_{part}" for part in self.parts]

    def transform(self, column: pd.Series[Any]) -> pd.DataFrame:
        values = [getattr(column.dt, part).astype(np.float64) for part in self.parts]
        return pd.DataFrame(dict(zip(self.names, values, strict=True)), index=column.index)


class Ordinal(JsonModel):
    """The rank of a value is its position in `order`, counted from 0; others have none."""

    column: str
    order: list[str]

    def transform(self, values: pd.Series[Any]) -> pd.Series[Any]:
        return values.map({text: float(rank) for rank, text in enumerate(self.order)})


class Category(JsonModel):
    """The code of a value is its position in `values`, counted from 1; None is a missing value.

    Code 0 is for values that are rare in the training rows or not in them.
    """

    column: str
    values: list[str | None]

    @classmethod
    def fit(cls, texts: pd.Series[Any], min_frequency: int) -> Category:
        name = str(texts.name)
        counts = texts.value_counts()
        frequent = [str(value) for value in counts[counts >= min_frequency].index]
        if not frequent and len(counts) > 1:
            raise FathomError(
                f"column {name!r} has {len(counts)} different values in {len(texts)} training "
                f"rows, and none occurs in {min_frequency} rows (scale.min_frequency): "
                f"{exclude_advice(name)}, or declare its dates there"
            )
        missing = [None] if texts.isna().any() else []
        return cls(column=name, values=[*missing, *sorted(frequent, key=sort_key)])

    @property
    def known(self) -> list[str]:
        return [value for value in self.values if value is not None]

    @property
    def codes(self) -> int:
        return len(self.values) + 1

    def transform(self, values: pd.Series[Any]) -> NDArray[np.int32]:
        first = self.codes - len(self.known)
        positions = places_among(values, self.known)
        others = np.where(values.isna(), first - 1, 0)
        return np.where(positions >= 0, positions + first, others).astype(np.int32)


class Buckets(JsonModel):
    """Buckets of about equally many training rows; the last code is for missing values.

    A value that would fill more than one bucket has one to itself. The code of x is the number of
    `edges` at or below x.
    """

    column: str
    edges: list[float]

    @classmethod
    def fit(cls, values: pd.Series[Any], count: int) -> Buckets:
        present = values.dropna().to_numpy()
        distinct, rows = np.unique(present, return_counts=True)
        heavy = rows * count > len(present)
        edges = [distinct[heavy], distinct[1:][heavy[:-1]]]
        light = present[~np.isin(present, distinct[heavy])]
        if len(light):
            inner = np.linspace(0, 1, max(count - heavy.sum(), 1) + 1)[1:-1]
            edges.append(np.quantile(light, inner, method="higher"))
        edges_and_lowest = np.unique(np.concatenate(edges))
        above = edges_and_lowest[edges_and_lowest > distinct[0]]
        return cls(column=str(values.name), edges=above.tolist())

    @property
    def name(self) -> str:
        return f"{self.column}_bucket"

    @property
    def codes(self) -> int:
        return len(self.edges) + 2

    def transform(self, values: pd.Series[Any]) -> NDArray[np.int32]:
        codes = np.searchsorted(self.edges, values.to_numpy(np.float64), side="right")
        return np.where(values.isna(), self.codes - 1, codes).astype(np.int32)


class Cross(JsonModel):
    """A code for each combination of the codes of two or more columns.

    More than `size` combinations are hashed to `size` codes by the finalizer of SplitMix64
    (Steele et al. 2014), as pandas hashes integers.
    """

    columns: list[str]
    combinations: int
    size: int

    @property
    def name(self) -> str:
        return "_x_".join(self.columns)

    @property
    def codes(self) -> int:
        return min(self.combinations, self.size)

    def transform(self, codes: list[NDArray[np.int32]], counts: list[int]) -> NDArray[np.int32]:
        """Return codes of shape (rows,) from the codes of each column and their counts."""
        combined = np.zeros(len(codes[0]), np.uint64)
        for column, count in zip(codes, counts, strict=True):
            combined = combined * np.uint64(count) + column.astype(np.uint64)
        if self.combinations > self.size:
            combined = pd.util.hash_array(combined) % np.uint64(self.size)
        return combined.astype(np.int32)
