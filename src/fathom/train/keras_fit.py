"""Trains with Keras' own `fit`, on the batches of the compiled programs in the same order.

On JAX it may be one of several processes, each with its share of every batch.
"""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from fathom.train.feeds import Feed
from fathom.train.programs import VALIDATION_BATCH
from fathom.train.ray.shares import Share


class Batches(keras.utils.PyDataset):
    """A feed's batches in the order of `epoch`, or in the order of the file without a seed.

    `share` selects this process's rows of each batch; None: all of them.
    """

    def __init__(self, feed: Feed, batch_size: int, seed: int | None) -> None:
        super().__init__()
        self.feed, self.batch_size, self.seed, self.epoch = feed, batch_size, seed, 0
        self.share: Share | None = None
        self.steps = -(-feed.window_rows // batch_size)  # of a window
        self.read = functools.lru_cache(maxsize=1)(self.read_window)

    def __len__(self) -> int:
        windows, rest = divmod(self.feed.rows, self.feed.window_rows)
        return windows * self.steps + -(-rest // self.batch_size)

    def __getitem__(self, number: int) -> Any:
        # Keras may read from several threads, ahead of the epoch: only windows are state.
        at, step = divmod(number, self.steps)
        arrays, order = self.read(self.epoch, at)
        rows = order[step * self.batch_size : (step + 1) * self.batch_size]
        if self.share is not None:
            rows = self.share.rows_of(rows)
        return tuple(
            # Keras makes a tf.data.Dataset of it, which takes a list for one tensor.
            tuple(array[rows] for array in item) if isinstance(item, list) else item[rows]
            for item in arrays
        )

    def read_window(self, epoch: int, at: int) -> tuple[Any, NDArray[np.int32]]:
        feed, seed = self.feed, self.seed
        window = next(feed.in_order(at) if seed is None else feed.shuffled(seed, epoch, at))
        arrays = tf.nest.map_structure(lambda tensor: tensor.numpy(), window.examples)
        return arrays, window.order[: window.rows].numpy()

    def sizes(self) -> set[int]:
        """Return the numbers of rows that a batch may have."""
        windows = {self.feed.window_rows, self.feed.rows % self.feed.window_rows}
        sizes = {min(rows, self.batch_size) for rows in windows}
        return (sizes | {rows % self.batch_size for rows in windows}) - {0}


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
    devices = keras.distribution.distribution()  # None on TensorFlow
    if devices is not None:
        batches.share = Share(batches.sizes(), devices)
        validation.share = Share(validation.sizes(), devices)
        model.train_step = batches.share.without_padding(model.train_step)
        model.test_step = validation.share.without_padding(model.test_step)
    elif model.distribute_strategy.num_replicas_in_sync > 1:
        build_metrics(model, train.sample)

    def set_epoch(epoch: int, logs: Any) -> None:
        batches.epoch = epoch

    model.fit(
        batches,
        validation_data=validation,
        epochs=epochs,
        initial_epoch=start,
        shuffle=False,  # of batches; their rows are in random order already
        callbacks=[keras.callbacks.LambdaCallback(on_epoch_begin=set_epoch), *callbacks],
        verbose=0,
    )


def build_metrics(model: keras.Model, row: Any) -> None:
    """Have Keras make the metrics of a model on several GPUs from one row.

    By itself it averages the first batches of all GPUs, which fails if they differ in size.
    """
    build = model._maybe_symbolic_build
    model._maybe_symbolic_build = lambda **_: build(data_batch=row)
