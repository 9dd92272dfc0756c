"""Thresholds of two classes are the cheapest ones, and curves are scikit-learn's."""

import numpy as np
import pytest
from sklearn.metrics import precision_score, recall_score

from fathom.report.decisions import (
    RATIOS,
    cheapest,
    choose_thresholds,
    curve_points,
    outcomes,
)

ROWS = 2000


@pytest.fixture
def scored() -> tuple[np.ndarray, np.ndarray]:
    """Return whether rows are positive, three in ten, and their calibrated probabilities."""
    rng = np.random.default_rng(3)
    probability = rng.beta(1, 7 / 3, ROWS)
    return rng.random(ROWS) < probability, probability


def test_a_costly_miss_lowers_the_threshold_as_theory_says(
    scored: tuple[np.ndarray, np.ndarray],
) -> None:
    """Of calibrated probabilities, 1 / (1 + ratio) is the best threshold (Elkan 2001)."""
    actual, probability = scored
    thresholds = choose_thresholds(probability)
    found = [thresholds[cheapest(actual, probability, thresholds, ratio)] for ratio in RATIOS]
    assert found == sorted(found, reverse=True)
    for ratio, threshold in zip(RATIOS, found, strict=True):
        assert threshold == pytest.approx(1 / (1 + ratio), abs=0.15)
        result = outcomes(actual, probability, float(threshold), ratio)
        assert result["relative_cost"] <= 1
        assert result["caught"] + result["missed"] == pytest.approx(1000 * actual.mean(), abs=1)


def test_curves_are_those_of_scikit_learn(scored: tuple[np.ndarray, np.ndarray]) -> None:
    actual, probability = scored
    points = curve_points(actual, probability, np.array([0.1, 0.5, 0.9]))
    for point in points.itertuples():
        called = probability >= point.threshold
        assert point.recall == pytest.approx(recall_score(actual, called))
        assert point.precision == pytest.approx(precision_score(actual, called))
        assert point.false_alarms == pytest.approx(called[~actual].mean())
