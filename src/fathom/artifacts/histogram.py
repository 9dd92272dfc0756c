"""Distributions of values over bins, and how much two of them differ."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats
from fathom.base.files import JsonModel

BINS = 10
LEAST = 1e-4  # the share of an empty bin: the index would be infinite

Counts = NDArray[np.int64]
Values = Sequence[Any] | NDArray[Any] | pd.Series


class Histogram(JsonModel):
    """The shares of values in bins, then those of other values, then those that are missing.

    The bins of numbers lie between `edges`, in rising order; a number equal to an edge is in the
    bin above it. Without edges, the bins are categories.
    """

    edges: list[float] | None = None
    shares: list[float]

    @classmethod
    def of_numbers(cls, values: Floats) -> "Histogram":
        """Return the shares of numbers, NaN if missing, in bins of about the same size."""
        present = values[~np.isnan(values)]
        inner = np.linspace(0, 1, BINS + 1)[1:-1]
        quantiles = np.quantile(present, inner if len(present) else [])
        edges = np.unique(quantiles.astype(np.float32)).tolist()  # float32: short in metrics
        return cls(edges=edges, shares=to_shares(count_numbers(values, edges)))

    @classmethod
    def of_categories(cls, values: Values, categories: Sequence[Any]) -> "Histogram":
        """Return the shares of categories. A missing value is "" or NaN."""
        return cls(shares=to_shares(count_categories(values, categories)))


def count_numbers(values: Floats, edges: Sequence[float]) -> Counts:
    """Return how many numbers are in each bin, and how many are missing. No number is another."""
    missing = np.isnan(values)
    bins = np.searchsorted(edges, values[~missing], side="right")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return np.append(counts, [0, missing.sum()])


def count_categories(values: Values, categories: Sequence[Any]) -> Counts:
    """Return how many values are in each category, in none of them, and missing."""
    series = pd.Series(values, dtype=object)
    missing = series.isna() | (series == "")
    codes = pd.Index(categories, dtype=object).get_indexer(series[~missing])
    counts = np.bincount(codes + 1, minlength=len(categories) + 1)
    return np.append(counts[1:], [counts[0], missing.sum()])


def to_shares(counts: Counts) -> list[float]:
    shares = counts / max(counts.sum(), 1)
    return [round(float(share), 6) for share in shares]


def stability_index(expected: Sequence[float], actual: Sequence[float]) -> float:
    """Return the population stability index of two distributions over the same bins.

    It is the symmetric Kullback-Leibler divergence. Credit scoring calls values below 0.1 stable
    and values above 0.25 a shift (Siddiqi 2006, Credit Risk Scorecards). Without any shift it is
    about (bins - 1) / rows.
    """
    before, after = (np.maximum(shares, LEAST) for shares in (expected, actual))
    return float(((after - before) * np.log(after / before)).sum())
