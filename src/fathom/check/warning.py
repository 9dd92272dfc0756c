"""What all warnings have in common."""

from __future__ import annotations

from typing import Any

import pandas as pd

from fathom.artifacts.checks import DataWarning, WarningKind

SHARE, LEAST = 0.01, 3  # of a part's rows: up to this share, or fewer than this, are let pass
NAMES = {"train": "training", "valid": "validation", "test": "test"}
Parts = dict[str, pd.DataFrame]  # numbers are float64, and anything else is a category


def warned(
    kind: WarningKind, columns: list[str], figures: dict[str, Any], sentence: str
) -> DataWarning:
    rounded = {name: round(figure, 4) for name, figure in figures.items()}
    return DataWarning(kind=kind, columns=columns, figures=rounded, sentence=sentence)


def few(rows: int, total: int) -> bool:
    return rows < LEAST or rows <= SHARE * total


def is_number(column: pd.Series[Any]) -> bool:
    return pd.api.types.is_float_dtype(column)
