"""Figures that add up over blocks of rows are scikit-learn's."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
)

from fathom.artifacts.problem import Output
from fathom.base.blocks import blocks, evenly_spaced, rows_in_block
from fathom.evaluate.calibration import expected_calibration_error, reliability_bins
from fathom.evaluate.sums import Scores, tally

Numbers = NDArray[np.float64]

NUMBER = Output(column="y", task="regression")
ROWS = [2, 9, 1000, 70_001]


def letters(classes: int) -> Output:
    names = [str(number) for number in range(classes)]
    return Output(column="y", task="classification", classes=names)


def numbers_of(rows: int) -> tuple[Numbers, Numbers]:
    """Return truth and predictions: years, say, of which squares lose what they differ by."""
    generator = np.random.default_rng(rows)
    actual = 2000 + np.linspace(0, 3, rows) + generator.normal(size=rows)
    return actual, actual + generator.normal(0.1, 0.5, size=rows)


def classes_of(rows: int, classes: int) -> tuple[NDArray[np.int64], Numbers]:
    """Return truth and probabilities, in float32 as networks give them; the last class is not
    there, and the first blocks have few of them.
    """
    generator = np.random.default_rng(rows)
    powers = np.exp(generator.normal(scale=2, size=(rows, classes)))
    powers[:, -1] = 0
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.sort(generator.integers(classes - 1, size=rows)), probabilities.astype(np.float64)


def of_numbers(actual: Numbers, predicted: Numbers) -> Scores:
    mse = mean_squared_error(actual, predicted)
    mae, r2 = mean_absolute_error(actual, predicted), r2_score(actual, predicted)
    return {"mse": mse, "rmse": mse**0.5, "mae": mae, "r2": r2}


def of_classes(actual: NDArray[np.int64], predicted: Numbers) -> Scores:
    labels = range(predicted.shape[1])
    chosen, scaled = predicted.argmax(axis=1), predicted / predicted.sum(axis=1, keepdims=True)
    ece = expected_calibration_error(reliability_bins(scaled.max(axis=1), chosen == actual))
    return {
        "accuracy": accuracy_score(actual, chosen),
        "cross_entropy": log_loss(actual, scaled, labels=labels),
        "f1_macro": f1_score(actual, chosen, labels=labels, average="macro", zero_division=0),
        "ece": ece,
    }


def tallied(output: Output, actual: NDArray[Any], predicted: Numbers, at_once: int) -> Scores:
    found = tally(output)
    for start in range(0, len(actual), at_once):
        found.add(actual[start : start + at_once], predicted[start : start + at_once])
    return found.scores()


@pytest.mark.parametrize("rows", ROWS)
def test_a_single_block_gives_the_same_bits(rows: int) -> None:
    numbers, classes = numbers_of(rows), classes_of(rows, 5)
    assert tallied(NUMBER, *numbers, at_once=rows) == of_numbers(*numbers)
    assert tallied(letters(5), *classes, at_once=rows) == of_classes(*classes)


@pytest.mark.parametrize("at_once", [64, 999, 50_000])
@pytest.mark.parametrize("rows", ROWS)
def test_blocks_add_up(rows: int, at_once: int) -> None:
    numbers, classes = numbers_of(rows), classes_of(rows, 5)
    found = tallied(NUMBER, *numbers, at_once=at_once)
    assert found == pytest.approx(of_numbers(*numbers), rel=1e-9)
    found = tallied(letters(5), *classes, at_once=at_once)
    assert found == pytest.approx(of_classes(*classes), rel=1e-9)


@pytest.mark.parametrize(("predicted", "r2"), [(3.0, 1.0), (4.0, 0.0)])
def test_r2_of_a_constant(predicted: float, r2: float) -> None:
    actual, every = np.full(10, 3.0), np.full(10, predicted)
    assert r2_score(actual, every) == r2
    assert tallied(NUMBER, actual, every, at_once=4)["r2"] == r2


def test_one_row_after_another_has_an_r2_from_the_second_on() -> None:
    found = tally(NUMBER)
    found.add(np.array([1.0]), np.array([2.0]))
    assert found.scores()["r2"] is None
    found.add(np.array([3.0]), np.array([3.0]))
    assert found.scores()["r2"] == 0.5


@pytest.mark.parametrize("width", [1, 10, 3 * 2**20, 2**30])
def test_blocks_are_all_rows_and_few_values(width: int) -> None:
    rows = 5 if width > 2**20 else 3_000_000
    found = list(blocks(rows, width))
    assert [0, *(block.stop for block in found)] == [*(block.start for block in found), rows]
    assert all(len(block) == 1 or len(block) * width <= 2**23 for block in found)
    assert all(len(block) <= 2**20 for block in found)


@pytest.mark.parametrize(("rows", "most"), [(10, 3), (10, 10), (10, 99), (1_000_003, 1000)])
def test_rows_are_drawn_evenly(rows: int, most: int) -> None:
    drawn = evenly_spaced(rows, most)
    assert len(drawn) == min(rows, most)
    assert drawn[0] == 0
    apart = np.diff([*drawn, rows])
    assert apart.max() - apart.min() <= 1
    of_blocks = [
        rows_in_block(drawn, range(at, min(at + 7, rows))) + at for at in range(0, rows, 7)
    ]
    np.testing.assert_array_equal(np.concatenate(of_blocks), drawn)
