"""From what scikit-learn's users pass to a table, as the data sets of the project are."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import validate_data

from fathom.artifacts.schema import RawSource, Schema
from fathom.base.errors import FathomError
from fathom.settings.fields import Task


def as_table(estimator: Any, rows: Any, fitting: bool) -> pd.DataFrame:
    """Return rows as a table with an index from 0.

    Sets `n_features_in_` and `feature_names_in_` of the estimator, or compares the rows with them.

    Args:
        rows: a pandas.DataFrame with columns of any kind, or an array of numbers of shape
            (rows, columns), in both of which values may be missing.

    Returns:
        A table whose columns have the names of the frame's, or else x0, x1, ….

    Raises:
        ValueError: there are none, or they have other columns than those that `fit` got.
    """
    if isinstance(rows, pd.DataFrame):
        validate_data(estimator, rows, reset=fitting, skip_check_array=True)
        if rows.empty:
            raise FathomError(f"X has no values: its shape is {rows.shape}")
        table = rows.reset_index(drop=True)
    else:
        numbers = validate_data(
            estimator, rows, reset=fitting, dtype=np.float64, ensure_all_finite="allow-nan"
        )
        table = pd.DataFrame(numbers)
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{column}" for column in range(estimator.n_features_in_)]
    table.columns = pd.Index(names)
    return table


def categorical(table: pd.DataFrame) -> list[str]:
    """Return the columns that pandas takes for categories, which may be numbers."""
    kinds = table.dtypes.items()
    return [str(name) for name, kind in kinds if isinstance(kind, pd.CategoricalDtype)]


def other_name(name: str, table: pd.DataFrame) -> str:
    """Return the name, with as many underscores behind it as no column of the table has."""
    while name in table.columns:
        name += "_"
    return name


def schema_of(name: str, task: Task, target: str, classes: list[str] | None, rows: int) -> Schema:
    """Describe rows in memory as a stage describes those of a file."""
    return Schema(
        name=name,
        kind="table",
        task=task,
        rows=rows,
        unlabelled=0,
        target=target,
        unit=None,
        classes=classes,
        columns=[],
        image_shape=None,
        test_rows=0,
        source=RawSource(origin="fit", sha256=""),
    )


def parts_of(
    rows: int, valid: float | None, seed: int, labels: NDArray[Any] | None
) -> dict[str, NDArray[np.int64]]:
    """Return which rows train, and which tell the best epoch.

    Args:
        rows: how many there are.
        valid: the share of the latter, None for none.
        seed: of the draw.
        labels: of shape (rows,); every class has its share in both parts if they are large enough.

    Raises:
        FathomError: the share is none, or leaves no row to train on.
    """
    every = np.arange(rows)
    if valid is None:
        return {"train": every, "valid": every[:0]}
    if not 0 < valid < 1:
        raise FathomError(
            f"validation_fraction: must be None or a fraction between 0 and 1, not {valid}"
        )
    held_out = math.ceil(valid * rows)
    if held_out >= rows:
        raise FathomError(
            f"validation_fraction: {valid} of {rows} samples leaves none to train on; set it to "
            "None"
        )
    if labels is not None:
        _, counts = np.unique(labels, return_counts=True)
        if counts.min() < 2 or len(counts) > min(held_out, rows - held_out):
            labels = None
    train, rest = train_test_split(every, test_size=held_out, random_state=seed, stratify=labels)
    return {"train": train, "valid": rest}
