"""Rows of a part that are in memory at a time, and those that stand for all."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 2**20  # at a time
MOST_VALUES = 2**23  # and values, 64 MiB in float64


def blocks(rows: int, width: int = 1) -> Iterator[range]:
    """Return one range of row numbers after another, of so few rows that they fit into memory.

    Args:
        rows: how many there are.
        width: values in a row.
    """
    at_once = rows_at_once(width)
    for start in range(0, rows, at_once):
        yield range(start, min(start + at_once, rows))


def rows_at_once(width: int = 1) -> int:
    """Return how many rows of so many values are in memory at a time."""
    return max(1, min(MOST_ROWS, MOST_VALUES // width))


def evenly_spaced(rows: int, most: int) -> NDArray[np.int64]:
    """Return the numbers of at most so many rows, as far from one another as can be, in order."""
    count = min(rows, most)
    return np.arange(count, dtype=np.int64) * rows // max(count, 1)


def rows_in_block(chosen: NDArray[np.int64], block: range) -> NDArray[np.int64]:
    """Return which rows of a block are among the chosen ones, counted from its start.

    Args:
        chosen: row numbers, in order.
    """
    first, end = np.searchsorted(chosen, [block.start, block.stop])
    return chosen[first:end] - block.start
