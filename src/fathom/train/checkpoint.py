"""Checkpoints, from which a killed training resumes as if it had never been killed."""

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fathom.base.files import atomic_write

Arrays = dict[str, np.ndarray]

MIN_SECONDS = 1.0  # between two checkpoints, even if every epoch is a new best one
ARRAY = "__array__"  # the key of an array's name in JSON


class Checkpoint(keras.callbacks.Callback):
    """Writes checkpoints and restores the last one.

    A checkpoint holds the variables of the model (with the states of its random layers), of its
    optimizer and, within an epoch, of its metrics; the epoch and step to resume at; and those
    attributes of other callbacks that are numbers, texts, arrays, or lists and dictionaries of
    these. The order of the rows follows from seed and epoch.

    Args:
        file: replaced when a new checkpoint is complete; None: no checkpoints.
        seconds: between two checkpoints; None: no checkpoints. A new best epoch is written sooner.
        callbacks: their state is in the checkpoint. They must come before this one.
        stopping: the callback that knows the best epoch.
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
        self.states: list[dict[str, Any]] = []  # of the callbacks, to restore
        self.seconds_before, self.kills = 0.0, 0
        self.began = self.last_write = time.perf_counter()

    @property
    def seconds(self) -> float:
        """How long the training took, without what kills lost."""
        return self.seconds_before + time.perf_counter() - self.began

    def restore(self, model: keras.Model, epochs: int) -> tuple[int, int]:
        """Restore the last checkpoint of a model, if there is one.

        Callbacks are restored when training begins, which resets them.

        Returns:
            The epoch and the step to resume at; `epochs` if training had ended.
        """
        if self.file is None or not self.file.exists():
            return 0, 0
        with np.load(self.file) as arrays:
            state = json.loads(str(arrays["state"]))
            assign_arrays(model, arrays, metrics=state["step"] > 0)
            self.states = [
                {name: unpack(text, arrays) for name, text in attributes.items()}
                for attributes in state["callbacks"]
            ]
        self.seconds_before, self.kills = state["seconds"], state["kills"] + 1
        return (epochs, 0) if state["stopped"] else (state["epoch"], state["step"])

    def on_train_begin(self, logs: dict[str, float] | None = None) -> None:
        for callback, attributes in zip(self.callbacks, self.states, strict=False):
            vars(callback).update(attributes)

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        self.write_if_due(epoch + 1, 0, best=self.stopping.best_epoch == epoch)

    def write_if_due(self, epoch: int, step: int, best: bool = False) -> None:
        if self.interval is None or self.file is None:
            return
        seconds = time.perf_counter() - self.last_write
        if seconds >= (min(self.interval, MIN_SECONDS) if best else self.interval):
            self.write(self.file, epoch, step)
            self.last_write = time.perf_counter()

    def write(self, file: Path, epoch: int, step: int) -> None:
        arrays: dict[str, Any] = get_arrays(self.model, metrics=step > 0)
        state = {
            "epoch": epoch,
            "step": step,
            "stopped": bool(self.model.stop_training),
            "seconds": self.seconds,
            "kills": self.kills,
            "callbacks": [pack_attributes(callback, arrays) for callback in self.callbacks],
        }
        with atomic_write(file) as temporary:
            np.savez(temporary, state=np.array(json.dumps(state)), **arrays)


def trained_variables(model: keras.Model, metrics: bool) -> dict[str, keras.Variable]:
    """Return all that training changes in a compiled model; metrics change within an epoch."""
    kinds = {"model": model.variables, "optimizer": model.optimizer.variables}
    if metrics:
        kinds["metric"] = model.metrics_variables
    return {
        f"{kind} {number}": variable
        for kind, variables in kinds.items()
        for number, variable in enumerate(variables)
    }


def get_arrays(model: keras.Model, metrics: bool = False) -> Arrays:
    """Return the values of all that training changes in a compiled model."""
    return {name: variable.numpy() for name, variable in trained_variables(model, metrics).items()}


def assign_arrays(
    model: keras.Model, arrays: Mapping[str, np.ndarray], metrics: bool = False
) -> None:
    """Assign the values of another model of this shape, on any of Keras' backends."""
    for name, variable in trained_variables(model, metrics).items():
        variable.assign(arrays[name])


def pack_attributes(callback: keras.callbacks.Callback, arrays: Arrays) -> dict[str, str]:
    """Return those attributes of a callback that JSON and arrays can hold."""
    packed = {}
    for name, value in vars(callback).items():
        if name == "min_delta":  # Keras negates it at the first epoch of a process
            continue
        try:
            packed[name] = pack(value, arrays)
        except (TypeError, ValueError):  # the model, functions, open files: made anew
            continue
    return packed


def pack(value: Any, arrays: Arrays) -> str:
    """Return a value as JSON; its arrays go to `arrays`, and their names into the JSON.

    Raises:
        TypeError: the value is or holds something that JSON and arrays cannot hold.
    """
    keys = list(value) if isinstance(value, dict) else []
    if isinstance(value, tuple) or not all(isinstance(key, str) for key in keys):
        raise TypeError(type(value))

    def pack_array(array: Any) -> dict[str, str]:
        if not isinstance(array, np.generic | np.ndarray):
            raise TypeError(type(array))
        name = f"array {len(arrays)}"
        arrays[name] = np.asarray(array)
        return {ARRAY: name}

    return json.dumps(value, default=pack_array)


def unpack(text: str, arrays: Mapping[str, np.ndarray]) -> Any:
    """Return the value that `pack` turned into `text`."""

    def unpack_array(tree: dict[str, Any]) -> Any:
        return arrays[tree[ARRAY]][()] if ARRAY in tree else tree

    return json.loads(text, object_hook=unpack_array)
