"""Numbers so far from all others that scaling makes one value of these."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.checks import DataWarning
from fathom.artifacts.columns import missing_advice
from fathom.check.subsets import make_warning

# Interquartile ranges from the median. Of a log-normal column with a sigma of 4 among 100,000 rows,
# or a Cauchy distribution among 250,000, the most extreme values are about as far away.
FAR = 1e6
QUARTILES = (0.25, 0.75)


def outliers(columns: Iterable[pd.Series[Any]]) -> list[DataWarning]:
    """Warn of each column with a number that is very far from all others."""
    found = map(find_outlier, columns)
    return [warning for warning in found if warning is not None]


def find_outlier(values: pd.Series[Any]) -> DataWarning | None:
    """Return a warning of the value that is farthest from the median.

    If more than half of the values are equal, the interquartile range is that of the others.
    """
    numbers = values.to_numpy() / 8  # differences of the largest numbers would be infinite
    if not len(numbers):
        return None
    median = np.median(numbers)
    low, high = np.quantile(numbers, QUARTILES)
    if low == high and (numbers != median).any():
        low, high = np.quantile(numbers[numbers != median], QUARTILES)
    distances = np.abs(numbers - median)
    with np.errstate(over="ignore"):
        count = int((distances > FAR * (high - low)).sum())
    if low == high or not count:
        return None
    place = int(distances.argmax())
    name, value, row = str(values.name), float(values.iloc[place]), int(values.index[place])
    rows = f"row {row} (and so far in {count:,} rows)" if count > 1 else f"row {row}"
    sentence = (
        f"{name!r} is {value!r} in {rows}, more than {FAR:,.0f} interquartile ranges from the "
        "median: beside it, the scaled values of other rows hardly differ; correct it, or "
        f"{missing_advice(value)}"
    )
    return make_warning("outlier", [name], {"rows": count, "row": row}, sentence)
