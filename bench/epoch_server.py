"""A process that trains for `epochs.py`: it reads a prepared case from its working folder, trains
an epoch for each line that it receives, and answers with a line of JSON.
"""

import json
import pickle
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FILE = Path("case.pickle")
MIB = 2**20 if sys.platform == "darwin" else 2**10  # per unit of ru_maxrss


@dataclass(frozen=True)
class PreparedCase:
    """The settings of a training, its rows and its initial weights.

    Args:
        inputs: an array for each input, like `targets` for each output.
        weights: of the dense layers in their order: the kernel is `<layer>`, the bias, if there is
            one, `<layer>.bias`.
    """

    overrides: list[str]
    batch_size: int
    inputs: list[NDArray[Any]]
    targets: list[NDArray[Any]]
    weights: dict[str, NDArray[np.float32]]

    @property
    def kernels(self) -> dict[str, NDArray[np.float32]]:
        return {name: array for name, array in self.weights.items() if array.ndim == 2}

    @property
    def rows(self) -> int:
        return len(self.targets[0])

    def write(self) -> None:
        with FILE.open("wb") as file:
            pickle.dump(self, file, protocol=5)  # without copies of arrays

    @classmethod
    def read(cls) -> "PreparedCase":
        with FILE.open("rb") as file:
            return pickle.load(file)  # type: ignore[no-any-return] # noqa: S301


def serve_epochs(train_epoch: Callable[[], float]) -> None:
    """Train an epoch for each request; `train_epoch` returns the loss."""
    send_ready()
    while True:
        started = wait_for_request()
        send_epoch(started, train_epoch())


def send_ready() -> None:
    """Report that data and network are in memory."""
    print("{}", flush=True)


def wait_for_request() -> float:
    """Return the time of the next request, or end the process after the last one."""
    if not sys.stdin.readline():
        sys.exit()
    return time.perf_counter()


def send_epoch(started: float, loss: float, **engine: Any) -> None:
    seconds = time.perf_counter() - started
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(json.dumps({"seconds": seconds, "loss": loss, "memory": memory, **engine}), flush=True)
