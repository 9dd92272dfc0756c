"""Folds of the training and validation rows, for the cross-validation of a search."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    StratifiedGroupKFold,
    StratifiedKFold,
    TimeSeriesSplit,
)

from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.settings.data_settings import SplitSettings
from fathom.split.split import Rows, read_keys, read_labels


def split_folds(
    subsets: dict[str, Rows], schema: Schema, folds: int, settings: SplitSettings
) -> Iterator[dict[str, Rows]]:
    """Split the training and validation rows into folds, as `split` splits rows.

    Shuffled rows of classes are stratified, and those with the same key are in one fold. With rows
    in order, each fold trains on the rows before its validation rows.

    Raises:
        FathomError: there are more folds than rows or keys.
    """
    rows = np.sort(np.concatenate([subsets["train"], subsets["valid"]]))
    if settings.shuffle:
        _, labels = read_labels(schema)
        classes = None if labels is None or not settings.stratify else labels[rows]
        groups = None if settings.key is None else read_groups(schema, settings.key)[rows]
        drawn = draw_folds(folds, len(rows), settings.seed, classes, groups)
    else:
        drawn = list(TimeSeriesSplit(folds).split(rows))
    for train, valid in drawn:
        yield {"train": rows[train], "valid": rows[valid], "test": subsets["test"]}


def read_groups(schema: Schema, key: list[str]) -> NDArray[np.uint64]:
    """Return the hash of the key of each row, 0 for rows without a target."""
    groups = np.zeros(schema.rows, np.uint64)
    for rows, hashes in read_keys(schema, key):
        groups[rows] = hashes
    return groups


def draw_folds(
    folds: int, rows: int, seed: int, classes: NDArray[Any] | None, groups: NDArray[Any] | None
) -> list[tuple[Rows, Rows]]:
    """Return the places of the training rows and of the other rows of each fold.

    Rows of one group are in one fold. Every fold has about the same share of each class, unless
    all classes have fewer rows than there are folds.

    Args:
        classes, groups: of each row, or None.
    """
    units, name = (rows, "rows") if groups is None else (len(np.unique(groups)), "groups")
    if folds > units:
        raise FathomError(f"search.cv: {folds} folds need as many {name}, but there are {units}")
    if classes is not None and np.unique(classes, return_counts=True)[1].max() < folds:
        classes = None
    shuffled: dict[str, Any] = {"n_splits": folds, "shuffle": True, "random_state": seed}
    splitter: Any
    if groups is None:
        splitter = KFold(**shuffled) if classes is None else StratifiedKFold(**shuffled)
    elif classes is None:
        splitter = GroupKFold(folds)  # balances the number of rows; the groups are hashes
    else:
        splitter = StratifiedGroupKFold(**shuffled)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", UserWarning)  # a class with fewer rows than folds
        return list(splitter.split(np.zeros(rows), classes, groups))
