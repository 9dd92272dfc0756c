"""One training of a network from one seed: begun, gone on with or found finished."""

from __future__ import annotations

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeAlias

import keras
import pandas as pd

from fathom.artifacts.model_file import save_model
from fathom.artifacts.predictions import write_predictions
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import atomic_write, read_json, write_json, write_text
from fathom.settings.config import NetworkConfig
from fathom.train import compiled_fit, keras_fit
from fathom.train.callbacks import EpochLines, Halt, callbacks, early_stopping
from fathom.train.checkpoint import Checkpoint
from fathom.train.trainer import Trainer

MODEL, RUN, HISTORY, PREDICTIONS = "model.keras", "run.json", "history.csv", "predictions"


@dataclass(frozen=True)
class Run:
    """How a training went; its epochs count from 1.

    `value` is what the best epoch is told by, in that epoch. `seconds` are those of all epochs
    that are in the result; `kills` counts how often it was killed and went on.
    """

    seed: int
    epochs: int
    best_epoch: int
    kept_epoch: int
    value: float
    seconds: float
    kills: int

    @property
    def name(self) -> str:
        """What its files are called by."""
        return paths.run(self.seed)


# Trains a model that stands where a seed has it begin.
TrainRun: TypeAlias = Callable[
    [Trainer, int, Path, NetworkConfig, list[keras.callbacks.Callback]], tuple[Run, pd.DataFrame]
]


def finish_runs(
    trainers: list[Trainer],
    seeds: list[int],
    folder: Path,
    config: NetworkConfig,
    train_run: TrainRun,
) -> list[Run]:
    """Train from each seed that `folder` has no finished run of, as many at once as there are
    trainers.
    """
    if len(trainers) == 1:
        return [finish_run(trainers[0], seed, folder, config, train_run) for seed in seeds]
    free: queue.SimpleQueue[Trainer] = queue.SimpleQueue()
    for trainer in trainers:
        free.put(trainer)

    def finish(seed: int) -> Run:
        trainer = free.get()
        try:
            return finish_run(trainer, seed, folder, config, train_run)
        finally:
            free.put(trainer)

    with ThreadPoolExecutor(len(trainers)) as pool:
        runs = [pool.submit(finish, seed) for seed in seeds]
        try:
            for run in as_completed(runs):
                run.result()
        except BaseException:
            trainers[0].halted.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return [run.result() for run in runs]


def finish_run(
    trainer: Trainer, seed: int, folder: Path, config: NetworkConfig, train_run: TrainRun
) -> Run:
    """Train from a seed, unless `folder` has the finished training already.

    Writes the model, its history, its predictions and what there is to know of the run to
    `folder/seed-<seed>`, and while it trains checkpoints beside it.
    """
    done = folder / paths.run(seed)
    if not done.exists():
        checkpoint = folder / f"{paths.run(seed)}.npz"
        trainer.begin(seed)
        run, history = train_run(trainer, seed, checkpoint, config, [EpochLines(seed)])
        with atomic_write(done) as beside:
            beside.mkdir()
            save_model(trainer.model, beside / MODEL)
            write_text(beside / HISTORY, history.to_csv(index=False))
            write_predictions(beside / PREDICTIONS, trainer.predictor.predict, trainer.data.problem)
            write_json(beside / RUN, asdict(run))
        checkpoint.unlink(missing_ok=True)
    return Run(**read_json(done / RUN, "train"))


def read_history(folder: Path) -> pd.DataFrame:
    """Read the history of a finished run."""
    return pd.read_csv(folder / HISTORY)


def train_run(
    trainer: Trainer,
    seed: int,
    file: Path | None,
    config: NetworkConfig,
    watchers: list[keras.callbacks.Callback],
) -> tuple[Run, pd.DataFrame]:
    """Train a model that stands where a seed has it begin, or go on from the checkpoint in `file`,
    if there is to be one.

    Args:
        watchers: callbacks that come last, and keep no state.
    """
    settings, model, problem = config.train, trainer.model, trainer.data.problem
    if settings.engine == "ray":
        origin, key = config.origins.of(("train", "engine"))
        raise FathomError(f"{origin}: {key}: ray is for the stage train alone; set it to fit")
    engine = "fit" if trainer.programs is None else "compiled"
    stopping = early_stopping(config, problem)
    watching = callbacks(config, problem, trainer.data.scalers, stopping, seed, engine)
    checkpoint = Checkpoint(file, settings.checkpoint, watching, stopping)
    start = checkpoint.restore(model, settings.epochs)
    if checkpoint.kills:
        print(f"seed {seed}  goes on from epoch {start[0] + 1}", flush=True)
    every = [Halt(trainer.halted), *watching, checkpoint, *watchers]
    if trainer.programs is None:
        keras_fit.fit(
            model,
            trainer.train,
            trainer.valid,
            batch_size=settings.batch_size,
            seed=seed,
            epochs=settings.epochs,
            callbacks=every,
            start=start[0],
        )
    else:
        compiled_fit.fit(
            model,
            trainer.programs,
            trainer.train,
            trainer.valid,
            seed=seed,
            epochs=settings.epochs,
            callbacks=every,
            start=start,
            paused=checkpoint.paused,
        )
    logged = next(c for c in watching if isinstance(c, keras.callbacks.History))
    history = pd.DataFrame(logged.history)
    history.insert(0, "epoch", range(1, len(history) + 1))
    best = stopping.best_epoch + 1
    kept = best if settings.keep == "best" else len(history)
    value = float(history[stopping.monitor][kept - 1])
    seconds = round(checkpoint.seconds, 3)
    return Run(seed, len(history), best, kept, value, seconds, checkpoint.kills), history
