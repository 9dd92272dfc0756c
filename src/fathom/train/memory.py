"""Memory for the rows of a training."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

import numpy as np

from fathom.artifacts.problem import Problem
from fathom.base import paths
from fathom.base.locks import only_process
from fathom.base.machine import GIB, machine_memory, memory_share
from fathom.settings.config import Config

TENSORFLOW_MEMORY = 1.25  # GiB that TensorFlow takes with a network and its programs
MIN_MEMORY = 0.1  # GiB for rows
# Peak memory of data as a multiple of its size: as a table (with columns that the network does not
# take), as arrays and as tensors. tests/test_memory.py measures it.
COPIES = 6
MANY_VALUES = 10_000_000  # in a training set on which a network is trained once


def memory_for_rows(config: Config) -> float:
    """Return how many GiB rows may take: `train.memory`, or what `memory_limit` leaves of it.

    Raises:
        FathomError: `memory_limit` leaves nothing.
    """
    if config.memory_limit == "auto":
        available = rest(machine_memory() / 2)
    else:
        available = config.memory_limit - TENSORFLOW_MEMORY
        if available < MIN_MEMORY:
            raise config.origins.error(
                ("memory_limit",),
                f"{config.memory_limit:g} GiB leaves no memory for training rows: TensorFlow takes "
                f"{TENSORFLOW_MEMORY} GiB; set it to 2 or more",
            )
    return min(config.train.memory, available)


def rest(memory: float) -> float:
    return max(memory - TENSORFLOW_MEMORY, MIN_MEMORY)


@contextmanager
def share_memory(config: Config, problem: Problem) -> Iterator[None]:
    """Train in the block on rows that may take more than this stage's share of the memory.

    `fathom repro` runs several stages at once. How many rows are in memory changes the order in
    which a network is trained on them, so it does not follow from the share. Instead, one training
    at a time takes more than its share; others wait for it.
    """
    share = memory_share()
    need = min(memory_of_rows(problem), memory_for_rows(config))
    small = share is None or need <= rest(share)
    work = "a training that takes more than its share of the memory"
    with nullcontext() if small else only_process(paths.lock("memory"), work, wait=True):
        yield


def memory_of_rows(problem: Problem) -> float:
    """Return how many GiB all copies of the training and validation rows take, about."""
    rows = problem.rows["train"] + problem.rows["valid"]
    return COPIES * 4 * rows * row_values(problem) / GIB


def has_many_values(problem: Problem) -> bool:
    """Tell whether a network trains once on a data set, since that takes long."""
    return problem.rows["train"] * row_values(problem) > MANY_VALUES


def row_values(problem: Problem) -> int:
    """Return how many values a row of features has."""
    shapes = [problem.shape_of(name) for name in ("features", "categories")]
    return sum(int(np.prod(shape)) for shape in shapes)
