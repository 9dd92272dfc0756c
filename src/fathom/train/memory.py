"""How much memory the rows of a training may take."""

import os
from pathlib import Path

from fathom.base.errors import FathomError
from fathom.settings.config import Config

GIB = 2**30
TENSORFLOW = 1.25  # GiB that it takes by itself, with a network and its programs
LEAST = 0.1  # GiB for rows
CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")  # of a container


def for_rows(config: Config) -> float:
    """Return how many GiB rows may take: `train.memory`, or what `memory_limit` leaves of it.

    Raises:
        FathomError: it leaves nothing.
    """
    if config.memory_limit == "auto":
        return min(config.train.memory, max(machine() / 2 - TENSORFLOW, LEAST))
    left = config.memory_limit - TENSORFLOW
    if left < LEAST:
        file, key = config.origins.of(("memory_limit",))
        raise FathomError(
            f"{file}: {key}: {config.memory_limit:g} GiB leave none for the rows of a training, "
            f"since TensorFlow takes {TENSORFLOW} by itself; set it to 2 or more"
        )
    return min(config.train.memory, left)


def machine() -> float:
    """Return how many GiB this machine has, or this container may take of it."""
    every = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    allowed = CONTROL_GROUP.read_text() if CONTROL_GROUP.is_file() else "max"
    return (every if allowed.strip() == "max" else min(every, int(allowed))) / GIB
