"""Folds: every run trains on all but one part of the training and validation rows together, and
selects its epoch on that part, which no other run selects on.

The predictions of each part by the run that did not train on it (out-of-fold predictions) are as
honest as those of validation rows, and all rows are trained on. The mean of the runs is the model
(cross-validation as an ensemble, Krogh & Vedelsby 1994, Neural Network Ensembles, Cross Validation
and Active Learning).

The stage `scale` fits encoder and scalers on the training set, which is in part held out here. They
do not change with the folds: they know the features of these rows, of the target only the scale.
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from fathom.artifacts.predictions import HELD_OUT
from fathom.artifacts.scaled_data import ScaledData, Subset, concatenate, read_subset, read_targets
from fathom.base.errors import FathomError
from fathom.messages import training as messages
from fathom.settings.config import NetworkConfig
from fathom.train.build import build
from fathom.train.feeds import MemoryFeed, make_feeds
from fathom.train.memory import memory_for_rows, memory_of_rows
from fathom.train.steps import folds_by_rows
from fathom.train.trainer import Trainer

SHARE_OF_MEMORY = 0.5  # of that for rows; what folds take must be far from what is read from disk

Rows = NDArray[np.integer[Any]]


def draw_folds(
    folds: int, rows: int, seed: int, classes: NDArray[Any] | None, groups: NDArray[Any] | None
) -> list[tuple[Rows, Rows]]:
    """Return the places of the training rows and of the other rows of each fold.

    Rows of one group are in one fold. Every fold has about the same share of each class, unless
    all classes have fewer rows than there are folds.

    Args:
        classes, groups: of each row, or None.

    Raises:
        FathomError: there are more folds than rows or groups.
    """
    units, name = (rows, "rows") if groups is None else (len(np.unique(groups)), "groups")
    if folds > units:
        raise FathomError(messages.too_many_folds(folds, units, name))
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


@dataclass(frozen=True)
class FoldData(ScaledData):
    """The rows of one run: "valid" is its fold of the training and the validation set, "train" the
    rest of both. `problem.rows` has the rows of the largest fold.
    """

    held_out: dict[str, Rows]
    fold: int

    def subset(self, name: str, rows: range | None = None) -> Subset:
        parts, first = [], 0
        for part, folds in self.held_out.items():
            places = np.flatnonzero((folds == self.fold) == (name == "valid"))
            if rows is not None:
                chosen = slice(max(rows.start - first, 0), max(rows.stop - first, 0))
                first, places = first + len(places), places[chosen]
            if len(places):
                parts.append(read_subset(self.problem, part, places))
        return concatenate(parts)

    def main_targets(self, name: str) -> NDArray[Any]:
        return self.subset(name).target("main_output")


@dataclass(frozen=True)
class Folds:
    """The folds of a training.

    Args:
        data: the whole training and validation set.
        of_runs: the rows of each run.
        held_out: the fold of each row, by subset.
    """

    data: ScaledData
    of_runs: list[FoldData]
    held_out: dict[str, Rows]

    def assign(self, trainer: Trainer, run: int) -> Trainer:
        """Return a trainer on the rows of a run, which predicts the whole sets."""
        train, valid = make_feeds(trainer.model, trainer.config, self.of_runs[run])
        if not (isinstance(train, MemoryFeed) and isinstance(valid, MemoryFeed)):
            raise trainer.config.origins.error(("train", "folds"), messages.FOLDS_ON_DISK)
        predictor = trainer.predictor.over(self.data)
        return replace(
            trainer, data=self.of_runs[run], train=train, valid=valid, predictor=predictor
        )


def make_folds(config: NetworkConfig, data: ScaledData) -> Folds | None:
    """Draw the folds of the training set and of the validation set, so that every run has rows of
    both.

    Returns:
        None without folds: `train.folds` is null, or it is "auto" and the rows are many or do not
        go with folds.

    Raises:
        FathomError: other settings or the network do not go with folds, or there are too few rows.
    """
    rows, setting = data.problem.rows, config.train.folds
    number = folds_by_rows(data.problem) if setting == "auto" else setting
    if number is None:
        return None
    try:
        check_folds(config, data, number)
        held_out = {name: fold_of_rows(config, data, name, number) for name in HELD_OUT}
    except FathomError as error:
        if setting == "auto":
            return None
        raise config.origins.error(("train", "folds"), str(error)) from error
    sizes = np.bincount(np.concatenate(list(held_out.values())))
    largest = {"train": int(sizes.sum() - sizes.min()), "valid": int(sizes.max())}
    problem = data.problem.model_copy(update={"rows": rows | largest})
    of_runs = [FoldData(problem, data.scalers, held_out, fold) for fold in range(number)]
    return Folds(data, of_runs, held_out)


def check_folds(config: NetworkConfig, data: ScaledData, folds: int) -> None:
    """Refuse folds that other settings, the memory or the network rule out."""
    settings = config.train
    if settings.repeats not in ("auto", 1) or (settings.folds == "auto" and settings.repeats == 1):
        raise FathomError(messages.FOLDS_AND_REPEATS)
    if settings.ensemble is False:
        raise FathomError(messages.FOLDS_ARE_AVERAGED)
    if settings.engine == "ray":
        raise FathomError(messages.FOLDS_ON_RAY)
    if not config.split.shuffle:
        raise FathomError(messages.FOLDS_IN_ORDER)
    if SHARE_OF_MEMORY * memory_for_rows(config) < memory_of_rows(data.problem):
        raise FathomError(messages.FOLDS_ON_DISK)
    if not getattr(build(config, data.problem), "inputs", None):
        raise FathomError(messages.unknown_inputs(config.model.target) + "null")


def fold_of_rows(config: NetworkConfig, data: ScaledData, name: str, folds: int) -> Rows:
    """Return the fold of each row of a subset."""
    targets, settings = read_targets(data.problem, name), config.split
    stratified = settings.stratify and data.problem.main.task == "classification"
    classes = targets["main_output"].to_numpy() if stratified else None
    groups = targets["group"].to_numpy() if "group" in targets else None
    numbers = np.zeros(len(targets), np.int32)
    try:
        drawn = draw_folds(folds, len(targets), settings.seed, classes, groups)
    except FathomError as error:
        raise FathomError(f"{error} in the set {name}") from error
    for fold, (_, places) in enumerate(drawn):
        numbers[places] = fold
    return numbers
