"""Target encoding: the mean target of each value of a category that has many values.

The mean of few rows is shrunk toward that of all rows, by empirical Bayes (Micci-Barreca 2001, A
Preprocessing Scheme for High-Cardinality Categorical Attributes). A network must not find the
target of a training row in its features, so a training row gets means of the other folds' rows,
as by scikit-learn's `TargetEncoder.fit_transform`.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.keys import hash_keys
from fathom.artifacts.problem import Output
from fathom.artifacts.raw_table import Table, TableInMemory
from fathom.artifacts.scalers import Floats
from fathom.scale.column_encoders import Category, TargetMeans
from fathom.scale.encoder import Encoder
from fathom.scale.targets import encode_target

FOLDS = 5


def fit_target_means(
    categories: list[Category], table: Table, main: Output, fewest: int | None
) -> list[TargetMeans]:
    """Fit the means of all training rows for categories of at least `fewest` values.

    There are none if `fewest` is None, for more than two classes, which would need a mean for each,
    and for a table that is not in memory.
    """
    if fewest is None or main.units > 2 or not isinstance(table, TableInMemory):
        return []
    targets = training_targets(table, main)
    return [
        fit_means(category, training_codes(category, table), targets)
        for category in categories
        if len(category.known) >= fewest and category.column in table.types  # no part of a date
    ]


def fit_fold_encoders(
    encoder: Encoder, table: Table, main: Output, key: list[str] | None
) -> list[Encoder]:
    """Return the encoder of the training rows of each fold: the same, with means of the others.

    Args:
        key: the columns of `split.key`; rows with the same key are in one fold.

    Returns:
        No encoder if `encoder` has no means.
    """
    if not encoder.target_means or not isinstance(table, TableInMemory):
        return []
    encoded = [means.column for means in encoder.target_means]
    codes = {c.column: training_codes(c, table) for c in encoder.categories if c.column in encoded}
    targets = training_targets(table, main)
    folds = fold_of_rows(table.table.iloc[table.rows["train"]], key)

    def without(fold: int) -> list[TargetMeans]:
        others = folds != fold
        return [
            fit_means(category, codes[category.column][others], targets[others])
            for category in encoder.categories
            if category.column in codes
        ]

    return [encoder.model_copy(update={"target_means": without(fold)}) for fold in range(FOLDS)]


def fold_of_rows(rows: pd.DataFrame, key: list[str] | None) -> NDArray[np.int64]:
    """Return the fold of raw rows, by a hash of their key or of their number, the index."""
    numbers = rows.index.to_numpy(np.uint64)
    hashes = pd.util.hash_array(numbers) if key is None else hash_keys(rows[key])
    return (hashes % np.uint64(FOLDS)).astype(np.int64)


def fit_means(category: Category, codes: NDArray[np.int32], targets: Floats) -> TargetMeans:
    """Fit the mean of each code, rounded to float32 as all numbers that networks take."""
    from sklearn.preprocessing import TargetEncoder  # slow to import, and most stages fit none

    encoder = TargetEncoder(categories=[np.arange(category.codes)], target_type="continuous")
    encoder.fit(codes[:, None], targets)
    means = encoder.encodings_[0].astype(np.float32).tolist()
    return TargetMeans(column=category.column, means=means)


def training_means(means: TargetMeans, categories: list[Category], table: Table) -> pd.Series[Any]:
    """Return the feature that the means make of the training rows."""
    category = next(one for one in categories if one.column == means.column)
    return pd.Series(means.transform(training_codes(category, table)), name=means.name)


def training_codes(category: Category, table: Table) -> NDArray[np.int32]:
    return category.transform(table.training(table.column(category.column)))


def training_targets(table: TableInMemory, main: Output) -> Floats:
    """Return the targets of the training rows: numbers, or 1.0 for the second class."""
    column: pd.Series[Any] = table.training(table.column(main.column))
    return encode_target(column, main).astype(np.float64)
