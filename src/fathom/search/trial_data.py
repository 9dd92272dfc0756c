"""The rows of trials, scaled in memory by each trial's settings."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from sklearn.model_selection import KFold, StratifiedKFold, TimeSeriesSplit

from fathom.artifacts.scaled_data import ScaledRows, Subset
from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.scale.scale import scale_in_memory
from fathom.settings.config import DatasetConfig
from fathom.split.split import Labels, Rows, read_labels, subset_rows
from fathom.train.feeds import Feed


@dataclass
class TrialData:
    """The rows of one training; `feeds` has them as networks read them."""

    scaled: ScaledRows
    feeds: dict[str, list[Feed]] = field(default_factory=dict)

    def test(self) -> Subset:
        """Return the test set, which no trial reads."""
        return self.scaled.subset("test")


class TrialDatasets:
    """Scales each set of rows once, for all trials with the same data settings."""

    def __init__(self) -> None:
        self.cache: dict[str, list[TrialData]] = {}
        self.lock = threading.Lock()

    def get(self, config: DatasetConfig, folds: int | None) -> list[TrialData]:
        """Return the rows of the split, or those of each fold."""
        sections = (config.dataset, config.split, config.scale)
        key = json.dumps([folds, *(section.model_dump(mode="json") for section in sections)])
        with self.lock:
            if key not in self.cache:
                schema = Schema.read(config.dataset.name)
                self.cache[key] = [
                    TrialData(scale_in_memory(config, schema, rows))
                    for rows in read_rows(config, schema, folds)
                ]
            return self.cache[key]


def read_rows(config: DatasetConfig, schema: Schema, folds: int | None) -> list[dict[str, Rows]]:
    if schema.is_large:
        raise FathomError(
            f"{schema.name} has {schema.rows:,} rows, and a search keeps all rows in memory: "
            "search on a sample, as a data set of its own"
        )
    rows = subset_rows(schema, config.split)
    if folds is None:
        return [rows]
    _, labels = read_labels(schema)
    return list(split_folds(rows, labels, folds, config))


def split_folds(
    subsets: dict[str, Rows], labels: Labels | None, folds: int, config: DatasetConfig
) -> Iterator[dict[str, Rows]]:
    """Split the training and validation rows into folds, as `split` splits rows.

    Shuffled rows of classes are stratified. With rows in order, each fold trains on the rows
    before its validation rows.
    """
    rows = np.sort(np.concatenate([subsets["train"], subsets["valid"]]))
    settings = config.split
    splitter: Any
    if not settings.shuffle:
        splitter = TimeSeriesSplit(folds)
    elif labels is not None and settings.stratify:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=settings.seed)
    else:
        splitter = KFold(folds, shuffle=True, random_state=settings.seed)
    classes = None if labels is None else labels[rows]
    for train, valid in splitter.split(rows, classes):
        yield {"train": rows[train], "valid": rows[valid], "test": subsets["test"]}
