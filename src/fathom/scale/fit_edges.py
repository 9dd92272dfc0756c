"""Edges between the bins of a number, for the piecewise-linear encoding of networks."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.scalers import SAMPLE, Scaler
from fathom.base.blocks import evenly_spaced

LEAST_GAP = 1e-3  # between two edges, in scaled units: float32 tells such values apart


def fit_edges(values: pd.Series[Any], scaler: Scaler, bins: int) -> list[float]:
    """Return the edges of at most about `bins` bins, in scaled units and in rising order.

    Args:
        values: a column of the training rows without missing values. Of more than a million values
            a sample is enough.
        scaler: of this column.

    The edges are the lowest and the highest value, each value that would fill more than one bin,
    and quantiles of the other values; or all values if there are few (Gorishniy et al. 2022, arXiv
    2203.05556). A column with one value has no bins.
    """
    sample = values.to_numpy(np.float64)[evenly_spaced(len(values), SAMPLE)]
    distinct, rows = np.unique(sample, return_counts=True)
    edges = distinct
    if len(distinct) > bins:
        heavy = rows * bins > rows.sum()
        light = np.repeat(distinct[~heavy], rows[~heavy])
        inner = np.linspace(0, 1, max(bins - int(heavy.sum()), 1) + 1)
        quantiles = np.quantile(light, inner, method="nearest") if len(light) else light
        edges = np.unique(np.concatenate([distinct[[0, -1]], distinct[heavy], quantiles]))
    scaled = scaler.transform(edges[:, None])[:, 0].astype(np.float32)
    apart = [float(scaled[0])]
    for edge in scaled[1:]:
        if edge - apart[-1] >= LEAST_GAP:
            apart.append(float(edge))
    return apart if len(apart) > 1 else []
