"""Figures of merit of rows that come block by block, of which none is kept.

They are those of scikit-learn: of a single block to the last bit, of several up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.problem import Output
from fathom.artifacts.scalers import Floats
from fathom.evaluate.calibration import (
    BINS,
    SMALLEST,
    bin_means,
    bin_sums,
    expected_calibration_error,
)

Scores = dict[str, float | None]


@dataclass
class Errors:
    """Sums over predicted numbers: of the errors' `squares` and `sizes`, and of the squared
    `deviations` of the truth from its `mean`.
    """

    rows: int = 0
    squares: float = 0.0
    sizes: float = 0.0
    mean: float = 0.0
    deviations: float = 0.0

    def add(self, actual: NDArray[Any], predicted: Floats) -> None:
        """Add rows: the truth and predictions, both of shape (rows,), in the target's unit."""
        errors = np.asarray(actual, np.float64) - predicted
        self.squares += float(np.square(errors).sum())
        self.sizes += float(np.abs(errors).sum())
        # Chan, Golub & LeVeque 1983, Algorithms for Computing the Sample Variance, (2.1).
        before, rows = self.rows, self.rows + len(actual)
        mean = float(np.mean(actual))
        apart = mean - self.mean
        self.deviations += float(np.square(actual - mean).sum())
        self.deviations += apart**2 * before * (len(actual) / rows)
        self.mean += apart * (len(actual) / rows)
        self.rows = rows

    def scores(self) -> Scores:
        """Return `mse`, `rmse`, `mae` (in the target's unit, squared for `mse`) and `r2` (None for
        a single row).
        """
        mse = self.squares / self.rows
        return {"mse": mse, "rmse": mse**0.5, "mae": self.sizes / self.rows, "r2": self.r2()}

    def r2(self) -> float | None:
        if self.rows < 2:
            return None
        if self.deviations == 0:  # as scikit-learn has it
            return 1.0 if self.squares == 0 else 0.0
        return 1 - self.squares / self.deviations


@dataclass
class Choices:
    """Sums over probabilities of so many classes: how many rows of each class there are (`true`),
    were put into it (`chosen`), and rightly (`right`); the `surprise` at the truth in nats; and
    what `bin_sums` returns.
    """

    classes: int
    true: NDArray[np.int64] = field(init=False)
    chosen: NDArray[np.int64] = field(init=False)
    right: NDArray[np.int64] = field(init=False)
    surprise: float = 0.0
    bins: Floats = field(init=False)

    def __post_init__(self) -> None:
        self.true, self.chosen, self.right = np.zeros((3, self.classes), np.int64)
        self.bins = np.zeros((3, BINS))

    def add(self, actual: NDArray[Any], predicted: Floats) -> None:
        """Add rows: numbers of classes, of shape (rows,), and probabilities, of shape
        (rows, classes).
        """
        chosen = predicted.argmax(axis=1)
        right = chosen == actual
        # In float32 probabilities add up to 1 only nearly.
        total = predicted.sum(axis=1)
        of_truth = predicted[np.arange(len(actual)), actual] / total
        self.surprise += float(-np.log(np.clip(of_truth, SMALLEST, 1 - SMALLEST)).sum())
        self.bins += bin_sums(predicted.max(axis=1) / total, right)
        self.true += np.bincount(actual, minlength=self.classes)
        self.chosen += np.bincount(chosen, minlength=self.classes)
        self.right += np.bincount(chosen[right], minlength=self.classes)

    def scores(self) -> Scores:
        """Return `accuracy`, `cross_entropy` (in nats), `f1_macro` and `ece`, the expected
        calibration error.
        """
        rows = int(self.true.sum())
        # A class that neither is there nor was chosen counts as one that is never found.
        f1 = 2 * self.right / np.maximum(self.true + self.chosen, 1)
        return {
            "accuracy": int(self.right.sum()) / rows,
            "cross_entropy": self.surprise / rows,
            "f1_macro": float(f1.mean()),
            "ece": expected_calibration_error(bin_means(self.bins)),
        }


def tally(output: Output) -> Errors | Choices:
    """Return what is to take the rows of an output."""
    return Errors() if output.task == "regression" else Choices(output.units)
