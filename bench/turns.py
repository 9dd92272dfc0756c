"""How contenders take turns: a line asks one for an epoch, a line of JSON answers.

Each is a process of its own, and idle while another one trains.
"""

import json
import resource
import sys
import time
from collections.abc import Callable
from typing import Any

MIB = 2**20 if sys.platform == "darwin" else 2**10  # in what ru_maxrss counts


def take_turns(epoch: Callable[[], float]) -> None:
    """Train epochs, each of which returns its loss, as long as one is asked for."""
    ready()
    while True:
        began = wait()
        answer(began, epoch())


def ready() -> None:
    """Say that data and network are there."""
    print("{}", flush=True)


def wait() -> float:
    """Return when an epoch was asked for, or end the process."""
    if not sys.stdin.readline():
        sys.exit()
    return time.perf_counter()


def answer(began: float, loss: float, **facts: Any) -> None:
    seconds = time.perf_counter() - began
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB
    print(json.dumps({"seconds": seconds, "loss": loss, "memory": memory, **facts}), flush=True)
