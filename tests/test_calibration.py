"""Calibration is measured by the paper's formula, and mended by the temperature that was there."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.metrics import log_loss

from fathom.artifacts.scalers import Floats
from fathom.evaluate.calibration import (
    at_temperature,
    expected_calibration_error,
    fitted_temperature,
    reliability_bins,
)

CONFIDENCE = np.array([0.61, 0.65, 0.72, 0.95, 1.0, 1.0])
RIGHT = np.array([True, False, True, True, True, False])


def softmax(logits: Floats) -> Floats:
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def simulated(
    temperature: float, rows: int = 20_000, seed: int = 0
) -> tuple[Floats, NDArray[np.int64]]:
    """Return probabilities of four classes and truths that follow them at a temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=3.0, size=(rows, 4))
    noise = generator.gumbel(size=logits.shape)  # its largest sum with logits is a draw by softmax
    return softmax(logits), (logits / temperature + noise).argmax(axis=1)


def cross_entropy(probabilities: Floats, actual: NDArray[np.int64]) -> float:
    return float(log_loss(actual, probabilities, labels=range(probabilities.shape[1])))


def chosen(probabilities: Floats, actual: NDArray[np.int64]) -> tuple[Floats, NDArray[np.bool_]]:
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == actual


def test_bins_by_hand() -> None:
    """Tenths and fifteenths: 0.61 and 0.65 are in (9/15, 10/15], 0.95 and 1 in (14/15, 1]."""
    expected = {
        "low": [9 / 15, 10 / 15, 14 / 15],
        "high": [10 / 15, 11 / 15, 1.0],
        "confidence": [0.63, 0.72, 2.95 / 3],
        "accuracy": [0.5, 1.0, 2 / 3],
        "rows": [2, 1, 3],
    }
    pd.testing.assert_frame_equal(reliability_bins(CONFIDENCE, RIGHT), pd.DataFrame(expected))
    error = (2 * 0.13 + 1 * 0.28 + 3 * (2.95 - 2) / 3) / 6
    assert expected_calibration_error(reliability_bins(CONFIDENCE, RIGHT)) == pytest.approx(error)


def test_a_bin_holds_its_upper_bound() -> None:
    bins = reliability_bins(np.array([0.5, 0.51]), np.array([True, True]), bins=2)
    assert list(bins["rows"]) == [1, 1]
    rounded = np.array([1 + 1e-7])  # as float32 may have it
    assert list(reliability_bins(rounded, np.array([True]))["high"]) == [1.0]


@pytest.mark.parametrize(
    ("confidence", "right", "error"),
    [(1.0, 1.0, 0.0), (1.0, 0.0, 1.0), (0.7, 1.0, 0.3), (0.25, 0.25, 0.0)],
    ids=["sure and right", "sure and wrong", "right and unsure", "chance"],
)
def test_error_of_one_confidence(confidence: float, right: float, error: float) -> None:
    rows = np.arange(400) < 400 * right
    found = expected_calibration_error(reliability_bins(np.full(400, confidence), rows))
    assert found == pytest.approx(error, abs=1e-12)


def test_error_of_calibrated_probabilities_is_near_0() -> None:
    assert expected_calibration_error(reliability_bins(*chosen(*simulated(1.0)))) < 0.01
    assert expected_calibration_error(reliability_bins(*chosen(*simulated(3.0)))) > 0.1


@pytest.mark.parametrize("true", [0.4, 0.8, 1.0, 1.5, 4.0])
def test_temperature_is_found_and_calibrates(true: float) -> None:
    probabilities, actual = simulated(true)
    found = fitted_temperature(probabilities, actual)
    assert found == pytest.approx(true, rel=0.05)
    fresh, truth = simulated(true, seed=1)
    bins = reliability_bins(*chosen(at_temperature(fresh, found), truth))
    assert expected_calibration_error(bins) < 0.015


def test_temperature_is_where_a_grid_has_its_minimum() -> None:
    probabilities, actual = simulated(1.7, rows=500)
    grid = np.geomspace(0.5, 5, 400)
    entropies = [cross_entropy(at_temperature(probabilities, t), actual) for t in grid]
    found = fitted_temperature(probabilities, actual)
    assert found == pytest.approx(grid[np.argmin(entropies)], rel=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_temperature_never_raises_the_cross_entropy_it_is_fitted_to(seed: int) -> None:
    """Few rows, also with probabilities of exactly 0, of the true class too."""
    generator = np.random.default_rng(seed)
    probabilities = softmax(generator.normal(scale=10.0 ** generator.integers(-1, 4), size=(9, 3)))
    actual = generator.integers(3, size=9)
    tempered = at_temperature(probabilities, fitted_temperature(probabilities, actual))
    before = cross_entropy(probabilities, actual)
    assert cross_entropy(tempered, actual) <= before + 1e-9


def test_temperature_of_rows_that_are_all_right_is_1() -> None:
    assert fitted_temperature(np.array([[0.9, 0.1], [0.4, 0.6]]), np.array([0, 1])) == 1.0


def test_temperature_divides_logits_and_keeps_choices() -> None:
    logits = np.array([[2.0, 1.0, -1.0], [0.0, 5.0, 3.0]])
    found = at_temperature(softmax(logits), 2.5)
    np.testing.assert_allclose(found, softmax(logits / 2.5))
    np.testing.assert_allclose(at_temperature(softmax(logits), 1.0), softmax(logits))
    assert list(found.argmax(axis=1)) == [0, 1]
