"""Rows in memory and on disk: each once an epoch, in an order of seed and epoch."""

import itertools
from typing import Any

import numpy as np
import tensorflow as tf

from fathom.train.feeds import DiskFeed, MemoryFeed, cut, make_feed

ROWS, BATCH = 370, 32
RANDOM = np.random.default_rng(0)
TABLE = RANDOM.normal(size=(ROWS, 8)).astype(np.float32)
CODES = RANDOM.integers(0, 20, (ROWS, 3)).astype(np.int32)
NUMBER = TABLE[:, :1]
WEIGHT = RANDOM.uniform(0.2, 3, ROWS).astype(np.float32)
NUMBERS = {row.tobytes(): number for number, row in enumerate(TABLE)}  # of the table's rows


def reader(examples: Any) -> Any:
    def read(chosen: range | None) -> Any:
        part = slice(None) if chosen is None else slice(chosen.start, chosen.stop)
        return tf.nest.map_structure(lambda array: array[part], examples)

    return read


def row_numbers(feed: DiskFeed, seed: int, epoch: int) -> list[list[int]]:
    """Return the rows of each window of an epoch in their order, by their numbers."""
    return [
        [NUMBERS[row.tobytes()] for row in window.examples[0].numpy()[window.order[: window.rows]]]
        for window in feed.shuffled(seed, epoch)
    ]


def test_rows_on_disk_come_once_each_in_another_order_each_epoch() -> None:
    feed = DiskFeed(reader((TABLE, NUMBER)), ROWS, window_rows=96, alignment=8)
    first, again, other, seed = (
        row_numbers(feed, *key) for key in ((1, 0), (1, 0), (1, 1), (2, 0))
    )
    assert [len(window) for window in first] == [96, 96, 96, 82]
    for windows in (first, other, seed):
        assert sorted(itertools.chain(*windows)) == list(range(ROWS))
    assert first == again
    assert first not in (other, seed)
    assert sorted(first[0]) != list(range(96))  # from several places in the file


def test_rows_on_disk_keep_what_belongs_together() -> None:
    examples = ([CODES, TABLE], [NUMBER, NUMBER * 2], [WEIGHT, WEIGHT * 2])
    feed = DiskFeed(reader(examples), ROWS, window_rows=64, alignment=16)
    for window in (*feed.shuffled(3, 0), *feed.in_order()):
        arrays = [a.numpy()[window.order[: window.rows]] for a in tf.nest.flatten(window.examples)]
        numbers = [NUMBERS[row.tobytes()] for row in arrays[1]]
        for array, whole in zip(arrays, tf.nest.flatten(examples), strict=True):
            np.testing.assert_array_equal(array, whole[numbers])


def test_rows_stay_in_memory_if_they_fit() -> None:
    read, size = reader((TABLE, NUMBER)), 9 * 4 * ROWS / 2**30  # GiB
    assert isinstance(make_feed(read, ROWS, BATCH, 6.01 * size, 1), MemoryFeed)
    feed = make_feed(read, ROWS, BATCH, 5.99 * size, 1)
    assert isinstance(feed, DiskFeed)
    assert feed.window_rows % BATCH == 0
    assert 6 * feed.window_rows * 9 * 4 <= 5.99 * size * 2**30


def test_cut() -> None:
    blocks = [range(10, 15), range(5), range(20, 22)]
    assert cut(blocks, 0, 7) == [range(10, 15), range(2)]
    assert cut(blocks, 7, 7) == [range(2, 5), range(20, 22)]
    assert cut(blocks, 4, 2) == [range(14, 15), range(1)]
    assert cut(blocks, 5, 5) == [range(5)]
