"""Keras callbacks of a training."""

import shutil
import sys
import threading
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import higher_is_better
from fathom.artifacts.scaled_data import ScaledData, scaler_of
from fathom.artifacts.scalers import Scaler
from fathom.base.errors import FathomError
from fathom.base.files import write_text
from fathom.messages.training import NO_SWAP, epoch_line
from fathom.settings.config import NetworkConfig
from fathom.settings.instantiate import make
from fathom.train.steps import number_of_epochs

BATCH_HOOKS = (
    "on_batch_begin", "on_batch_end",
    "on_train_batch_begin", "on_train_batch_end",
    "on_test_batch_begin", "on_test_batch_end",
)  # fmt: skip
ERASE_LINE = "\x1b[K"  # to its end, on a terminal
TERMINAL_SECONDS = 0.2  # between two lines on a terminal
CURVE_SECONDS = 2.0  # between two writes of a learning curve


class DivergedError(FathomError):
    """The loss or a metric is no longer a number."""


class HaltedError(Exception):
    """Another run of the same network failed, or the user stopped the training."""


def monitor_name(config: NetworkConfig, problem: Problem) -> str:
    """Return the metric that selects the best epoch."""
    by_task = {"regression": "val_rmse", "classification": "val_accuracy"}
    return by_task[problem.main.task] if config.train.monitor == "auto" else config.train.monitor


def make_callbacks(
    config: NetworkConfig,
    data: ScaledData,
    stopping: keras.callbacks.EarlyStopping,
    logs: Path | None,
    engine: str,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a training in the order in which Keras calls them.

    Args:
        logs: the folder of TensorBoard's logs.

    Raises:
        FathomError: one acts on batches, but the engine is not `fit`; or swaps averaged weights.
    """
    settings = config.train
    callbacks: list[keras.callbacks.Callback] = [
        AveragedWeights(),
        Logs(config, data.scalers, stopping.monitor),
        stopping,
    ]
    if logs is not None:
        callbacks.append(keras.callbacks.TensorBoard(str(logs)))
    for name, factory in settings.callbacks.items():
        if factory is None:
            continue
        location = ("train", "callbacks", name)
        callback = make(factory, location, config.origins)
        if isinstance(callback, keras.callbacks.SwapEMAWeights):
            raise config.origins.error(location, NO_SWAP)
        if engine == "compiled" and acts_on_batches(callback):
            raise config.origins.error(
                location,
                f"{type(callback).__name__} acts on batches, but train.engine compiled calls "
                "callbacks only at epochs; set train.engine to fit",
            )
        callbacks.append(callback)
    return [*callbacks, keras.callbacks.History()]


def acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether Keras calls a callback at batches, not only at epochs."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint | keras.callbacks.BackupAndRestore):
        return bool(callback.save_freq != "epoch")
    if isinstance(callback, keras.callbacks.TensorBoard):
        return bool(callback.update_freq != "epoch")
    return any(
        getattr(getattr(callback, hook), "__func__", None)
        is not getattr(keras.callbacks.Callback, hook)
        for hook in BATCH_HOOKS
    )


def early_stopping(config: NetworkConfig, problem: Problem) -> keras.callbacks.EarlyStopping:
    """Return the callback that knows the best epoch and restores its weights.

    Without `train.early_stopping` it never stops the training.
    """
    monitor, stopping = monitor_name(config, problem), config.train.early_stopping
    epochs = number_of_epochs(config.train, problem.rows["train"])
    return keras.callbacks.EarlyStopping(
        monitor=monitor,
        mode="max" if higher_is_better(monitor) else "min",
        patience=stopping.patience if stopping else epochs,
        min_delta=stopping.min_delta if stopping else 0.0,
        restore_best_weights=config.train.keep == "best",
    )


class AveragedWeights(keras.callbacks.Callback):
    """Validates and keeps the moving average of the weights, if the optimizer has one (`use_ema`).

    The model has the average from the validation of an epoch to the beginning of the next one: all
    callbacks see it at the end of the epoch. `raw` has the weights that the next epoch trains.
    """

    def __init__(self) -> None:
        super().__init__()
        self.raw: list[NDArray[Any]] | None = None

    def on_test_begin(self, logs: dict[str, float] | None = None) -> None:
        if self.model.optimizer.use_ema:
            self.raw = copy_values(self.model.trainable_variables)
            self.assign(copy_values(self.model.optimizer._model_variables_moving_average))

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.raw is not None:
            self.assign(self.raw)
            self.raw = None

    def assign(self, values: list[NDArray[Any]]) -> None:
        for variable, value in zip(self.model.trainable_variables, values, strict=True):
            variable.assign(value)


def copy_values(variables: list[keras.Variable]) -> list[NDArray[Any]]:
    """Copy values: on JAX, two variables would share one buffer, which a step gives away."""
    return [np.array(variable.numpy()) for variable in variables]


class Logs(keras.callbacks.Callback):
    """Makes Keras' logs readable and checks them; must be the first callback.

    Errors of scaled regression targets are converted to the target's own unit. The metrics of the
    main output have the same names for networks with one output and with several. Losses stay in
    scaled units. `loss_ratio` is validation loss / training loss; far above 1, the network
    overfits.
    """

    def __init__(self, config: NetworkConfig, scalers: dict[str, Scaler], monitor: str) -> None:
        super().__init__()
        self.config, self.scalers, self.monitor = config, scalers, monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        assert logs is not None
        readable = dict(self.convert(key, value) for key, value in logs.items())
        if self.monitor not in readable:
            names = [name for name in readable if name != "learning_rate"]
            text = f"{self.monitor!r} is not recorded; these are: {', '.join(names)}"
            raise self.config.origins.error(("train", "monitor"), text)
        for name, value in readable.items():
            if not np.isfinite(value):
                raise DivergedError(
                    f"training diverged: {name} is {value} in epoch {epoch + 1}; lower the "
                    "learning rate or set train.optimizer.clipnorm"
                )
        loss = readable["loss"]  # 0 if no row has a weight or an error
        readable["loss_ratio"] = readable["val_loss"] / loss if loss else np.nan
        logs.clear()
        logs.update(readable)

    def convert(self, key: str, value: float) -> tuple[str, float]:
        """Return the readable name of a metric, and its value in the target's own unit."""
        prefix, name = ("val_", key[4:]) if key.startswith("val_") else ("", key)
        output = "aux_output" if name.startswith("aux_output_") else "main_output"
        metric = name.removeprefix(f"{output}_")
        if output == "main_output" and metric != "loss":
            name = metric
        scaler = scaler_of(output, self.scalers) if metric in ("rmse", "mae") else None
        unit = 1.0 if scaler is None or scaler.scale is None else scaler.scale[0]
        return prefix + name, value * unit


class Halt(keras.callbacks.Callback):
    """Ends a training when `halted` is set."""

    def __init__(self, halted: threading.Event) -> None:
        super().__init__()
        self.halted = halted

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.halted.is_set():
            raise HaltedError


class LiveCurve(keras.callbacks.Callback):
    """Writes the learning curve so far, which DVC's extension of VS Code draws anew."""

    def __init__(self, file: Path) -> None:
        super().__init__()
        self.file, self.written = file, 0.0

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if time.monotonic() - self.written >= CURVE_SECONDS:
            self.written = time.monotonic()
            write_curve(self.file, tabulate_history(self.model.history))


def write_curve(file: Path, history: pd.DataFrame) -> None:
    """Write the losses of each epoch as a file of DVC's plots."""
    write_text(file, history[["epoch", "loss", "val_loss"]].to_csv(index=False))


def tabulate_history(recorder: keras.callbacks.History) -> pd.DataFrame:
    """Return what Keras has recorded, a row an epoch."""
    history = pd.DataFrame(recorder.history)
    history.insert(0, "epoch", range(1, len(history) + 1))
    return history


class EpochLines(keras.callbacks.Callback):
    """Prints a line for every epoch, or every second if epochs are shorter.

    On a terminal each line takes the place of the one before.
    """

    def __init__(self, seed: int, monitor: str) -> None:
        super().__init__()
        self.seed, self.monitor = seed, monitor
        self.better = max if higher_is_better(monitor) else min

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.printed = self.started = self.began = time.perf_counter()
        self.epochs_here = 0
        self.on_terminal = sys.stdout.isatty()  # of a Ray worker, perhaps
        self.pause = TERMINAL_SECONDS if self.on_terminal else 1.0

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        now, epochs = time.perf_counter(), self.params["epochs"]
        self.epochs_here += 1
        last = epoch + 1 == epochs or self.model.stop_training
        if now - self.printed >= self.pause or last:
            pace = (now - self.began) / self.epochs_here
            left = None if last else (epochs - epoch - 1) * pace
            best = self.monitor, self.better(self.model.history.history[self.monitor])
            place = self.seed, epoch + 1, epochs
            line = epoch_line(place, logs or {}, now - self.started, best, left)
            self.print(line, last)
            self.printed = now

    def print(self, line: str, last: bool) -> None:
        """Print a line, whole from any thread."""
        if not self.on_terminal:
            print(f"{line}\n", end="", flush=True)
            return
        width = shutil.get_terminal_size().columns - 1
        end = "\n" if last else ""
        print(f"\r{ERASE_LINE}{line[:width]}{end}", end="", flush=True)
