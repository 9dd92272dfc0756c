"""What all warnings share: their data, thresholds and format."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fathom.artifacts.checks import DataWarning, WarningKind

SHARE, LEAST = 0.01, 3  # a warning needs more than this share of a set, and this number of rows
NAMES = {"train": "training", "valid": "validation", "test": "test"}

Subsets = dict[str, pd.DataFrame]  # by name of the set; columns are float64 or categories


def make_warning(
    kind: WarningKind, columns: list[str], values: dict[str, Any], sentence: str
) -> DataWarning:
    rounded = {name: round(value, 4) for name, value in values.items()}
    return DataWarning(kind=kind, columns=columns, figures=rounded, sentence=sentence)


def are_few(rows: int, total: int) -> bool:
    return rows < LEAST or rows <= SHARE * total


def is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_float_dtype(column)
