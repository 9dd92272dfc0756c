"""Keras callbacks of a training."""

import threading
import time

import keras
import numpy as np

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import scaler_of
from fathom.artifacts.scalers import Scaler
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig
from fathom.settings.instantiate import make

BATCH_HOOKS = (
    "on_batch_begin", "on_batch_end",
    "on_train_batch_begin", "on_train_batch_end",
    "on_test_batch_begin", "on_test_batch_end",
)  # fmt: skip
UPWARDS = ("accuracy", "auc", "precision", "recall", "f1", "r2")


def direction(monitor: str) -> str:
    """Return "max" for what is better the higher it is, "min" for a loss or an error."""
    return "max" if any(word in monitor for word in UPWARDS) else "min"


def monitor_name(config: NetworkConfig, problem: Problem) -> str:
    """Return what the best epoch is told by."""
    by_task = {"regression": "val_rmse", "classification": "val_accuracy"}
    return by_task[problem.main.task] if config.train.monitor == "auto" else config.train.monitor


class Readable(keras.callbacks.Callback):
    """Turns what Keras logs into what readers expect.

    Errors of scaled regression targets go back to the target's own unit, and the metrics of the
    main output have the same names for networks with one output and with several. The losses
    stay as they are trained on. Must come first: the later callbacks, the history and the
    progress bar see what it leaves.
    """

    def __init__(self, problem: Problem, scalers: dict[str, Scaler]) -> None:
        super().__init__()
        self.problem, self.scalers = problem, scalers

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs is None:
            return
        readable = {}
        for key, value in logs.items():
            valid, name = (
                ("val_", key.removeprefix("val_")) if key.startswith("val_") else ("", key)
            )
            output = "aux_output" if name.startswith("aux_output_") else "main_output"
            metric = name.removeprefix(f"{output}_")
            if output == "main_output" and metric != "loss":
                name = metric
            unit = self.unit(output) if metric in ("rmse", "mae") else 1.0
            readable[valid + name] = value * unit
        logs.clear()
        logs.update(readable)

    def unit(self, output: str) -> float:
        """Return what 1 in an output's scaled target is in the target's own unit."""
        scaler = scaler_of(output, self.scalers)
        return 1.0 if scaler.scale is None else scaler.scale[0]


class Watch(keras.callbacks.Callback):
    """Ends a training that cannot come to anything, with the reason."""

    def __init__(self, config: NetworkConfig, monitor: str) -> None:
        super().__init__()
        self.config, self.monitor = config, monitor

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        logs = logs or {}
        if self.monitor not in logs:
            file, key = self.config.origins.of(("train", "monitor"))
            names = ", ".join(name for name in logs if name != "learning_rate")
            raise FathomError(
                f"{file}: {key}: {self.monitor!r} is not recorded; these are: {names}"
            )
        broken = [name for name, value in logs.items() if not np.isfinite(value)]
        if broken:
            raise DivergedError(
                f"training diverged: {broken[0]} is {logs[broken[0]]} in epoch {epoch + 1}; "
                "lower the learning rate or set train.optimizer.clipnorm"
            )


class LossRatio(keras.callbacks.Callback):
    """Records the validation loss over the training loss: far above 1, the net overfits."""

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if logs and logs.get("loss"):
            logs["loss_ratio"] = logs["val_loss"] / logs["loss"]


class DivergedError(FathomError):
    """The loss or a metric is no longer a number."""


class HaltedError(Exception):
    """Another run of the same network failed, or the user wants no more."""


class Halt(keras.callbacks.Callback):
    """Ends a training when `halted` is set."""

    def __init__(self, halted: threading.Event) -> None:
        super().__init__()
        self.halted = halted

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        if self.halted.is_set():
            raise HaltedError


class EpochLines(keras.callbacks.Callback):
    """Prints how far training is: a line an epoch, or a second if epochs are shorter."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        self.printed = self.started = time.perf_counter()

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.started = time.perf_counter()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        now = time.perf_counter()
        last = epoch + 1 == self.params["epochs"] or self.model.stop_training
        if now - self.printed < 1 and not last:
            return
        shown = "  ".join(
            f"{name} {value:.4g}"
            for name, value in (logs or {}).items()
            if "aux_output" not in name and not name.endswith("output_loss")
        )
        seconds = f"{now - self.started:.2g} s"
        place = f"seed {self.seed}  epoch {epoch + 1}/{self.params['epochs']}"
        print(f"{place}  {shown}  {seconds}\n", end="", flush=True)  # whole, from any thread
        self.printed = now


def early_stopping(config: NetworkConfig, problem: Problem) -> keras.callbacks.EarlyStopping:
    """Return the callback that knows the best epoch and can bring its weights back, even if it is
    not to stop training.
    """
    monitor, stopping = monitor_name(config, problem), config.train.early_stopping
    return keras.callbacks.EarlyStopping(
        monitor=monitor,
        mode=direction(monitor),
        patience=stopping.patience if stopping else config.train.epochs,
        min_delta=stopping.min_delta if stopping else 0.0,
        restore_best_weights=config.train.keep == "best",
    )


def callbacks(
    config: NetworkConfig,
    problem: Problem,
    scalers: dict[str, Scaler],
    stopping: keras.callbacks.EarlyStopping,
    seed: int,
    engine: str,
) -> list[keras.callbacks.Callback]:
    """Return the callbacks of a training in the order in which Keras is to call them.

    Raises:
        FathomError: one acts on batches, which only the engine `fit` announces.
    """
    settings = config.train
    chosen: list[keras.callbacks.Callback] = [
        Readable(problem, scalers),
        Watch(config, stopping.monitor),
        LossRatio(),
        stopping,
    ]
    if settings.tensorboard:
        logs = paths.logs(config.dataset.name, config.model.name) / paths.run(seed)
        chosen.append(keras.callbacks.TensorBoard(str(logs)))
    for name, target in settings.callbacks.items():
        if target is not None:
            callback = make(target, ("train", "callbacks", name), config.origins)
            if engine == "compiled" and acts_on_batches(callback):
                file, key = config.origins.of(("train", "callbacks", name))
                raise FathomError(
                    f"{file}: {key}: {type(callback).__name__} acts on batches, which a compiled "
                    "epoch does not announce; set train.engine to fit"
                )
            chosen.append(callback)
    return [*chosen, keras.callbacks.History()]


def acts_on_batches(callback: keras.callbacks.Callback) -> bool:
    """Tell whether a callback is to be called at batches, and not at epochs alone."""
    if isinstance(callback, keras.callbacks.ModelCheckpoint | keras.callbacks.BackupAndRestore):
        return bool(callback.save_freq != "epoch")
    if isinstance(callback, keras.callbacks.TensorBoard):
        return bool(callback.update_freq != "epoch")
    return any(
        getattr(getattr(callback, hook), "__func__", None)
        is not getattr(keras.callbacks.Callback, hook)
        for hook in BATCH_HOOKS
    )
