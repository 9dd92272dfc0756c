"""Numbers that float32, in which networks take them, does not tell apart."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.checks import DataWarning
from fathom.check.subsets import make_warning

FEW = 1000  # steps of float32 within the interquartile range


def precision(columns: Iterable[pd.Series[Any]], target: str) -> list[DataWarning]:
    """Warn of each feature whose values differ by little, compared with their size."""
    found = (find_coarse(values) for values in columns if values.name != target)
    return [warning for warning in found if warning is not None]


def find_coarse(values: pd.Series[Any]) -> DataWarning | None:
    with np.errstate(over="ignore"):
        rounded = values.to_numpy(np.float32)
    if (rounded == values).all() or np.isinf(rounded).any():
        return None
    low, high = np.quantile(values, (0.25, 0.75))
    step = float(np.spacing(np.abs(rounded).max()))
    if FEW * step <= high - low:
        return None
    name, base = str(values.name), float(values.min())
    sentence = (
        f"{name!r} has values from {base!r} on that networks take in steps of {step:g}, those of "
        "float32: subtract a number from the column, or declare a category or a date"
    )
    return make_warning("precision", [name], {"step": step}, sentence)
