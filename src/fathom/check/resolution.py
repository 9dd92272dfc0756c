"""Numbers that networks cannot tell apart: beside one far from all others, or in float32."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.checks import DataWarning
from fathom.artifacts.columns import missing_advice
from fathom.artifacts.schema import Schema
from fathom.check.subsets import Subsets, is_number, make_warning

# Interquartile ranges from the median. Of a log-normal column with a sigma of 4 among 100,000 rows,
# or a Cauchy distribution among 250,000, the most extreme values are about as far away.
FAR = 1e6
FEW = 1000  # steps of float32 within the interquartile range
QUARTILES = (0.25, 0.75)


def numbers_in(subsets: Subsets, schema: Schema) -> Iterator[pd.Series[Any]]:
    """Yield the columns of numbers, without dates: the known values of all sets by row."""
    table = pd.concat(subsets.values()).sort_index()
    dates = [column.name for column in schema.columns if column.type.startswith("datetime")]
    for name in table.columns.difference(dates, sort=False):
        if is_number(table[name]):
            yield table[name].dropna()


def outliers(subsets: Subsets, schema: Schema) -> list[DataWarning]:
    """Warn of each column with a number that is very far from all others."""
    found = map(find_outlier, numbers_in(subsets, schema))
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


def precision(subsets: Subsets, schema: Schema) -> list[DataWarning]:
    """Warn of each feature whose values differ by little, compared with their size."""
    columns = numbers_in(subsets, schema)
    found = (find_coarse(values) for values in columns if values.name != schema.target)
    return [warning for warning in found if warning is not None]


def find_coarse(values: pd.Series[Any]) -> DataWarning | None:
    with np.errstate(over="ignore"):
        rounded = values.to_numpy(np.float32)
    if (rounded == values).all() or np.isinf(rounded).any():
        return None
    low, high = np.quantile(values, QUARTILES)
    step = float(np.spacing(np.abs(rounded).max()))
    if FEW * step <= high - low:
        return None
    name, base = str(values.name), float(values.min())
    sentence = (
        f"{name!r} has values from {base!r} on that networks take in steps of {step:g}, those of "
        "float32: subtract a number from the column, or declare a category or a date"
    )
    return make_warning("precision", [name], {"step": step}, sentence)
