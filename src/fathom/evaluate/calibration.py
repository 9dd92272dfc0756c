"""Calibration of probabilities: how to measure it, and temperature scaling.

After Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats

BINS = 15  # as in the paper
SMALLEST = float(np.finfo(np.float64).eps)  # probability; scikit-learn's log_loss clips there, too
TEMPERATURES = (0.01, 100.0)  # bounds, far beyond what networks need


def reliability_bins(
    confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS
) -> pd.DataFrame:
    """Return the bins of a reliability diagram, of equal width and without empty ones.

    Each has its bounds `low` (excluded) and `high` (included), the mean `confidence` and
    `accuracy` of its rows, and `rows`, their number. Both arguments have the shape (rows,).
    """
    return bin_means(bin_sums(confidence, correct, bins))


def bin_sums(confidence: Floats, correct: NDArray[np.bool_], bins: int = BINS) -> Floats:
    """Return by bin the rows, the sum of confidence and the correct rows: shape (3, bins)."""
    edges = np.linspace(0, 1, bins + 1)
    bin_of_row = np.digitize(confidence, edges[1:-1], right=True)
    return np.stack([np.bincount(bin_of_row, of, bins) for of in (None, confidence, correct)])


def bin_means(sums: Floats) -> pd.DataFrame:
    edges = np.linspace(0, 1, sums.shape[1] + 1)
    filled = sums[0] > 0
    rows, confidence, correct = sums[:, filled]
    return pd.DataFrame(
        {
            "low": edges[:-1][filled],
            "high": edges[1:][filled],
            "confidence": confidence / rows,
            "accuracy": correct / rows,
            "rows": rows.astype(np.int64),
        }
    )


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Return the mean absolute difference of confidence and accuracy, weighted by rows."""
    return float(np.average((bins["confidence"] - bins["accuracy"]).abs(), weights=bins["rows"]))


def fit_temperature(probabilities: Floats, actual: NDArray[np.integer[Any]]) -> float:
    """Return the temperature that minimizes the cross-entropy, above 1 for overconfident
    probabilities; 1 if every row is correct, because the cross-entropy then has no minimum.
    """
    if (probabilities.argmax(axis=1) == actual).all():
        return 1.0
    # Not above: slow to import, and regressions need neither.
    from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]
    from scipy.special import log_softmax  # type: ignore[import-untyped]

    logits = logits_of(probabilities)
    rows = np.arange(len(actual))

    def cross_entropy(log_temperature: float) -> float:
        scaled = log_softmax(logits / np.exp(log_temperature), axis=1)
        return float(-scaled[rows, actual].mean())

    # The cross-entropy is convex in 1 / temperature: it has one minimum.
    best = minimize_scalar(
        cross_entropy, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-8}
    )
    return float(np.exp(best.x)) if best.fun < cross_entropy(0.0) else 1.0


def scale_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return the softmax of the logits divided by the temperature."""
    from scipy.special import log_softmax  # as above

    return np.asarray(np.exp(log_softmax(logits_of(probabilities) / temperature, axis=1)))


def logits_of(probabilities: Floats) -> Floats:
    """Return logits up to a constant in each row, which a softmax cancels."""
    return np.asarray(np.log(np.clip(probabilities, SMALLEST, None)))
