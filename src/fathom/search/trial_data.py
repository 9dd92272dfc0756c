"""The rows of trials, scaled in memory as each trial's settings say."""

import json
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
    """The rows that one training of a trial gets; `feeds` are those made of them, by networks."""

    scaled: ScaledRows
    feeds: dict[str, list[Feed]] = field(default_factory=dict)

    def test(self) -> Subset:
        """Return the test set, which no trial reads."""
        return self.scaled.subset("test")


class Datasets:
    """Makes each set of rows once, however many trials use it."""

    def __init__(self, cv: int | None) -> None:
        self.cv = cv
        self.made: dict[str, list[TrialData]] = {}

    def of(self, config: DatasetConfig) -> list[TrialData]:
        """Return the rows by these settings: one set, or one for each fold."""
        sections = (config.dataset, config.split, config.scale)
        key = json.dumps([section.model_dump(mode="json") for section in sections])
        if key not in self.made:
            schema = Schema.read(config.dataset.name)
            self.made[key] = [
                TrialData(scale_in_memory(config, schema, rows))
                for rows in self.rows(config, schema)
            ]
        return self.made[key]

    def rows(self, config: DatasetConfig, schema: Schema) -> Iterator[dict[str, Rows]]:
        if schema.is_large:
            raise FathomError(
                f"{schema.name} has {schema.rows:,} rows, more than a search takes into memory: "
                "search with a part of them, as a data set of its own"
            )
        parts = subset_rows(schema, config.split)
        if self.cv is None:
            yield parts
        else:
            _, labels = read_labels(schema)
            yield from folds(parts, labels, self.cv, config)


def folds(
    parts: dict[str, Rows], labels: Labels | None, count: int, config: DatasetConfig
) -> Iterator[dict[str, Rows]]:
    """Return folds of the training and validation rows, the validation part of each another.

    Shuffled rows of classes are stratified as the split is. Of rows in order each fold learns from
    what lies before it.
    """
    rows = np.sort(np.concatenate([parts["train"], parts["valid"]]))
    settings = config.split
    splitter: Any
    if not settings.shuffle:
        splitter = TimeSeriesSplit(count)
    elif labels is not None and settings.stratify:
        splitter = StratifiedKFold(count, shuffle=True, random_state=settings.seed)
    else:
        splitter = KFold(count, shuffle=True, random_state=settings.seed)
    classes = None if labels is None else labels[rows]
    for train, valid in splitter.split(rows, classes):
        yield {"train": rows[train], "valid": rows[valid], "test": parts["test"]}
