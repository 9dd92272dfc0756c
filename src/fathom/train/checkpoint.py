"""What a killed training needs to go on as if nothing had been: kept in a file, now and then."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fathom.base.files import atomic_write

Arrays = dict[str, np.ndarray]

LEAST_SECONDS = 1.0  # between two checkpoints, however fast the best epochs follow one another


class NotPlainError(TypeError):
    """A value is neither plain nor an array."""


class Checkpoint(keras.callbacks.Callback):
    """Writes checkpoints and brings back the last one.

    A checkpoint holds the variables of the model (the state of its random layers among them), of
    its optimiser and in mid-epoch of its metrics, the epoch and the step to go on from, and what
    other callbacks keep in attributes: numbers, texts, arrays, and lists and dictionaries of
    these. The order of the rows follows from the seed and the epoch.

    Args:
        file: where to; it takes the place of the one before when it is complete. None: none is
            written.
        seconds: between two; None for none at all. A new best epoch is kept sooner.
        callbacks: those whose state is kept. They must come before this one.
        stopping: the one of them that knows the best epoch.
    """

    def __init__(
        self,
        file: Path | None,
        seconds: float | None,
        callbacks: list[keras.callbacks.Callback],
        stopping: keras.callbacks.EarlyStopping,
    ) -> None:
        super().__init__()
        self.file, self.interval = file, seconds
        self.callbacks, self.stopping = callbacks, stopping
        self.start = (0, 0)
        self.restored: list[dict[str, Any]] = []
        self.seconds_before, self.kills = 0.0, 0
        self.began = self.written = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the training took, without what was lost when it was killed."""
        return self.seconds_before + time.perf_counter() - self.began

    def restore(self, model: keras.Model, epochs: int) -> tuple[int, int]:
        """Bring a model back to the last checkpoint, if there is one.

        The callbacks follow when training begins, which resets them.

        Returns:
            The epoch and the step in it to go on from; `epochs` if training had come to its end.
        """
        if self.file is None or not self.file.exists():
            return self.start
        with np.load(self.file) as arrays:
            state = json.loads(str(arrays["state"]))
            put_into(model, arrays, metrics=state["step"] > 0)
            self.restored = [unpack(packed, arrays) for packed in state["callbacks"]]
        self.seconds_before, self.kills = state["seconds"], state["kills"] + 1
        self.start = (epochs, 0) if state["stopped"] else (state["epoch"], state["step"])
        return self.start

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        for callback, attributes in zip(self.callbacks, self.restored, strict=False):
            vars(callback).update(attributes)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.write_if_due(epoch + 1, 0, best=self.stopping.best_epoch == epoch)

    def paused(self, epoch: int, step: int) -> None:
        """Write a checkpoint in the middle of an epoch if it is time for one."""
        self.write_if_due(epoch, step, best=False)

    def write_if_due(self, epoch: int, step: int, best: bool) -> None:
        if self.interval is None or self.file is None:
            return
        since = time.perf_counter() - self.written
        if since >= min(self.interval, LEAST_SECONDS) if best else since >= self.interval:
            self.write(epoch, step)
            self.written = time.perf_counter()

    def write(self, epoch: int, step: int) -> None:
        assert self.file is not None
        arrays: dict[str, Any] = arrays_of(self.model, metrics=step > 0)
        state = {
            "epoch": epoch,
            "step": step,
            "stopped": bool(self.model.stop_training),
            "seconds": self.seconds,
            "kills": self.kills,
            "callbacks": [attributes(callback, arrays) for callback in self.callbacks],
        }
        with atomic_write(self.file) as beside:
            np.savez(beside, state=np.array(json.dumps(state)), **arrays)


def variables(model: keras.Model, metrics: bool) -> dict[str, keras.Variable]:
    """Return all that training changes in a compiled model, of metrics only in mid-epoch."""
    kinds = {"model": model.variables, "optimizer": model.optimizer.variables}
    if metrics:
        kinds["metric"] = model.metrics_variables
    return {
        f"{kind} {at}": variable for kind, of in kinds.items() for at, variable in enumerate(of)
    }


def arrays_of(model: keras.Model, metrics: bool = False) -> Arrays:
    """Return the values of all that training changes in a compiled model."""
    return {name: variable.numpy() for name, variable in variables(model, metrics).items()}


def put_into(model: keras.Model, arrays: Mapping[str, np.ndarray], metrics: bool = False) -> None:
    """Bring a model to where another one of its shape stood, on any of Keras' backends."""
    for name, variable in variables(model, metrics).items():
        variable.assign(arrays[name])


def attributes(callback: keras.callbacks.Callback, arrays: Arrays) -> dict[str, Any]:
    """Return what is plain in a callback's attributes; arrays go to `arrays`."""
    kept = {}
    for name, value in vars(callback).items():
        if name == "min_delta":  # which Keras negates at the first epoch that a process sees
            continue
        try:
            kept[name] = pack(value, arrays)
        except NotPlainError:  # the model, functions, open files: made anew
            continue
    return {"dict": kept}


def pack(value: Any, arrays: Arrays) -> Any:
    """Return a value as JSON can hold it, with arrays by their names in `arrays`."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, np.generic | np.ndarray):
        name = f"array {len(arrays)}"
        arrays[name] = np.asarray(value)
        return {"array": name}
    if isinstance(value, list):
        return {"list": [pack(item, arrays) for item in value]}
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return {"dict": {key: pack(item, arrays) for key, item in value.items()}}
    raise NotPlainError


def unpack(packed: Any, arrays: Any) -> Any:
    """Return what `pack` was given."""
    if not isinstance(packed, dict):
        return packed
    ((kind, content),) = packed.items()
    if kind == "array":
        return arrays[content][()]
    if kind == "list":
        return [unpack(item, arrays) for item in content]
    return {key: unpack(item, arrays) for key, item in content.items()}
