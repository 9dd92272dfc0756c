"""Metrics equal textbook formulas and scikit-learn's, also over blocks of rows."""

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
from fathom.evaluate.metrics import Metrics, compute_metrics, metrics_for, prediction_table

Numbers = NDArray[np.float64]

NUMBER = Output(column="y", task="regression")
ROWS = [2, 9, 1000, 70_001]

ACTUAL = [1.0, 2.0, 4.0, 9.0]
ACTUAL_CLASSES = np.array([0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]
)


def letters(classes: int) -> Output:
    return Output(column="y", task="classification", classes=list("abcdefgh"[:classes]))


@pytest.mark.parametrize(
    ("actual", "predicted", "mse", "mae", "r2"),
    [
        (ACTUAL, [1.5, 2.0, 3.0, 7.0], 5.25 / 4, 3.5 / 4, 1 - 5.25 / 38),
        (ACTUAL, ACTUAL, 0, 0, 1),
        (ACTUAL, [4.0] * 4, 9.5, 2.5, 0),
        ([1.0], [1.5], 0.25, 0.5, None),
    ],
    ids=["some errors", "perfect", "the mean", "single row"],
)
def test_regression_metrics(
    actual: list[float], predicted: list[float], mse: float, mae: float, r2: float | None
) -> None:
    metrics = compute_metrics(NUMBER, np.array(actual), np.array(predicted))
    assert list(metrics) == ["mse", "rmse", "mae", "r2"]
    assert list(metrics.values()) == pytest.approx([mse, mse**0.5, mae, r2])


def test_classification_metrics() -> None:
    metrics = compute_metrics(letters(3), ACTUAL_CLASSES, PROBABILITIES)
    assert list(metrics) == ["accuracy", "cross_entropy", "f1_macro", "ece"]
    # Predictions: a, b, b, b, c. F1 = 2 TP / (2 TP + FP + FN): a 2/3, b 4/5, c 1.
    # Confidence: 0.7 (twice, correct), 0.6 (wrong), 0.8 and 0.5 (correct): four bins of 1/15.
    assert metrics == pytest.approx(
        {
            "accuracy": 4 / 5,
            "cross_entropy": -np.mean(np.log([0.7, 0.3, 0.8, 0.5, 0.7])),
            "f1_macro": (2 / 3 + 4 / 5 + 1) / 3,
            "ece": (2 * 0.3 + 0.6 + 0.2 + 0.5) / 5,
        }
    )
    rounded = (PROBABILITIES * (1 + 1e-6)).astype(np.float32)
    cross_entropy = compute_metrics(letters(3), ACTUAL_CLASSES, rounded)["cross_entropy"]
    assert cross_entropy == pytest.approx(metrics["cross_entropy"])


@pytest.mark.parametrize(
    ("actual", "predicted", "accuracy", "f1"),
    [
        ([0, 1, 2], [0, 1, 2], 1.0, 1.0),
        # Always a: F1 of a is 2 / (2 + 2), that of b and c 0.
        ([0, 1, 2], [0, 0, 0], 1 / 3, 0.5 / 3),
        ([0, 1, 1], [0, 1, 1], 1.0, 2 / 3),
        ([0], [0], 1.0, 1 / 3),
    ],
    ids=["perfect", "constant", "class absent", "single row"],
)
def test_special_classifiers(
    actual: list[int], predicted: list[int], accuracy: float, f1: float
) -> None:
    probabilities = np.full((len(actual), 3), 0.05)
    probabilities[range(len(actual)), predicted] = 0.9
    assert compute_metrics(letters(3), np.array(actual), probabilities) == pytest.approx(
        {
            "accuracy": accuracy,
            "cross_entropy": -np.mean(np.log(np.where(np.equal(actual, predicted), 0.9, 0.05))),
            "f1_macro": f1,
            "ece": abs(accuracy - 0.9),
        }
    )


def random_numbers(rows: int) -> tuple[Numbers, Numbers]:
    """Return targets and predictions: large ones, whose squares lose digits."""
    generator = np.random.default_rng(rows)
    actual = 2000 + np.linspace(0, 3, rows) + generator.normal(size=rows)
    return actual, actual + generator.normal(0.1, 0.5, size=rows)


def random_classes(rows: int) -> tuple[NDArray[np.int64], Numbers]:
    """Return sorted classes and float32 probabilities; the last of five classes is absent."""
    generator = np.random.default_rng(rows)
    powers = np.exp(generator.normal(scale=2, size=(rows, 5)))
    powers[:, -1] = 0
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.sort(generator.integers(4, size=rows)), probabilities.astype(np.float64)


def sklearn_regression(actual: Numbers, predicted: Numbers) -> Metrics:
    mse = mean_squared_error(actual, predicted)
    mae, r2 = mean_absolute_error(actual, predicted), r2_score(actual, predicted)
    return {"mse": mse, "rmse": mse**0.5, "mae": mae, "r2": r2}


def sklearn_classification(actual: NDArray[np.int64], probabilities: Numbers) -> Metrics:
    predicted = probabilities.argmax(axis=1)
    scaled = probabilities / probabilities.sum(axis=1, keepdims=True)
    ece = expected_calibration_error(reliability_bins(scaled.max(axis=1), predicted == actual))
    return {
        "accuracy": accuracy_score(actual, predicted),
        "cross_entropy": log_loss(actual, scaled, labels=range(5)),
        "f1_macro": f1_score(actual, predicted, labels=range(5), average="macro", zero_division=0),
        "ece": ece,
    }


def block_metrics(output: Output, actual: NDArray[Any], predicted: Numbers, size: int) -> Metrics:
    metrics = metrics_for(output)
    for start in range(0, len(actual), size):
        metrics.update(actual[start : start + size], predicted[start : start + size])
    return metrics.result()


@pytest.mark.parametrize("rows", ROWS)
def test_a_single_block_equals_scikit_learn_bit_for_bit(rows: int) -> None:
    numbers, classes = random_numbers(rows), random_classes(rows)
    assert block_metrics(NUMBER, *numbers, rows) == sklearn_regression(*numbers)
    assert block_metrics(letters(5), *classes, rows) == sklearn_classification(*classes)


@pytest.mark.parametrize("size", [64, 999, 50_000])
@pytest.mark.parametrize("rows", ROWS)
def test_several_blocks_equal_scikit_learn(rows: int, size: int) -> None:
    numbers, classes = random_numbers(rows), random_classes(rows)
    metrics = block_metrics(NUMBER, *numbers, size)
    assert metrics == pytest.approx(sklearn_regression(*numbers), rel=1e-9)
    metrics = block_metrics(letters(5), *classes, size)
    assert metrics == pytest.approx(sklearn_classification(*classes), rel=1e-9)


@pytest.mark.parametrize(("predicted", "r2"), [(3.0, 1.0), (4.0, 0.0)])
def test_r2_of_constant_targets(predicted: float, r2: float) -> None:
    actual, predictions = np.full(10, 3.0), np.full(10, predicted)
    assert r2_score(actual, predictions) == r2
    assert block_metrics(NUMBER, actual, predictions, 4)["r2"] == r2


def test_r2_needs_two_rows() -> None:
    metrics = metrics_for(NUMBER)
    metrics.update(np.array([1.0]), np.array([2.0]))
    assert metrics.result()["r2"] is None
    metrics.update(np.array([3.0]), np.array([3.0]))
    assert metrics.result()["r2"] == 0.5


def test_prediction_table_of_classes() -> None:
    table = prediction_table(letters(3), np.array([7, 3]), np.array([2, 0]), PROBABILITIES[:2])
    assert table.to_dict("list") == {
        "row": [7, 3],
        "actual": ["c", "a"],
        "predicted": ["a", "b"],
        "probability_a": [0.7, 0.3],
        "probability_b": [0.2, 0.6],
        "probability_c": [0.1, 0.1],
    }


@pytest.mark.parametrize("width", [1, 10, 3 * 2**20, 2**30])
def test_blocks_cover_all_rows_and_few_values(width: int) -> None:
    rows = 5 if width > 2**20 else 3_000_000
    ranges = list(blocks(rows, width))
    assert [0, *(block.stop for block in ranges)] == [*(block.start for block in ranges), rows]
    assert all(len(block) == 1 or len(block) * width <= 2**23 for block in ranges)
    assert all(len(block) <= 2**20 for block in ranges)


@pytest.mark.parametrize(("rows", "most"), [(10, 3), (10, 10), (10, 99), (1_000_003, 1000)])
def test_sampled_rows_are_evenly_spaced(rows: int, most: int) -> None:
    sample = evenly_spaced(rows, most)
    assert len(sample) == min(rows, most)
    assert sample[0] == 0
    distances = np.diff([*sample, rows])
    assert distances.max() - distances.min() <= 1
    by_block = [
        rows_in_block(sample, range(at, min(at + 7, rows))) + at for at in range(0, rows, 7)
    ]
    np.testing.assert_array_equal(np.concatenate(by_block), sample)
