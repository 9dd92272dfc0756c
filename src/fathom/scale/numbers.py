"""Numbers: missing values, and buckets of about equally many rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.base.files import JsonModel


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
