"""One trial: a training, or one for each fold."""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fathom.search.trainer_pool import TrainerPool
from fathom.search.trial_data import Datasets, TrialData
from fathom.settings.config import NetworkConfig
from fathom.train.callbacks import DivergedError, direction, monitor_name
from fathom.train.runs import train_run
from fathom.train.trainer import Trainer

# Told a step (an epoch, or a fold, from 1) and the best value so far, says whether to go on.
Judge = Callable[[int, float], bool]


def goes_on(step: int, value: float) -> bool:
    """Judge that any trial is to go on."""
    return True


class HopelessError(Exception):
    """A trial was ended, since others promise more."""


@dataclass(frozen=True)
class Kept:
    """A network's weights, and what its main output predicts for the validation part."""

    weights: list[NDArray[Any]]
    valid: NDArray[Any]


@dataclass(frozen=True)
class Outcome:
    """What came out of a trial.

    `value` is what decides, of several folds their mean. `network` is what was trained; of folds
    there is none.
    """

    value: float
    network: Kept | None


class Report(keras.callbacks.Callback):
    """Has the best value so far judged at the end of every epoch."""

    def __init__(self, monitor: str, judge: Judge) -> None:
        super().__init__()
        self.monitor, self.judge = monitor, judge
        self.better = max if direction(monitor) == "max" else min
        self.best: float | None = None

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        value = (logs or {})[self.monitor]
        self.best = value if self.best is None else self.better(self.best, value)
        if not self.judge(epoch + 1, self.best):
            raise HopelessError


class Trials:
    """Carries trials out in this process, in any number of its threads.

    Args:
        cv: number of folds, or None for the validation part.
        trainers: the compiled models.
        halted: ends all trials when it is set.
    """

    def __init__(self, cv: int | None, trainers: TrainerPool, halted: threading.Event) -> None:
        self.cv, self.trainers, self.halted = cv, trainers, halted
        self.datasets, self.lock = Datasets(cv), threading.Lock()

    def data(self, config: NetworkConfig) -> list[TrialData]:
        with self.lock:
            return self.datasets.of(config)

    def carry_out(self, config: NetworkConfig, file: Path, judge: Judge) -> Outcome:
        """Train and tell what came out.

        Args:
            file: of checkpoints, from which a trial that was killed goes on.

        Raises:
            DivergedError: the loss is no longer a number.
            HopelessError: the judge wants no more of it.
            HaltedError: `halted` was set.
        """
        several = self.data(config)
        if self.cv is None:
            return self.one(config, several[0], file, judge)
        values: list[float] = []
        for fold, data in enumerate(several, start=1):
            with self.lease(config, data) as trainer:
                run, _ = train_run(trainer, config.seed, beside(file, fold), config, [])
            beside(file, fold).unlink(missing_ok=True)
            values.append(run.value)
            if not judge(fold, float(np.mean(values))) and fold < len(several):
                raise HopelessError
        return Outcome(float(np.mean(values)), None)

    def one(self, config: NetworkConfig, data: TrialData, file: Path, judge: Judge) -> Outcome:
        watching = Report(monitor_name(config, data.scaled.problem), judge)
        with self.lease(config, data) as trainer:
            try:
                run, _ = train_run(trainer, config.seed, file, config, [watching])
            except (HopelessError, DivergedError):
                file.unlink(missing_ok=True)
                raise
            weights = trainer.model.get_weights()
            valid = [block["main_output"] for block in trainer.predictor.predict("valid")]
        file.unlink(missing_ok=True)
        return Outcome(run.value, Kept(weights, np.concatenate(valid)))

    def test_predictions(
        self, config: NetworkConfig, weights: list[NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Return what a network with these weights predicts by output for the test part."""
        data = self.data(config)[0]
        with self.lease(config, data) as trainer:
            trainer.model.set_weights(weights)
            return trainer.predictor.predict_rows(data.test())

    def lease(self, config: NetworkConfig, data: TrialData) -> AbstractContextManager[Trainer]:
        return self.trainers.lease(config, data, self.halted)


def beside(file: Path, fold: int) -> Path:
    return file.with_name(f"{file.stem}-{fold}{file.suffix}")
