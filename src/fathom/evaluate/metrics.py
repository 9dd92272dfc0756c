"""Metrics that accumulate over blocks of rows.

They equal scikit-learn's: bit for bit on a single block, up to rounding on several.
"""

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Output
from fathom.artifacts.scalers import Floats
from fathom.evaluate import calibration
from fathom.evaluate.calibration import SMALLEST, expected_calibration_error

Metrics = dict[str, float | None]


class RegressionMetrics:
    """`mse`, `rmse` and `mae` in the target's unit (`mse`: its square), and `r2`, which is None for
    a single row.
    """

    def __init__(self) -> None:
        self.rows = 0
        self.squared_errors = self.absolute_errors = 0.0
        self.mean = self.squared_deviations = 0.0  # of the targets

    def update(self, actual: NDArray[Any], predicted: Floats) -> None:
        errors = np.asarray(actual, np.float64) - predicted
        self.squared_errors += float(np.square(errors).sum())
        self.absolute_errors += float(np.abs(errors).sum())
        # Chan, Golub & LeVeque 1983, Algorithms for Computing the Sample Variance, (2.1).
        before, self.rows = self.rows, self.rows + len(actual)
        share = len(actual) / self.rows
        mean = float(np.mean(actual))
        shift = mean - self.mean
        self.squared_deviations += float(np.square(actual - mean).sum())
        self.squared_deviations += shift**2 * before * share
        self.mean += shift * share

    def result(self) -> Metrics:
        mse = self.squared_errors / self.rows
        r2: float | None = None
        if self.squared_deviations:
            r2 = 1 - self.squared_errors / self.squared_deviations
        elif self.rows > 1:  # constant targets, as in scikit-learn
            r2 = 1.0 if self.squared_errors == 0 else 0.0
        return {"mse": mse, "rmse": mse**0.5, "mae": self.absolute_errors / self.rows, "r2": r2}


class ClassificationMetrics:
    """`accuracy`, `cross_entropy` in nats, `f1_macro` and `ece`, the calibration error."""

    def __init__(self, classes: int) -> None:
        # Rows of each class, rows predicted as it, and rows predicted correctly.
        self.actual, self.predicted, self.correct = np.zeros((3, classes), np.int64)
        self.cross_entropy = 0.0
        self.bins = np.zeros((3, calibration.BINS))

    def update(self, actual: NDArray[Any], probabilities: Floats) -> None:
        classes = len(self.actual)
        predicted = probabilities.argmax(axis=1)
        correct = predicted == actual
        total = probabilities.sum(axis=1)  # only nearly 1 in float32
        of_actual = probabilities[np.arange(len(actual)), actual] / total
        self.cross_entropy += float(-np.log(np.clip(of_actual, SMALLEST, 1 - SMALLEST)).sum())
        self.bins += calibration.bin_sums(probabilities.max(axis=1) / total, correct)
        self.actual += np.bincount(actual, minlength=classes)
        self.predicted += np.bincount(predicted, minlength=classes)
        self.correct += np.bincount(predicted[correct], minlength=classes)

    def result(self) -> Metrics:
        rows = int(self.actual.sum())
        # A class that is neither present nor predicted has F1 = 0.
        f1 = 2 * self.correct / np.maximum(self.actual + self.predicted, 1)
        return {
            "accuracy": int(self.correct.sum()) / rows,
            "cross_entropy": self.cross_entropy / rows,
            "f1_macro": float(f1.mean()),
            "ece": expected_calibration_error(calibration.bin_means(self.bins)),
        }


def metrics_for(output: Output) -> RegressionMetrics | ClassificationMetrics:
    if output.task == "regression":
        return RegressionMetrics()
    return ClassificationMetrics(output.units)


def compute_metrics(output: Output, actual: NDArray[np.generic], predicted: Floats) -> Metrics:
    """Return the metrics of predictions in memory.

    Args:
        output: what the network predicts.
        actual: of shape (rows,): in the target's unit, or class numbers.
        predicted: of shape (rows,) in the target's unit, or probabilities (rows, classes).
    """
    metrics = metrics_for(output)
    metrics.update(actual, predicted)
    return metrics.result()


def prediction_table(
    output: Output, rows: NDArray[np.int64], actual: NDArray[np.generic], predicted: Floats
) -> pd.DataFrame:
    """Return a table with `row` (its number in the raw data), `actual` and `predicted` (in the
    target's unit, or names of classes), and `probability_<class>` for each class.
    """
    if output.classes is None:
        return pd.DataFrame({"row": rows, "actual": actual, "predicted": predicted})
    names = pd.array(output.classes, dtype="str")
    labels, chosen = names.take(np.asarray(actual)), names.take(predicted.argmax(axis=1))
    table = pd.DataFrame({"row": rows, "actual": labels, "predicted": chosen})
    probabilities = pd.DataFrame(predicted, columns=[f"probability_{name}" for name in names])
    return pd.concat([table, probabilities], axis=1)
