"""Metrics equal scikit-learn's, also over blocks of rows."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn import metrics as sklearn_metrics

from fathom.artifacts.problem import Output
from fathom.artifacts.ranking import higher_is_better
from fathom.base.blocks import blocks, evenly_spaced, rows_in_block
from fathom.evaluate.calibration import expected_calibration_error, reliability_bins
from fathom.evaluate.metrics import Metrics, compute_metrics, metrics_for, prediction_table
from fathom.report.classification import class_metrics
from fathom.report.section import describe_monitor

Numbers = NDArray[np.float64]
Classes = NDArray[np.int64]

NUMBER = Output(column="y", task="regression")
LETTER = Output(column="y", task="classification", classes=list("abcde"))


def random_numbers(rows: int) -> tuple[Numbers, Numbers]:
    """Return targets and predictions: large ones, whose squares lose digits."""
    generator = np.random.default_rng(rows)
    actual = 2000 + np.linspace(0, 3, rows) + generator.normal(size=rows)
    return actual, actual + generator.normal(0.1, 0.5, size=rows)


def random_classes(rows: int) -> tuple[Classes, Numbers]:
    """Return sorted classes and float32 probabilities; the last class is absent."""
    generator = np.random.default_rng(rows)
    powers = np.exp(generator.normal(scale=2, size=(rows, 5)))
    powers[:, -1] = 0
    probabilities = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return np.sort(generator.integers(4, size=rows)), probabilities.astype(np.float64)


def sklearn_regression(actual: Numbers, predicted: Numbers) -> Metrics:
    mse = sklearn_metrics.mean_squared_error(actual, predicted)
    mae = sklearn_metrics.mean_absolute_error(actual, predicted)
    r2 = sklearn_metrics.r2_score(actual, predicted)
    return {"mse": mse, "rmse": mse**0.5, "mae": mae, "r2": r2}


def sklearn_classification(actual: Classes, probabilities: Numbers) -> dict[str, float]:
    predicted = probabilities.argmax(axis=1)
    scaled = probabilities / probabilities.sum(axis=1, keepdims=True)
    bins = reliability_bins(scaled.max(axis=1), predicted == actual)
    f1 = {"average": "macro", "zero_division": 0, "labels": range(5)}
    return {
        "accuracy": sklearn_metrics.accuracy_score(actual, predicted),
        "cross_entropy": sklearn_metrics.log_loss(actual, scaled, labels=range(5)),
        "f1_macro": sklearn_metrics.f1_score(actual, predicted, **f1),
        "ece": expected_calibration_error(bins),
    }


def block_metrics(output: Output, actual: NDArray[Any], predicted: Numbers, size: int) -> Metrics:
    metrics = metrics_for(output)
    for start in range(0, len(actual), size):
        metrics.update(actual[start : start + size], predicted[start : start + size])
    return metrics.result()


@pytest.mark.parametrize("size", [64, 999, 50_000, 100_000])
@pytest.mark.parametrize("rows", [2, 9, 1000, 70_001])
def test_metrics_equal_scikit_learn(rows: int, size: int) -> None:
    """Bit for bit on a single block."""
    tolerance = 1e-9 if size < rows else 0
    numbers, classes = random_numbers(rows), random_classes(rows)
    metrics = block_metrics(NUMBER, *numbers, size)
    assert metrics == pytest.approx(sklearn_regression(*numbers), rel=tolerance, abs=0)
    metrics = block_metrics(LETTER, *classes, size)
    assert metrics == pytest.approx(sklearn_classification(*classes), rel=tolerance, abs=0)


@pytest.mark.parametrize(
    ("actual", "predicted", "r2"),
    [
        ([1, 2, 4, 9], [1, 2, 4, 9], 1),
        ([1, 2, 4, 9], [4, 4, 4, 4], 0),
        ([3] * 10, [3] * 10, 1),
        ([3] * 10, [4] * 10, 0),
    ],
)
def test_special_numbers(actual: list[float], predicted: list[float], r2: float) -> None:
    arrays = np.array(actual, np.float64), np.array(predicted, np.float64)
    expected = sklearn_regression(*arrays)
    assert expected["r2"] == r2
    assert compute_metrics(NUMBER, *arrays) == expected
    assert block_metrics(NUMBER, *arrays, 3) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("actual", "predicted", "f1"),
    [
        ([0, 1, 2, 3, 4], [0, 1, 2, 3, 4], 1),
        ([0, 1, 2, 3, 4], [0, 0, 0, 0, 0], 2 / 6 / 5),
        ([0, 1, 1], [0, 1, 1], 2 / 5),  # classes are absent
        ([0], [0], 1 / 5),
    ],
)
def test_special_classes(actual: list[int], predicted: list[int], f1: float) -> None:
    probabilities = np.full((len(actual), 5), 0.025)
    probabilities[range(len(actual)), predicted] = 0.9
    expected = sklearn_classification(np.array(actual), probabilities)
    assert expected["f1_macro"] == pytest.approx(f1)
    assert expected["ece"] == pytest.approx(abs(expected["accuracy"] - 0.9))
    assert compute_metrics(LETTER, np.array(actual), probabilities) == pytest.approx(expected)


def test_metrics_by_class() -> None:
    actual, probabilities = random_classes(200)
    probabilities[:, 2] = 0  # never predicted
    table = prediction_table(LETTER, np.arange(200), actual, probabilities)
    network: Any = SimpleNamespace(predictions=table)
    columns = sklearn_metrics.precision_recall_fscore_support(
        table["actual"], table["predicted"], labels=LETTER.classes, zero_division=0
    )
    found = pd.DataFrame(class_metrics(network, LETTER))
    assert list(found) == ["name", "precision", "recall", "f1", "rows"]
    assert found["name"].tolist() == LETTER.classes
    np.testing.assert_allclose(found.iloc[:, 1:].to_numpy(float).T, columns, rtol=1e-14)


def test_r2_needs_two_rows() -> None:
    metrics = metrics_for(NUMBER)
    metrics.update(np.array([1.0]), np.array([2.0]))
    assert metrics.result() == {"mse": 1, "rmse": 1, "mae": 1, "r2": None}
    metrics.update(np.array([3.0]), np.array([3.0]))
    assert metrics.result()["r2"] == 0.5


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
    ranges = [range(at, min(at + 7, rows)) for at in range(0, rows, 7)]
    by_block = [rows_in_block(sample, block) + block.start for block in ranges]
    np.testing.assert_array_equal(np.concatenate(by_block), sample)


def test_other_monitors_have_no_label() -> None:
    assert describe_monitor("val_aux_output_rmse") == "best val_aux_output_rmse"
    assert describe_monitor("val_main_output_loss") == "lowest validation loss"


@pytest.mark.parametrize(
    ("metric", "higher"),
    [
        ("val_loss", False), ("val_rmse", False), ("val_main_output_mae", False), ("ece", False),
        ("cross_entropy", False), ("val_accuracy", True), ("val_main_output_accuracy", True),
        ("f1_macro", True), ("r2", True), ("val_auc", True),
    ],
)  # fmt: skip
def test_whether_a_higher_value_is_better(metric: str, higher: bool) -> None:
    assert higher_is_better(metric) is higher
