"""Cross-validation of a search: folds of the training and validation rows."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sklearn.model_selection import TimeSeriesSplit

from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.settings.data_settings import SplitSettings
from fathom.split.split import Rows, read_groups, read_labels
from fathom.train.folds import draw_folds


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
        try:
            drawn = draw_folds(folds, len(rows), settings.seed, classes, groups)
        except FathomError as error:
            raise FathomError(f"search.cv: {error}") from error
    else:
        drawn = list(TimeSeriesSplit(folds).split(rows))
    for train, valid in drawn:
        yield {"train": rows[train], "valid": rows[valid], "test": subsets["test"]}
