"""The rows of a training: tensors in memory, or windows read from disk.

A window holds rows that are trained on together; the windows of an epoch hold every row once. In
memory there is one window. On disk, blocks of consecutive rows are taken in random order, laid end
to end and cut into windows, and the rows of each window are shuffled. The order depends only on
seed and epoch, so a training can resume at any window.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import keras
import numpy as np
import tensorflow as tf

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData, Subset, scaler_of
from fathom.base.machine import GIB
from fathom.base.tables import ROW_GROUP
from fathom.models.names import input_names, output_names, unwrap
from fathom.settings.config import NetworkConfig
from fathom.train.build import class_weights, is_sparse, make_loss
from fathom.train.memory import COPIES, memory_for_rows
from fathom.train.steps import batch_size

# Inputs, targets and perhaps weights: each an array for a network with one input or output, a list
# of arrays for one with several; the first axis of every array is the rows.
Examples = tuple[Any, ...]
Read = Callable[[range | None], Examples]

WINDOWS = 6  # in memory at once: one in use, one waiting, one being read, and copies of the latter
BLOCKS = 16  # at least so many blocks make a window


@dataclass(frozen=True)
class Window:
    """Rows as tensors; the first `rows` entries of `order` are their numbers in random order."""

    examples: Examples
    order: tf.Tensor
    rows: int


class Feed(Protocol):
    """The rows of the training or the validation set; `sample` is one of them."""

    rows: int
    window_rows: int
    sample: Examples

    def shuffled(self, seed: int, epoch: int, first: int = 0) -> Iterator[Window]:
        """Return an epoch's windows, beginning with number `first`."""

    def in_order(self, first: int = 0) -> Iterator[Window]:
        """Return windows in the order of the file, beginning with number `first`."""


class MemoryFeed:
    """All rows as tensors.

    Args:
        window_rows: number of rows that the tensors are padded to, so that the same programs take
            the rows of each fold.
    """

    def __init__(self, examples: Examples, window_rows: int = 0) -> None:
        self.rows = len(tf.nest.flatten(examples)[0])
        self.window_rows = max(self.rows, window_rows)
        self.examples = tf.nest.map_structure(self.padded, examples)
        self.sample = tf.nest.map_structure(lambda array: array[:1], examples)

    def padded(self, array: np.ndarray) -> tf.Tensor:
        missing = self.window_rows - self.rows
        if missing:  # np.pad always copies
            array = np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))
        return tf.constant(array)

    def shuffled(self, seed: int, epoch: int, first: int = 0) -> Iterator[Window]:
        yield Window(self.examples, self.padded(permutation(self.rows, seed, epoch)), self.rows)

    def in_order(self, first: int = 0) -> Iterator[Window]:
        yield Window(self.examples, tf.range(self.window_rows), self.rows)


class DiskFeed:
    """Rows on disk, of which a few windows are in memory.

    Args:
        read: returns consecutive rows.
        rows: number of all rows.
        window_rows: number of rows of a window; the last one may have fewer and is padded.
        alignment: number of rows that the file stores together; the least rows of a block.
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
        """Read windows of these blocks, the next one while the last one is in use."""

        def generate() -> Iterator[tuple[Any, ...]]:
            for at in range(first, -(-self.rows // self.window_rows)):
                pieces = cut(blocks, at * self.window_rows, self.window_rows)
                count = sum(map(len, pieces))
                numbers = np.zeros(self.window_rows, np.int32)
                numbers[:count] = order(count, at)
                yield (*self.read_window(pieces), numbers, count)

        arrays = tf.nest.flatten(self.sample)
        signature = (
            *(tf.TensorSpec([self.window_rows, *a.shape[1:]], a.dtype) for a in arrays),
            tf.TensorSpec([self.window_rows], tf.int32),
            tf.TensorSpec([], tf.int64),
        )
        windows = tf.data.Dataset.from_generator(generate, output_signature=signature).prefetch(1)
        for *flat, numbers, count in windows:
            yield Window(tf.nest.pack_sequence_as(self.sample, flat), numbers, int(count))

    def read_window(self, pieces: list[range]) -> list[np.ndarray]:
        """Read pieces of the file into the padded arrays of one window."""
        window = [
            np.zeros((self.window_rows, *a.shape[1:]), a.dtype)
            for a in tf.nest.flatten(self.sample)
        ]
        at = 0
        for piece in pieces:
            for whole, rows in zip(window, tf.nest.flatten(self.read(piece)), strict=True):
                whole[at : at + len(piece)] = rows
            at += len(piece)
        return window


def make_feeds(model: keras.Model, config: NetworkConfig, data: ScaledData) -> list[Feed]:
    """Return the feeds of the training and the validation set."""
    problem, feeds = data.problem, []
    total = problem.rows["train"] + problem.rows["valid"]
    alignment = ROW_GROUP if problem.kind == "table" else 1
    size = batch_size(config.train, problem.rows["train"])
    for subset, weights in (("train", class_weights(config, data)), ("valid", None)):
        rows = problem.rows[subset]
        memory = memory_for_rows(config) * rows / total
        read = make_reader(model, subset, data, config, weights)
        feeds.append(make_feed(read, rows, size, memory, alignment))
    return feeds


def make_feed(read: Read, rows: int, batch_size: int, memory: float, alignment: int) -> Feed:
    """Return rows in memory if `memory` GiB hold all their copies, otherwise on disk."""
    size = sum(array.nbytes for array in tf.nest.flatten(read(range(1))))
    if COPIES * rows * size <= memory * GIB:
        return MemoryFeed(read(None), rows)
    window_rows = int(memory * GIB) // (WINDOWS * size)
    return DiskFeed(read, rows, max(window_rows // batch_size, 1) * batch_size, alignment)


def make_reader(
    model: keras.Model,
    subset: str,
    data: ScaledData,
    config: NetworkConfig,
    class_weights: dict[str, float] | None,
) -> Read:
    """Return a function that reads some rows of a subset, or all, as examples for a network."""
    problem = data.problem
    sparse = {
        name: is_sparse(make_loss(problem.output(name), problem, config))
        for name in output_names(model)
    }

    def read(rows: range | None) -> Examples:
        scaled = data.subset(subset, rows)
        inputs = unwrap(scaled.inputs(input_names(model), problem))
        targets = unwrap([target(name, scaled, data, sparse[name]) for name in sparse])
        weights = sample_weights(model, scaled, problem, class_weights)
        return (inputs, targets) if weights is None else (inputs, targets, weights)

    return read


def target(name: str, subset: Subset, data: ScaledData, sparse: bool) -> np.ndarray:
    """Return an output's scaled numbers or class numbers, one-hot unless the loss is sparse."""
    output, values = data.problem.output(name), subset.target(name)
    if output.task == "regression":
        scaled = scaler_of(name, data.scalers).transform(values[:, None])
        return scaled.astype(np.float32)
    if sparse:
        return values
    one_hot: np.ndarray = np.eye(output.units, dtype=np.float32)[values]
    return one_hot


def sample_weights(
    model: keras.Model, subset: Subset, problem: Problem, class_weights: dict[str, float] | None
) -> Any:
    """Return each row's weight in the loss of every output, or None if all weigh the same.

    Args:
        class_weights: of the main target's classes; None for the validation set.
    """
    if subset.weights is None and not class_weights:
        return None
    weights = []
    for name in output_names(model):
        weight = np.ones(len(subset.rows)) if subset.weights is None else subset.weights
        output = problem.output(name)
        if class_weights and output.column == problem.main.column:
            assert output.classes is not None
            by_class = np.array([class_weights.get(label, 1.0) for label in output.classes])
            weight = weight * by_class[subset.target(name)]
        weights.append(weight.astype(np.float32))
    return unwrap(weights)


def cut(blocks: list[range], start: int, length: int) -> list[range]:
    """Return `length` rows from `start` on of blocks laid end to end, as pieces of the blocks."""
    pieces, at = [], 0
    for block in blocks:
        first, last = max(start - at, 0), min(start + length - at, len(block))
        if first < last:
            pieces.append(block[first:last])
        at += len(block)
    return pieces


def permutation(rows: int, *key: int) -> np.ndarray:
    """Return the numbers below `rows` in an order that depends only on `key`."""
    return np.random.default_rng(key).permutation(rows).astype(np.int32)
