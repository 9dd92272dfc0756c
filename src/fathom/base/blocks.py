"""Blocks of rows that fit into memory, and samples of rows that represent all."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 2**20  # in a block
MOST_VALUES = 2**23  # in a block, 64 MiB in float64


def blocks(rows: int, width: int = 1) -> Iterator[range]:
    """Yield ranges of row numbers, each small enough for memory; `width` counts a row's values."""
    size = rows_at_once(width)
    for start in range(0, rows, size):
        yield range(start, min(start + size, rows))


def rows_at_once(width: int = 1) -> int:
    """Return the number of rows in a block, for rows of `width` values."""
    return max(1, min(MOST_ROWS, MOST_VALUES // width))


def evenly_spaced(rows: int, most: int) -> NDArray[np.int64]:
    """Return at most `most` of the row numbers 0 … rows - 1, evenly spaced and in order."""
    count = min(rows, most)
    return np.arange(count, dtype=np.int64) * rows // max(count, 1)


def rows_in_block(chosen: NDArray[np.int64], block: range) -> NDArray[np.int64]:
    """Return those of the chosen row numbers, in order, that are in a block, from its start."""
    first, end = np.searchsorted(chosen, [block.start, block.stop])
    return chosen[first:end] - block.start
