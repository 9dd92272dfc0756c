"""One training of a network from one seed: new, resumed, or finished before."""

import queue
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import keras
import pandas as pd

from fathom.artifacts.model_file import save_model
from fathom.artifacts.predictions import write_predictions
from fathom.base import paths
from fathom.base.files import atomic_write, read_json, remove, write_json, write_text
from fathom.messages.training import RAY_HERE
from fathom.models.augmentation import without_augmentation
from fathom.settings.config import NetworkConfig
from fathom.train import compiled_fit, keras_fit
from fathom.train.callbacks import (
    EpochLines,
    Halt,
    LiveCurve,
    early_stopping,
    make_callbacks,
    monitor_name,
    tabulate_history,
)
from fathom.train.checkpoint import Checkpoint
from fathom.train.steps import batch_size, number_of_epochs
from fathom.train.trainer import Trainer

MODEL, RUN, HISTORY, PREDICTIONS = "model.keras", "run.json", "history.csv", "predictions"


@dataclass(frozen=True)
class Run:
    """The outcome of a training; epochs count from 1.

    `value` is the monitored metric in the epoch whose weights are kept. `seconds` does not count
    epochs that a kill lost; `kills` is how often the training was killed and resumed.
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
        """The name of the run's files."""
        return paths.run(self.seed)

    @property
    def outcome(self) -> dict[str, Any]:
        """All but what the run took, which differs between trainings with the same bits."""
        return {key: v for key, v in asdict(self).items() if key not in ("seconds", "kills")}


# Trains a model that has the first weights of its seed: `train_run`, here or in `ray.driver`.
Callbacks: TypeAlias = list[keras.callbacks.Callback]
TrainRun: TypeAlias = Callable[[Trainer, int, Path, Callbacks], tuple[Run, pd.DataFrame]]


def finish_runs(
    trainers: list[Trainer], seeds: list[int], finish_seed: Callable[[Trainer, int], Run]
) -> list[Run]:
    """Return the run of each seed, as many at once as there are trainers."""
    if len(trainers) == 1:
        return [finish_seed(trainers[0], seed) for seed in seeds]
    free: queue.SimpleQueue[Trainer] = queue.SimpleQueue()
    for trainer in trainers:
        free.put(trainer)

    def finish(seed: int) -> Run:
        trainer = free.get()
        try:
            return finish_seed(trainer, seed)
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


def finish_run(trainer: Trainer, seed: int, folder: Path, train_run: TrainRun) -> Run:
    """Train from a seed, unless `folder` holds the finished run.

    Writes model, history, predictions and the run itself to `folder/seed-<seed>`, and checkpoints
    to `folder/seed-<seed>.npz` while it trains.
    """
    finished = folder / paths.run(seed)
    if not finished.exists():
        checkpoint = folder / f"{paths.run(seed)}.npz"
        trainer.reset(seed)
        monitor = monitor_name(trainer.config, trainer.data.problem)
        curves = paths.plots("curves", trainer.config.dataset.name, trainer.config.model.name)
        live = [EpochLines(seed, monitor), LiveCurve(curves / f"{paths.run(seed)}.csv")]
        run, history = train_run(trainer, seed, checkpoint, live)
        with atomic_write(finished) as temporary:
            temporary.mkdir()
            save_model(without_augmentation(trainer.model), temporary / MODEL)
            write_text(temporary / HISTORY, history.to_csv(index=False))
            write_predictions(
                temporary / PREDICTIONS, trainer.predictor.predict, trainer.predictor.problem
            )
            write_json(temporary / RUN, asdict(run))
        checkpoint.unlink(missing_ok=True)
    return Run(**read_json(finished / RUN, "train"))


def log_folder(config: NetworkConfig, file: Path | None) -> Path | None:
    """Return TensorBoard's folder of the training with this checkpoint, a run of its own there."""
    if file is None or not config.train.tensorboard:
        return None
    return paths.logs(config.dataset.name, config.model.name) / file.parent.name / file.stem


def read_history(folder: Path) -> pd.DataFrame:
    """Read the history of a finished run."""
    return pd.read_csv(folder / HISTORY)


def train_run(
    trainer: Trainer, seed: int, file: Path | None, extra_callbacks: Callbacks
) -> tuple[Run, pd.DataFrame]:
    """Train a model that has the first weights of its seed, or resume from a checkpoint.

    Args:
        file: of checkpoints; None: neither reads nor writes one.
        extra_callbacks: called last; checkpoints do not hold their state.

    Returns:
        The run and its history, a row an epoch.
    """
    config, settings, model = trainer.config, trainer.config.train, trainer.model
    if settings.engine == "ray":
        raise config.origins.error(("train", "engine"), RAY_HERE)
    engine = "fit" if trainer.programs is None else "compiled"
    stopping = early_stopping(config, trainer.data.problem)
    logs = log_folder(config, file)
    callbacks = make_callbacks(config, trainer.data, stopping, logs, engine)
    checkpoint = Checkpoint(file, settings.checkpoint, callbacks, stopping)
    rows = trainer.data.problem.rows["train"]
    epochs = number_of_epochs(settings, rows)
    epoch, step = checkpoint.restore(model, epochs)
    if logs is not None and not checkpoint.kills:
        remove(logs)  # of the same training, made before or killed before a checkpoint
    if checkpoint.kills:
        print(f"seed {seed}  resumes at epoch {epoch + 1}", flush=True)
    arguments: dict[str, Any] = {
        "seed": seed,
        "epochs": epochs,
        "callbacks": [Halt(trainer.halted), *callbacks, checkpoint, *extra_callbacks],
    }
    feeds = trainer.train, trainer.valid
    if trainer.programs is None:
        size = batch_size(settings, rows)
        keras_fit.fit(model, *feeds, batch_size=size, start=epoch, **arguments)
    else:
        start = epoch, step
        compiled_fit.fit(
            model, trainer.programs, *feeds, start=start, checkpoint=checkpoint, **arguments
        )
    recorder = next(c for c in callbacks if isinstance(c, keras.callbacks.History))
    history = tabulate_history(recorder)
    best = stopping.best_epoch + 1
    kept = best if settings.keep == "best" else len(history)
    value = float(history[stopping.monitor][kept - 1])
    seconds = round(checkpoint.seconds, 3)
    return Run(seed, len(history), best, kept, value, seconds, checkpoint.kills), history
