"""Prediction intervals from the errors of the validation part.

Split-conformal prediction (Vovk et al. 2005; Lei et al. 2018, arXiv 1604.04173): of new rows like
the validation rows, the intervals hold at least the wanted share, whatever the network is. Rows of
like predictions have widths of their own (a Mondrian taxonomy, Boström & Johansson 2020), since
most errors grow with what is predicted.
"""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import Interval

BINS = 10  # at most
ROWS = 200  # in a bin, at least: the share of new rows held then strays by about 0.02


def fit_interval(predicted: Floats, actual: Floats, coverage: float) -> Interval | None:
    """Fit intervals to rows that were not trained on.

    Args:
        predicted: of shape (rows,).
        actual: likewise.
        coverage: the share of new rows to be held, between 0 and 1.

    Returns:
        None if there are too few rows for any interval to hold that share.
    """
    bins = min(BINS, len(predicted) // ROWS) or 1
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1]))
    places = np.searchsorted(edges, predicted, side="right")
    errors = np.abs(actual - predicted)
    halves = [half_width(errors[places == place], coverage) for place in range(len(edges) + 1)]
    if any(half is None for half in halves):
        return None
    return Interval(
        coverage=coverage,
        edges=edges.tolist(),
        half_widths=[half for half in halves if half is not None],
    )


def half_width(errors: Floats, coverage: float) -> float | None:
    """Return the error that the next row's, drawn as these, exceeds at most so seldom."""
    place = math.ceil((len(errors) + 1) * coverage)
    return float(np.sort(errors)[place - 1]) if place <= len(errors) else None


def measure_coverage(interval: Interval, rows: Iterable[tuple[Floats, Floats]]) -> dict[str, float]:
    """Return which share of rows the intervals hold, and their mean width.

    Args:
        rows: blocks of rows, of each the truth and what was predicted, of shape (rows,).
    """
    count, held, width = 0, 0, 0.0
    for actual, predicted in rows:
        low, high = interval.around(predicted)
        count += len(actual)
        held += int(((actual >= low) & (actual <= high)).sum())
        width += float((high - low).sum())
    return {"coverage": held / count, "width": width / count}
