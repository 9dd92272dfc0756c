"""Reads the numbers of a column and fits their scaler; refuses numbers that are too large."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.columns import as_numbers, missing_advice
from fathom.artifacts.scalers import Scaler
from fathom.base.errors import FathomError
from fathom.settings.fields import Method

FLOAT32 = float(np.finfo(np.float32).max)  # networks take scaled numbers in float32


def read_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert a feature to float64, rounded to float32.

    Keras' `predict` rounds its inputs so. Features of the rounded numbers are therefore the same
    by every way into an exported model, also where they jump: at the edge of a bucket, say.

    Raises:
        FathomError: a value is no number, or too large for float32.
    """
    numbers = as_numbers(column)
    with np.errstate(over="ignore"):
        rounded = numbers.astype(np.float32).astype(np.float64)
    if np.isinf(rounded.to_numpy()).any():
        raise too_large(numbers)
    return rounded


def fit_scaler(method: Method, values: pd.Series[Any], clip: float | None = None) -> Scaler:
    """Fit a scaler to the training rows of a column without missing values.

    Raises:
        FathomError: a number is so large that the standard deviation, or the number when it is
            scaled, is infinite.
    """
    numbers = values.to_numpy()[:, None]
    with np.errstate(over="ignore", invalid="ignore"):
        scaler = Scaler.fit(method, numbers, [str(values.name)], clip)
        ends = scaler.transform(np.array([[numbers.min()], [numbers.max()]]))
        fits = bool((np.abs(ends) <= FLOAT32).all() and np.isfinite(scaler.scale or 0).all())
    if not fits:
        raise too_large(values)
    return scaler


def too_large(values: pd.Series[Any]) -> FathomError:
    """Return the error about the largest number of a column, by its absolute value."""
    row: Any = values.abs().idxmax()
    value = float(values[row])
    return FathomError(
        f"column {values.name!r} holds {value!r} in row {row}, which is too large to be scaled: "
        f"correct it, or {missing_advice(value)}"
    )
