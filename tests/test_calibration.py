"""The calibration error follows the paper's formula; temperature scaling finds the temperature."""

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from scipy.special import softmax  # type: ignore[import-untyped]
from sklearn.metrics import log_loss

from fathom.artifacts.scalers import Floats
from fathom.evaluate.calibration import (
    expected_calibration_error,
    fit_temperature,
    reliability_bins,
    scale_temperature,
)


def simulate(
    temperature: float, rows: int = 20_000, seed: int = 0
) -> tuple[Floats, NDArray[np.int64]]:
    """Return probabilities of four classes, and classes drawn from them at a temperature."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=3.0, size=(rows, 4))
    noise = generator.gumbel(size=logits.shape)  # argmax of logits + Gumbel noise draws by softmax
    return softmax(logits, axis=1), (logits / temperature + noise).argmax(axis=1)


def calibration_error(probabilities: Floats, actual: NDArray[np.int64]) -> float:
    correct = probabilities.argmax(axis=1) == actual
    return expected_calibration_error(reliability_bins(probabilities.max(axis=1), correct))


def test_bins_by_hand() -> None:
    """0.61 and 0.65 are in (9/15, 10/15], 0.95 and 1 in (14/15, 1]."""
    confidence = np.array([0.61, 0.65, 0.72, 0.95, 1.0, 1.0])
    correct = np.array([True, False, True, True, True, False])
    expected = {
        "low": [9 / 15, 10 / 15, 14 / 15],
        "high": [10 / 15, 11 / 15, 1.0],
        "confidence": [0.63, 0.72, 2.95 / 3],
        "accuracy": [0.5, 1.0, 2 / 3],
        "rows": [2, 1, 3],
    }
    bins = reliability_bins(confidence, correct)
    pd.testing.assert_frame_equal(bins, pd.DataFrame(expected))
    error = (2 * 0.13 + 1 * 0.28 + 3 * (2.95 - 2) / 3) / 6
    assert expected_calibration_error(bins) == pytest.approx(error)


def test_a_bin_includes_its_upper_bound() -> None:
    confidence = np.array([0.5, 0.51, 1 + 1e-7])  # float32 may round up
    assert list(reliability_bins(confidence, np.ones(3, bool), bins=2)["rows"]) == [1, 2]


def test_error_of_calibrated_probabilities_is_near_0() -> None:
    assert calibration_error(*simulate(1.0)) < 0.01
    assert calibration_error(*simulate(3.0)) > 0.1


@pytest.mark.parametrize("true", [0.4, 0.8, 1.0, 1.5, 4.0])
def test_fitted_temperature_calibrates(true: float) -> None:
    temperature = fit_temperature(*simulate(true))
    assert temperature == pytest.approx(true, rel=0.05)
    probabilities, actual = simulate(true, seed=1)
    assert calibration_error(scale_temperature(probabilities, temperature), actual) < 0.015


def test_fitted_temperature_is_the_minimum_of_a_grid() -> None:
    probabilities, actual = simulate(1.7, rows=500)
    grid = np.geomspace(0.5, 5, 400)
    entropies = [log_loss(actual, scale_temperature(probabilities, t)) for t in grid]
    best = grid[np.argmin(entropies)]
    assert fit_temperature(probabilities, actual) == pytest.approx(best, rel=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_temperature_never_raises_the_cross_entropy_of_its_rows(seed: int) -> None:
    """Few rows, with probabilities of exactly 0, also of the actual class."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(scale=10.0 ** generator.integers(-1, 4), size=(9, 3))
    probabilities, actual = softmax(logits, axis=1), generator.integers(3, size=9)
    scaled = scale_temperature(probabilities, fit_temperature(probabilities, actual))
    before, after = (log_loss(actual, p, labels=range(3)) for p in (probabilities, scaled))
    assert after <= before + 1e-9


def test_temperature_divides_logits_and_keeps_the_predicted_class() -> None:
    logits = np.array([[2.0, 1.0, -1.0], [0.0, 5.0, 3.0]])
    probabilities = softmax(logits, axis=1)
    assert fit_temperature(probabilities, np.array([0, 1])) == 1.0  # both are correct
    scaled = scale_temperature(probabilities, 2.5)
    np.testing.assert_allclose(scaled, softmax(logits / 2.5, axis=1))
    np.testing.assert_allclose(scale_temperature(probabilities, 1.0), probabilities)
    assert list(scaled.argmax(axis=1)) == [0, 1]
