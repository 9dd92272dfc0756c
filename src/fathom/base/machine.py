"""Cores and memory that a process may use of this machine."""

import os
import re
from pathlib import Path

from fathom.base.errors import FathomError

CORES = "FATHOM_CORES"  # `fathom repro` sets it for each stage
MEMORY = "FATHOM_MEMORY"  # GiB, likewise
CONTROL_GROUP = Path("/sys/fs/cgroup/memory.max")  # of a container
GIB = 2**30


def cores() -> int:
    """Return how many cores to use: `FATHOM_CORES`, or all that this process may use.

    Raises:
        FathomError: `FATHOM_CORES` is not a number from 1.
    """
    allowed = os.environ.get(CORES)
    if allowed is not None:
        if not allowed.isdecimal() or int(allowed) < 1:
            raise FathomError(f"{CORES}={allowed}: must be a number of cores, 1 or more")
        return int(allowed)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def memory_share() -> float | None:
    """Return `FATHOM_MEMORY`, this process's share of the memory in GiB; None if it is not set.

    Raises:
        FathomError: `FATHOM_MEMORY` is not a number above 0.
    """
    share = os.environ.get(MEMORY)
    if share is None:
        return None
    if not re.fullmatch(r"\d+(\.\d+)?", share) or not float(share):
        raise FathomError(f"{MEMORY}={share}: must be a number of GiB above 0")
    return float(share)


def machine_memory() -> float:
    """Return how many GiB this machine has, or this container may use of it."""
    total = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    limit = CONTROL_GROUP.read_text() if CONTROL_GROUP.is_file() else "max"
    return (total if limit.strip() == "max" else min(total, int(limit))) / GIB
