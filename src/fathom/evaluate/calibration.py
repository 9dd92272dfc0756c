"""Whether probabilities mean what they say, and one number that mends them.

After Guo et al. 2017, On Calibration of Modern Neural Networks, https://arxiv.org/abs/1706.04599.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar  # type: ignore[import-untyped]
from scipy.special import log_softmax  # type: ignore[import-untyped]

from fathom.artifacts.scalers import Floats

BINS = 15  # as in the paper

# Where scikit-learn's log_loss clips, too, so that what is minimised here is what is reported.
SMALLEST = float(np.finfo(np.float64).eps)

# Far beyond what networks need; probabilities of a useless one go to equal shares.
TEMPERATURES = (0.01, 100.0)


def reliability_bins(
    confidence: Floats, right: NDArray[np.bool_], bins: int = BINS
) -> pd.DataFrame:
    """Return the bins of a reliability diagram: as wide as each other, and without empty ones.

    Args:
        confidence: of shape (rows,): the probability of the class that was chosen.
        right: of shape (rows,): whether it is the true one.

    Returns:
        A row for each bin: its bounds `low` (not in it) and `high` (in it), `confidence` and
        `accuracy` (means of its rows), and `rows` (how many).
    """
    return bin_means(bin_sums(confidence, right, bins))


def bin_sums(confidence: Floats, right: NDArray[np.bool_], bins: int = BINS) -> Floats:
    """Return of each bin its rows, their confidence and the right ones, of shape (3, bins): those
    of several blocks of rows add up. Arguments are as in `reliability`.
    """
    edges = np.linspace(0, 1, bins + 1)
    bin_of = np.digitize(confidence, edges[1:-1], right=True)
    return np.stack([np.bincount(bin_of, of, bins) for of in (None, confidence, right)])


def bin_means(sums: Floats) -> pd.DataFrame:
    """Return what `reliability` does."""
    edges = np.linspace(0, 1, sums.shape[1] + 1)
    filled = sums[0] > 0
    rows, confidence, right = sums[:, filled]
    return pd.DataFrame(
        {
            "low": edges[:-1][filled],
            "high": edges[1:][filled],
            "confidence": confidence / rows,
            "accuracy": right / rows,
            "rows": rows.astype(np.int64),
        }
    )


def expected_calibration_error(bins: pd.DataFrame) -> float:
    """Return the mean distance of confidence and accuracy over the bins of `reliability`, weighted
    by their rows.
    """
    return float(np.average((bins["confidence"] - bins["accuracy"]).abs(), weights=bins["rows"]))


def fitted_temperature(probabilities: Floats, actual: NDArray[np.integer[Any]]) -> float:
    """Return the temperature at which the cross-entropy is lowest.

    Args:
        probabilities: of shape (rows, classes).
        actual: numbers of classes, of shape (rows,).

    Returns:
        Above 1 if the probabilities are too sure, below 1 if they are not sure enough. 1 if every
        row is right: the cross-entropy then falls with the temperature down to 0, and says
        nothing of how sure to be.
    """
    if (probabilities.argmax(axis=1) == actual).all():
        return 1.0
    logs = logarithms(probabilities)
    rows = np.arange(len(actual))

    def cross_entropy(log_temperature: float) -> float:
        tempered = log_softmax(logs / np.exp(log_temperature), axis=1)
        return float(-tempered[rows, actual].mean())

    # Convex in 1 / temperature, so that there is one minimum alone.
    found = minimize_scalar(
        cross_entropy, bounds=np.log(TEMPERATURES), method="bounded", options={"xatol": 1e-8}
    )
    return float(np.exp(found.x)) if found.fun < cross_entropy(0.0) else 1.0


def at_temperature(probabilities: Floats, temperature: float) -> Floats:
    """Return the probabilities, of shape (rows, classes), that a softmax of the same logits,
    divided by the temperature, gives.
    """
    tempered: Floats = np.exp(log_softmax(logarithms(probabilities) / temperature, axis=1))
    return tempered


def logarithms(probabilities: Floats) -> Floats:
    """Return logits up to a number for each row, which a softmax takes away."""
    logs: Floats = np.log(np.clip(probabilities, SMALLEST, None))
    return logs
