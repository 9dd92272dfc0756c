"""Trains by Keras' own `fit`, over the same batches in the same order as compiled programs; on JAX
perhaps as one of several processes, each with its share of every batch.
"""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fathom.train.compiled_fit import VALIDATION_BATCH
from fathom.train.feeds import Feed
from fathom.train.ray.shares import Share, Step


class Batches(keras.utils.PyDataset):
    """A feed's batches in the order of `epoch`, or as they come if there is no seed."""

    def __init__(self, feed: Feed, batch_size: int, seed: int | None) -> None:
        super().__init__()
        self.feed, self.batch_size, self.seed, self.epoch = feed, batch_size, seed, 0
        self.share: Share | None = None  # None: all rows are this process's
        self.steps = -(-feed.window_rows // batch_size)  # of a window
        self.read = functools.lru_cache(maxsize=1)(self.read_window)

    def __len__(self) -> int:
        windows, rest = divmod(self.feed.rows, self.feed.window_rows)
        return windows * self.steps + -(-rest // self.batch_size)

    def __getitem__(self, number: int) -> Any:
        # Keras may read from several threads, ahead of the epoch: nothing is kept but windows.
        at, step = divmod(number, self.steps)
        arrays, order = self.read(self.epoch, at)
        rows = order[step * self.batch_size : (step + 1) * self.batch_size]
        if self.share is not None:
            rows = self.share(rows)
        return tuple(
            # Keras makes a tf.data.Dataset of it, which takes a list for one tensor.
            tuple(array[rows] for array in part) if isinstance(part, list) else part[rows]
            for part in arrays
        )

    def share_out(self, step: Step, among: keras.distribution.DataParallel) -> Step:
        """Keep to this process's share of each batch; return a model's step that goes with it."""
        windows = {self.feed.window_rows, self.feed.rows % self.feed.window_rows}
        sizes = {min(rows, self.batch_size) for rows in windows}
        sizes |= {rows % self.batch_size for rows in windows}
        self.share = Share(sizes - {0}, among)
        return self.share.without_filling(step)

    def read_window(self, epoch: int, at: int) -> tuple[Any, NDArray[np.int32]]:
        feed, seed = self.feed, self.seed
        windows = feed.in_order(at) if seed is None else feed.shuffled(seed, epoch, at)
        window = next(windows)
        arrays = tf.nest.map_structure(lambda tensor: tensor.numpy(), window.examples)
        return arrays, window.order[: window.rows].numpy()


def fit(
    model: keras.Model,
    train: Feed,
    valid: Feed,
    *,
    batch_size: int,
    seed: int,
    epochs: int,
    callbacks: list[keras.callbacks.Callback],
    start: int = 0,
) -> None:
    """Train a compiled model from the epoch `start` on."""
    batches = Batches(train, batch_size, seed)
    validation = Batches(valid, VALIDATION_BATCH, None)
    together = keras.distribution.distribution()  # None on TensorFlow
    if together is not None:
        model.train_step = batches.share_out(model.train_step, together)
        model.test_step = validation.share_out(model.test_step, together)

    def next_order(epoch: int, logs: Any) -> None:
        batches.epoch = epoch

    model.fit(
        batches,
        validation_data=validation,
        epochs=epochs,
        initial_epoch=start,
        shuffle=False,  # of batches; their rows are in random order already
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=next_order), *callbacks],
        verbose=0,
    )
