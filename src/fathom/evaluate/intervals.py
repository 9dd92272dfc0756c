"""Prediction intervals from the errors on the validation set.

Split-conformal prediction (Vovk et al. 2005; Lei et al. 2018, arXiv 1604.04173): the intervals
cover at least the given share of new rows that are like the validation rows, whatever the network.
Errors often grow with the prediction, so each bin of predictions has a width of its own (a
Mondrian taxonomy, Boström & Johansson 2020).

With folds the errors are those of out-of-fold predictions, as in CV+ (Barber et al. 2021, arXiv
1905.02928), but the intervals are around the prediction of the model, the mean of the runs. CV+
takes the prediction of each run for every new row, which an exported model does not have. The mean
errs less than a run, so that the intervals cover rather more than the given share.
"""

import math
from collections.abc import Iterable

import numpy as np

from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import Interval

MAX_BINS = 10
MIN_ROWS = 200  # in a bin: the coverage of new rows then deviates by about 0.02


def fit_interval(predicted: Floats, actual: Floats, coverage: float) -> Interval | None:
    """Fit intervals to validation rows: None if they are too few for this coverage of new rows."""
    bins = min(MAX_BINS, len(predicted) // MIN_ROWS) or 1
    edges = np.unique(np.quantile(predicted, np.linspace(0, 1, bins + 1)[1:-1]))
    bin_of_row = np.searchsorted(edges, predicted, side="right")
    errors = np.abs(actual - predicted)
    half_widths = []
    for number in range(len(edges) + 1):
        in_bin = np.sort(errors[bin_of_row == number])
        rank = math.ceil((len(in_bin) + 1) * coverage)
        if rank > len(in_bin):
            return None
        half_widths.append(float(in_bin[rank - 1]))
    return Interval(coverage=coverage, edges=edges.tolist(), half_widths=half_widths)


def measure_coverage(interval: Interval, rows: Iterable[tuple[Floats, Floats]]) -> dict[str, float]:
    """Return the share of rows within the intervals (`coverage`) and the mean `width`.

    `rows` yields targets and predictions of shape (rows,).
    """
    count, covered, width = 0, 0, 0.0
    for actual, predicted in rows:
        low, high = interval.around(predicted)
        count += len(actual)
        covered += int(((actual >= low) & (actual <= high)).sum())
        width += float((high - low).sum())
    return {"coverage": covered / count, "width": width / count}
