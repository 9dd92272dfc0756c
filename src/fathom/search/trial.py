"""One trial: its rows, a training or one training per fold, and the engine that runs it."""

import json
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from sklearn.model_selection import TimeSeriesSplit

from fathom.artifacts.ranking import higher_is_better
from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.base.files import atomic_write
from fathom.base.machine import GIB, cores
from fathom.scale.scale import scale_in_memory
from fathom.search.trainer_pool import TrainerPool, TrialData
from fathom.settings.config import DatasetConfig, NetworkConfig, SearchConfig
from fathom.settings.data_settings import SplitSettings
from fathom.split.split import Rows, read_groups, read_labels, subset_rows
from fathom.train.callbacks import DivergedError, monitor_name
from fathom.train.folds import draw_folds
from fathom.train.memory import COPIES, memory_for_rows, row_values
from fathom.train.runs import train_run

# Takes a step (an epoch or a fold, from 1) and the best value so far; returns whether to go on.
Judge = Callable[[int, float], bool]


class PrunedError(Exception):
    """The pruner ended a trial."""


@dataclass(frozen=True)
class TrialNetwork:
    """The weights of a trial's network, and what its main output predicts on the validation set."""

    weights: list[NDArray[Any]]
    valid: NDArray[Any]

    def write(self, file: Path) -> None:
        arrays = {f"weights_{index}": array for index, array in enumerate(self.weights)}
        with atomic_write(file) as temporary:
            np.savez(temporary, allow_pickle=False, valid=self.valid, **arrays)

    @classmethod
    def read(cls, file: Path) -> Self:
        with np.load(file) as arrays:
            weights = [arrays[f"weights_{index}"] for index in range(len(arrays.files) - 1)]
            return cls(weights, arrays["valid"])


@dataclass(frozen=True)
class Outcome:
    """The metric that ranks trials, with folds their mean, and the network, None with folds."""

    value: float
    network: TrialNetwork | None


class JudgeEpochs(keras.callbacks.Callback):
    """Ends a training at an epoch from which the judge does not go on."""

    def __init__(self, monitor: str, judge: Judge) -> None:
        super().__init__()
        self.monitor, self.judge = monitor, judge
        self.better = max if higher_is_better(monitor) else min

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        # Keras' history, which a resumed training continues.
        if not self.judge(epoch + 1, self.better(self.model.history.history[self.monitor])):
            raise PrunedError


class TrialDatasets:
    """Scales sets of rows for trials with the same data settings. Those that were used last stay in
    memory, as many as `train.memory` holds.
    """

    def __init__(self) -> None:
        self.cache: dict[str, list[TrialData]] = {}
        self.lock = threading.Lock()

    def get(self, config: DatasetConfig, folds: int | None) -> list[TrialData]:
        """Return the rows of the split, or those of each fold."""
        sections = (config.dataset, config.split, config.scale)
        key = json.dumps([folds, *(section.model_dump(mode="json") for section in sections)])
        with self.lock:
            data = self.cache.pop(key, None)
            if data is None:
                schema = Schema.read(config.dataset.name)
                rows = read_rows(config, schema, folds)
                data = [TrialData(scale_in_memory(config, schema, of_fold)) for of_fold in rows]
            self.cache[key] = data
            for oldest in list(self.cache)[: -capacity(config, data)]:
                del self.cache[oldest]
            return data


def capacity(config: DatasetConfig, data: list[TrialData]) -> int:
    """Return how many data sets of this size the memory for rows holds, at least one."""
    problems = [of_fold.scaled.problem for of_fold in data]
    values = sum(sum(problem.rows.values()) * row_values(problem) for problem in problems)
    return max(int(memory_for_rows(config) * GIB / (COPIES * 4 * values)), 1)


def read_rows(config: DatasetConfig, schema: Schema, folds: int | None) -> list[dict[str, Rows]]:
    if schema.is_large:
        raise FathomError(
            f"{schema.name} has {schema.rows:,} rows, and a search keeps all rows in memory: "
            "search on a sample, as a data set of its own"
        )
    rows = subset_rows(schema, config.split)
    if folds is None:
        return [rows]
    return list(split_folds(rows, schema, folds, config.split))


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


class ThreadEngine:
    """Runs trials in the threads that call it."""

    def __init__(self, config: SearchConfig, pool: TrainerPool) -> None:
        self.config, self.pool = config, pool
        self.datasets, self.halted = TrialDatasets(), threading.Event()

    @property
    def at_once(self) -> int:
        """The number of trials at the same time: small networks train fastest on a core each."""
        if self.config.search.at_once != "auto":
            return self.config.search.at_once
        compiled = self.config.train.engine == "compiled"
        return cores() if compiled and not tf.config.get_visible_devices("GPU") else 1

    def run_trial(self, config: NetworkConfig, file: Path, judge: Judge | None) -> Outcome:
        """Train, from the checkpoint `file` of a killed trial if there is one.

        Raises:
            DivergedError: the loss is not finite.
            PrunedError: the judge ended the trial.
            HaltedError: `halt` was called.
        """
        folds = self.config.search.cv
        if folds is None:
            return self.train(config, self.data(config), file, judge)
        values: list[float] = []
        for fold, data in enumerate(self.datasets.get(config, folds), start=1):
            checkpoint = file.with_name(f"{file.stem}-{fold}{file.suffix}")
            values.append(self.train(config, data, checkpoint).value)
            if judge and not judge(fold, float(np.mean(values))) and fold < folds:
                raise PrunedError
        return Outcome(float(np.mean(values)), None)

    def train(
        self, config: NetworkConfig, data: TrialData, file: Path, judge: Judge | None = None
    ) -> Outcome:
        watchers = [JudgeEpochs(monitor_name(config, data.scaled.problem), judge)] if judge else []
        with self.pool.lease(config, data, self.halted) as trainer:
            try:
                run, _ = train_run(trainer, config.seed, file, watchers)
            except (PrunedError, DivergedError):
                file.unlink(missing_ok=True)
                raise
            weights = trainer.model.get_weights()
            valid = [block["main_output"] for block in trainer.predictor.predict("valid")]
        file.unlink(missing_ok=True)
        return Outcome(run.value, TrialNetwork(weights, np.concatenate(valid)))

    def predict_test(self, config: NetworkConfig, weights: list[NDArray[Any]]) -> NDArray[Any]:
        """Return what the main output of a network with these weights predicts on the test set."""
        data = self.data(config)
        with self.pool.lease(config, data, self.halted) as trainer:
            trainer.model.set_weights(weights)
            return np.asarray(trainer.predictor.predict_rows(data.test())["main_output"])

    def data(self, config: NetworkConfig) -> TrialData:
        return self.datasets.get(config, None)[0]

    def halt(self) -> None:
        self.halted.set()
