"""Prediction sets of classes from the probabilities of held-out rows.

Split-conformal prediction with the probability of the right class as the score (Sadinle, Lei &
Wasserman 2019, Least ambiguous set-valued classifiers, https://arxiv.org/abs/1609.00451): of all
sets with this coverage they have the fewest classes on average. A set always has the most probable
class, so that none is empty; where the network is right more often than `coverage` asks, most sets
have no other. `intervals.py` says which rows are held out.
"""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import PredictionSet


def fit_set(
    probabilities: Floats, actual: NDArray[np.integer[Any]], coverage: float
) -> PredictionSet | None:
    """Fit sets to held-out rows: None if they are too few for this coverage of new rows.

    Args:
        probabilities: of shape (rows, classes).
        actual: the right classes, of shape (rows,).
        coverage: the share of new rows whose set has the right class.
    """
    of_actual = np.sort(probabilities[np.arange(len(actual)), actual])
    rank = math.ceil((len(actual) + 1) * coverage)
    if rank > len(actual):
        return None
    return PredictionSet(coverage=coverage, threshold=float(of_actual[len(actual) - rank]))


def measure_sets(
    prediction_set: PredictionSet, rows: Iterable[tuple[NDArray[Any], Floats]]
) -> dict[str, float]:
    """Return the share of rows whose set has the right class (`coverage`) and the mean number of
    classes in a set (`size`).

    `rows` yields the right classes, of shape (rows,), and probabilities, of shape (rows, classes).
    """
    count, covered, size = 0, 0, 0
    for actual, probabilities in rows:
        members = prediction_set.members(probabilities)
        count += len(actual)
        covered += int(members[np.arange(len(actual)), actual].sum())
        size += int(members.sum())
    return {"coverage": covered / count, "size": size / count}
