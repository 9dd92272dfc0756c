"""Where rows come from: tensors that stay in memory, or windows read from disk as they are needed.

A window holds rows that are trained on together; those of one epoch hold every row once. What
lies in memory is one window. From disk comes one window after the other: blocks of rows that
follow one another in the file are drawn in random order, laid end to end and cut into windows,
and the rows of a window are shuffled. The order depends on seed and epoch alone, so that a
training can go on from any window.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData, Subset, scaler_of
from fathom.artifacts.scalers import Scaler
from fathom.base.files import ROW_GROUP
from fathom.models.names import input_names, output_names, unwrap
from fathom.settings.config import NetworkConfig
from fathom.train.build import loss

# Inputs, targets and, if rows do not weigh alike, weights: each an array for a network with one
# input or output, a list for one with several; the first axis of every array are the rows.
Examples = tuple[Any, ...]


def make_reader(
    model: keras.Model,
    part: str,
    data: ScaledData,
    config: NetworkConfig,
    class_weights: dict[str, float] | None,
) -> Callable[[range | None], Examples]:
    """Return a function that reads rows of a part, or all, as examples for a network."""

    def read(rows: range | None) -> Examples:
        found = data.subset(part, rows)
        inputs = unwrap(found.inputs(input_names(model), data.problem))
        wanted = targets(model, found, data.problem, data.scalers, config)
        weights = sample_weights(model, found, data.problem, class_weights)
        return (inputs, wanted) if weights is None else (inputs, wanted, weights)

    return read


def targets(
    model: keras.Model,
    part: Subset,
    problem: Problem,
    scalers: dict[str, Scaler],
    config: NetworkConfig,
) -> Any:
    """Return what the network is to predict: scaled numbers, numbers of classes, or one-hot
    rows for a loss that is not a sparse one.
    """
    wanted = []
    for name in output_names(model):
        output, values = problem.output(name), part.target(name)
        if output.task == "regression":
            scaled = scaler_of(name, scalers).transform(values[:, None])
            wanted.append(scaled.astype(np.float32))
        elif loss(output, problem, config).startswith("sparse_"):
            wanted.append(values)
        else:
            wanted.append(np.eye(output.units, dtype=np.float32)[values])
    return unwrap(wanted)


def sample_weights(
    model: keras.Model, part: Subset, problem: Problem, class_weights: dict[str, float] | None
) -> Any:
    """Return each row's weight in the loss, for every output, or None where all are alike.

    Args:
        class_weights: of the main target's classes; None for a part that does not train.
    """
    if part.weights is None and not class_weights:
        return None
    weights = []
    for name in output_names(model):
        weight = np.ones(len(part.rows)) if part.weights is None else part.weights
        output = problem.output(name)
        if class_weights and output.column == problem.main.column:
            assert output.classes is not None
            by_class = np.array([class_weights.get(label, 1.0) for label in output.classes])
            weight = weight * by_class[part.target(name)]
        weights.append(weight.astype(np.float32))
    return unwrap(weights)


Read = Callable[[range | None], Examples]


# Times its size that data takes at its peak: as a table (with columns that the network does not
# take), as arrays and as tensors. tests/test_memory.py measures both.
COPIES = 6


WINDOWS = 6  # in memory at once: trained on, waiting, being read, with copies of the latter


BLOCKS = 16  # that a window is put together from, at least


GIB = 2**30


@dataclass(frozen=True)
class Window:
    """Rows as tensors; the first `rows` of `order` are their places in a random order."""

    examples: Examples
    order: tf.Tensor
    rows: int


class Feed(Protocol):
    """The rows of a part: how many, how many of them a window holds, one of them, the windows."""

    rows: int
    window_rows: int
    sample: Examples

    def shuffled(self, seed: int, epoch: int, first: int = 0) -> Iterator[Window]:
        """Return an epoch's windows from the one with the number `first`."""

    def in_order(self, first: int = 0) -> Iterator[Window]:
        """Return windows of rows as they come, from the one with the number `first`."""


class MemoryFeed:
    """All rows as tensors."""

    def __init__(self, examples: Examples) -> None:
        self.examples = tf.nest.map_structure(tf.constant, examples)
        self.rows = self.window_rows = len(tf.nest.flatten(examples)[0])
        self.sample = tf.nest.map_structure(lambda array: array[:1], examples)

    def shuffled(self, seed: int, epoch: int, first: int = 0) -> Iterator[Window]:
        yield Window(self.examples, tf.constant(permutation(self.rows, seed, epoch)), self.rows)

    def in_order(self, first: int = 0) -> Iterator[Window]:
        yield Window(self.examples, tf.range(self.rows), self.rows)


class DiskFeed:
    """Rows on disk, of which a few windows are in memory.

    Args:
        read: returns rows that follow one another.
        rows: how many there are.
        window_rows: how many rows a window has; the last may have fewer, and is filled up.
        alignment: rows that the file holds together; a block is at least as large.
    """

    def __init__(self, read: Read, rows: int, window_rows: int, alignment: int) -> None:
        self.read, self.rows, self.window_rows = read, rows, window_rows
        size = max(alignment, window_rows // BLOCKS // alignment * alignment)
        self.blocks = [range(at, min(at + size, rows)) for at in range(0, rows, size)]
        self.sample = read(range(1))

    def shuffled(self, seed: int, epoch: int, first: int = 0) -> Iterator[Window]:
        blocks = [self.blocks[at] for at in permutation(len(self.blocks), seed, epoch)]
        return self.windows(blocks, lambda count, at: permutation(count, seed, epoch, at), first)

    def in_order(self, first: int = 0) -> Iterator[Window]:
        return self.windows(self.blocks, lambda count, at: np.arange(count, dtype=np.int32), first)

    def windows(
        self, blocks: list[range], order: Callable[[int, int], np.ndarray], first: int
    ) -> Iterator[Window]:
        """Read windows of these blocks; while one is used, the next is read."""

        def generate() -> Iterator[tuple[Any, ...]]:
            for at in range(first, -(-self.rows // self.window_rows)):
                pieces = cut(blocks, at * self.window_rows, self.window_rows)
                count = sum(map(len, pieces))
                places = np.zeros(self.window_rows, np.int32)
                places[:count] = order(count, at)
                yield (*self.filled(pieces), places, count)

        arrays = tf.nest.flatten(self.sample)
        specs = [tf.TensorSpec([self.window_rows, *a.shape[1:]], a.dtype) for a in arrays]
        signature = (
            *specs,
            tf.TensorSpec([self.window_rows], tf.int32),
            tf.TensorSpec([], tf.int64),
        )
        windows = tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(1)
        for *flat, places, count in windows:
            yield Window(tf.nest.pack_sequence_as(self.sample, flat), places, int(count))

    def filled(self, pieces: list[range]) -> list[np.ndarray]:
        """Read pieces of the file into the arrays of one window."""
        window = [
            np.zeros((self.window_rows, *a.shape[1:]), a.dtype)
            for a in tf.nest.flatten(self.sample)
        ]
        at = 0
        for piece in pieces:
            for whole, part in zip(window, tf.nest.flatten(self.read(piece)), strict=True):
                whole[at : at + len(piece)] = part
            at += len(piece)
        return window


def make_feed(read: Read, rows: int, batch_size: int, memory: float, alignment: int) -> Feed:
    """Take rows into memory, or stream them where `memory` GiB would not hold all copies.

    Args:
        alignment: rows that the file holds together: 1 for an array, a row group for a table.
    """
    sizes = [array.nbytes for array in tf.nest.flatten(read(range(1)))]
    if COPIES * rows * sum(sizes) <= memory * GIB:
        return MemoryFeed(read(None))
    fitting = int(memory * GIB) // (WINDOWS * sum(sizes))
    return DiskFeed(read, rows, max(fitting // batch_size, 1) * batch_size, alignment)


def row_alignment(kind: str) -> int:
    """Return how many rows a file of features holds together, of a table or of images."""
    return ROW_GROUP if kind == "table" else 1


def cut(blocks: list[range], start: int, length: int) -> list[range]:
    """Return what lies from `start` on in blocks laid end to end, as pieces of the blocks."""
    pieces, at = [], 0
    for block in blocks:
        first, last = max(start - at, 0), min(start + length - at, len(block))
        if first < last:
            pieces.append(block[first:last])
        at += len(block)
    return pieces


def permutation(rows: int, *key: int) -> np.ndarray:
    """Return the numbers below `rows` in an order that depends on `key` alone."""
    return np.random.default_rng(key).permutation(rows).astype(np.int32)
