"""From the arguments of `fit` and `predict` to a table; the validation split."""

import math
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split
from sklearn.utils.validation import validate_data

from fathom.artifacts.schema import RawSource, Schema
from fathom.base.errors import FathomError
from fathom.sklearn.parameters import DATASET


def to_table(estimator: Any, rows: Any, fitting: bool) -> pd.DataFrame:
    """Return rows as a table with an index from 0, columns named as in the frame or x0, x1, ….

    Sets the estimator's `n_features_in_` and `feature_names_in_`, or checks the rows against them.
    """
    if isinstance(rows, pd.DataFrame):
        validate_data(estimator, rows, reset=fitting, skip_check_array=True)
        if rows.empty:
            raise FathomError(f"X has no values: its shape is {rows.shape}")
        table = rows.reset_index(drop=True)
    else:
        options: Any = {"dtype": np.float64, "ensure_all_finite": "allow-nan"}
        table = pd.DataFrame(validate_data(estimator, rows, reset=fitting, **options))
    names = getattr(estimator, "feature_names_in_", None)
    if names is None:
        names = [f"x{column}" for column in range(estimator.n_features_in_)]
    table.columns = pd.Index(names)
    return table


def add_column(table: pd.DataFrame, name: str, values: NDArray[Any]) -> str:
    """Add a column to the table; return its name, with underscores if the name is taken."""
    while name in table.columns:
        name += "_"
    table[name] = values
    return name


def split_rows(
    rows: int, validation_fraction: float | None, seed: int, labels: NDArray[Any] | None
) -> dict[str, NDArray[np.int64]]:
    """Return the row numbers of the training and the validation set, stratified by labels where
    both sets are large enough. With the fraction None, the validation set is empty.
    """
    numbers = np.arange(rows)
    if validation_fraction is None:
        return {"train": numbers, "valid": numbers[:0]}
    if not 0 < validation_fraction < 1:
        raise FathomError(
            "validation_fraction: must be None or a fraction between 0 and 1, not "
            f"{validation_fraction}"
        )
    count = math.ceil(validation_fraction * rows)
    if count >= rows:
        raise FathomError(
            f"validation_fraction: {validation_fraction} of {rows} samples leaves none to train "
            "on; set it to None"
        )
    if labels is not None:
        _, sizes = np.unique(labels, return_counts=True)
        if sizes.min() < 2 or len(sizes) > min(count, rows - count):
            labels = None
    train, valid = train_test_split(numbers, test_size=count, random_state=seed, stratify=labels)
    return {"train": train, "valid": valid}


def make_schema(task: Any, rows: int, target: str, classes: list[str] | None) -> Schema:
    return Schema(
        name=DATASET,
        kind="table",
        task=task,
        rows=rows,
        target=target,
        classes=classes,
        source=RawSource(origin="fit", sha256=""),
    )
