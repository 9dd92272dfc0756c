"""Prediction intervals and sets of classes cover the share of rows that they target."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.special import log_softmax  # type: ignore[import-untyped]

from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import PredictionSet
from fathom.evaluate.intervals import fit_interval, measure_coverage
from fathom.evaluate.prediction_sets import fit_set, measure_sets
from fathom.predict.prediction_columns import join_classes


def test_intervals_reach_their_coverage() -> None:
    rng = np.random.default_rng(5)
    predicted = rng.uniform(0, 10, 40_000)
    actual = predicted + rng.normal(0, 0.1 + predicted)
    for coverage in (0.5, 0.9, 0.99):
        interval = fit_interval(predicted[:20_000], actual[:20_000], coverage)
        assert interval is not None
        assert len(interval.half_widths) == 10
        metrics = measure_coverage(interval, [(actual[20_000:], predicted[20_000:])])
        assert metrics["coverage"] == pytest.approx(coverage, abs=0.01)
        for low, high in ((0, 1), (9, 10)):  # small and large errors
            some = (predicted > low) & (predicted < high)
            few = measure_coverage(interval, [(actual[some], predicted[some])])
            assert few["coverage"] == pytest.approx(coverage, abs=0.03)


def test_an_interval_is_the_right_order_statistic() -> None:
    actual = np.arange(1.0, 20.0)  # 19 errors, of 1 to 19
    interval = fit_interval(np.zeros(19), actual, 0.9)
    assert interval is not None
    assert interval.half_widths == [18.0]  # the 18th of 20: at least 90 % of the next row's places
    assert fit_interval(np.zeros(8), actual[:8], 0.9) is None  # the largest is not enough


def draw_classes(rows: int, seed: int) -> tuple[Floats, NDArray[np.int64]]:
    """Return probabilities of 5 classes that are too high for the most probable, and classes."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 1.5, (rows, 5))
    actual = (logits + rng.gumbel(size=(rows, 5))).argmax(axis=1)
    return np.exp(log_softmax(2 * logits, axis=1)), actual


@pytest.mark.parametrize("coverage", [0.8, 0.9, 0.99])
def test_sets_of_classes_reach_their_coverage(coverage: float) -> None:
    prediction_set = fit_set(*draw_classes(20_000, 1), coverage)
    assert prediction_set is not None
    probabilities, actual = draw_classes(20_000, 2)
    metrics = measure_sets(
        prediction_set,
        [(actual[:5], probabilities[:5]), (actual[5:], probabilities[5:])],
    )
    assert metrics["coverage"] == pytest.approx(coverage, abs=0.01)
    in_set = prediction_set.members(probabilities)
    assert metrics["size"] == in_set.sum() / 20_000
    assert in_set[np.arange(20_000), probabilities.argmax(axis=1)].all()


def test_a_set_is_never_empty_and_needs_enough_rows() -> None:
    probabilities = np.array([[0.9, 0.1]] * 18 + [[0.4, 0.6]])
    actual = np.zeros(19, np.int64)
    assert fit_set(probabilities, actual, 0.95) == PredictionSet(coverage=0.95, threshold=0.4)
    narrow = fit_set(probabilities, actual, 0.5)
    assert narrow is not None
    assert narrow.threshold == 0.9
    assert narrow.members(np.array([[0.5, 0.5], [0.2, 0.8]])).tolist() == [
        [True, False],
        [False, True],
    ]
    assert fit_set(probabilities[:8], actual[:8], 0.9) is None


def test_a_set_is_written_from_the_most_probable_class_on() -> None:
    probabilities = np.array([[0.2, 0.5, 0.3], [0.05, 0.05, 0.9]])
    prediction_set = PredictionSet(coverage=0.9, threshold=0.2)
    texts = join_classes(probabilities, prediction_set, ["cat", "dog", "fox"])
    assert texts.tolist() == ["dog; fox; cat", "fox"]
