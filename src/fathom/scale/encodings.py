"""What can be learned of a column: parts of dates, medians, categories, buckets, crosses.

Each is fitted on training rows alone, kept as readable JSON and applied to any rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fathom.artifacts.columns import places_among, sort_key
from fathom.base.errors import FathomError

PARTS_OF_DATES = ("year", "month", "day", "day_of_week", "hour", "minute")


def no_value(column: pd.Series[Any]) -> FathomError:
    return FathomError(
        f"column {column.name!r} has no value in any training row; leave it out with "
        "dataset.exclude"
    )


class Learned(BaseModel):
    """What was learned of one or more columns."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Date(Learned):
    """A column of dates becomes a number for each of these parts (Monday is day 0 of the week)."""

    column: str
    format: str
    parts: list[str]

    @classmethod
    def fit(cls, dates: pd.Series[Any], form: str) -> Date:
        """Learn which parts vary."""
        if dates.isna().all():
            raise no_value(dates)
        values = {part: getattr(dates.dt, part) for part in PARTS_OF_DATES}
        parts = [part for part, value in values.items() if value.min() < value.max()]
        return cls(column=str(dates.name), format=form, parts=parts)

    def names(self) -> list[str]:
        return [f"{self.column}_{part}" for part in self.parts]

    def transform(self, dates: pd.Series[Any]) -> pd.DataFrame:
        values = [getattr(dates.dt, part).astype(np.float64) for part in self.parts]
        return pd.DataFrame(dict(zip(self.names(), values, strict=True)), index=dates.index)


class Number(Learned):
    """A missing value becomes the median; if there were any in training, a column
    `<column>_missing` says 1 for it and 0 for others.
    """

    column: str
    median: float
    indicator: bool

    @classmethod
    def fit(cls, values: pd.Series[Any]) -> Number:
        if values.isna().all():
            raise no_value(values)
        missing = bool(values.isna().any())
        return cls(column=str(values.name), median=float(values.median()), indicator=missing)

    def transform(self, values: pd.Series[Any]) -> pd.DataFrame:
        columns = {self.column: values.fillna(self.median)}
        if self.indicator:
            columns[f"{self.column}_missing"] = values.isna().astype(np.float64)
        return pd.DataFrame(columns)

    def names(self) -> list[str]:
        return [self.column, f"{self.column}_missing"] if self.indicator else [self.column]


class Category(Learned):
    """A value's code is its place in `values`, from 1; 0 is for what training did not see, or
    too seldom. None stands for a missing value.
    """

    column: str
    values: list[str | None]

    @classmethod
    def fit(cls, texts: pd.Series[Any], min_frequency: int) -> Category:
        name = str(texts.name)
        if texts.isna().all():
            raise no_value(texts)
        counts = texts.value_counts()
        frequent = [str(value) for value in counts[counts >= min_frequency].index]
        values: list[str | None] = [*sorted(frequent, key=sort_key)]
        if not values and len(counts) > 1:
            raise FathomError(
                f"column {name!r} has {len(counts)} different values in {len(texts)} training "
                f"rows, none of them in scale.min_frequency ({min_frequency}) rows: leave it out "
                "with dataset.exclude, or list it under dataset.dates if it holds dates"
            )
        if texts.isna().any():
            values = [None, *values]
        return cls(column=name, values=values)

    @property
    def known(self) -> list[str]:
        """The values without that for missing ones."""
        return [value for value in self.values if value is not None]

    @property
    def codes(self) -> int:
        """How many codes there are, that of unseen values included."""
        return len(self.values) + 1

    def transform(self, values: pd.Series[Any]) -> NDArray[np.int32]:
        first = self.codes - len(self.known)
        places = places_among(values, self.known)
        missing = 1 if None in self.values else 0
        others = np.where(values.isna(), missing, 0)
        return np.where(places >= 0, places + first, others).astype(np.int32)


class Buckets(Learned):
    """Numbers in buckets of about equally many training rows; the last code is for missing ones.

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
        every = np.unique(np.concatenate(edges))
        return cls(column=str(values.name), edges=every[every > distinct[0]].tolist())

    @property
    def name(self) -> str:
        return f"{self.column}_bucket"

    @property
    def codes(self) -> int:
        return len(self.edges) + 2

    def transform(self, values: pd.Series[Any]) -> NDArray[np.int32]:
        places = np.searchsorted(self.edges, values.to_numpy(np.float64), side="right")
        return np.where(values.isna(), self.codes - 1, places).astype(np.int32)


class Cross(Learned):
    """A code for each combination of codes of two or more columns.

    With more than `size` combinations they are hashed to that many codes, by the finaliser of
    SplitMix64 (Steele et al. 2014), as pandas hashes integers.
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
        """Return codes of shape (rows,) from each column's codes and their count."""
        combined = np.zeros(len(codes[0]), np.uint64)
        for column, count in zip(codes, counts, strict=True):
            combined = combined * np.uint64(count) + column.astype(np.uint64)
        if self.combinations > self.size:
            combined = pd.util.hash_array(combined) % np.uint64(self.size)
        return combined.astype(np.int32)
