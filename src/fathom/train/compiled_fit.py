"""Trains with compiled programs: Keras' `fit`, with the loop over batches inside a program.

Keras' `fit` returns to Python after every batch, which takes longer than the batch of a small
network. Here the loop over batches is part of the program, around Keras' own `Model.train_step`:
rows are gathered from tensors on the device, and Python is back only after many batches. The
updates are those of `fit`.
"""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import keras
import tensorflow as tf

from fathom.train.checkpoint import Checkpoint
from fathom.train.feeds import Feed
from fathom.train.programs import Programs, take

LOOK_SECONDS = 1.0  # a program returns about so often, to write a checkpoint if one is due


@dataclass
class StepsAtOnce:
    """How many steps a program makes before it returns, so that it takes about `LOOK_SECONDS`."""

    number: int = 1


def fit(
    model: keras.Model,
    programs: Programs,
    train: Feed,
    valid: Feed,
    *,
    seed: int,
    epochs: int,
    callbacks: list[keras.callbacks.Callback],
    start: tuple[int, int] = (0, 0),
    checkpoint: Checkpoint | None = None,
) -> None:
    """Train a compiled model.

    Args:
        programs: of this model; they may have trained it before.
        seed: of the order of the rows.
        callbacks: called at epochs, not at batches.
        start: the epoch and the step in it to resume at. In the middle of an epoch, the model's
            metrics hold its first steps.
        checkpoint: one of the callbacks, which also writes within epochs.
    """
    steps = -(-train.rows // programs.batch_size)
    hooks = keras.callbacks.CallbackList(
        callbacks, model=model, epochs=epochs, steps=steps, verbose=0
    )
    model.stop_training = False
    hooks.on_train_begin()
    first_epoch, first_step = start
    at_once = StepsAtOnce()
    logs: dict[str, float] = {}
    for epoch in range(first_epoch, epochs):
        if first_step == 0:
            programs.reset()
        hooks.on_epoch_begin(epoch)
        for done in train_epoch(programs, train, seed, epoch, first_step, at_once):
            if checkpoint is not None and done < steps:
                checkpoint.write_if_due(epoch, done)
        first_step = 0
        logs = programs.results()
        hooks.on_test_begin()
        metrics = evaluate(programs, valid)
        hooks.on_test_end(metrics)
        logs |= {f"val_{name}": value for name, value in metrics.items()}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    hooks.on_train_end(logs)


def train_epoch(
    programs: Programs, train: Feed, seed: int, epoch: int, start: int, at_once: StepsAtOnce
) -> Iterator[int]:
    """Train on the batches of an epoch from number `start` on; yield how many are done, about
    every `LOOK_SECONDS` and at the end.
    """
    size = programs.batch_size
    first, step = divmod(start, -(-train.window_rows // size))
    done = start
    for window in train.shuffled(seed, epoch, first):
        full, rest = divmod(window.rows, size)
        while step < full:
            stop, began = min(step + at_once.number, full), time.perf_counter()
            programs.steps(window.examples, window.order, tf.constant(step), tf.constant(stop))
            done += stop - step
            seconds = time.perf_counter() - began
            at_once.number = max(int((stop - step) * LOOK_SECONDS / seconds), 1)
            step = stop
            yield done
        if rest:
            rows = window.order[full * size : window.rows]
            programs.last(take(window.examples, rows))
            done += 1
            yield done
        step = 0


def evaluate(programs: Programs, feed: Feed) -> dict[str, float]:
    """Return loss and metrics over all rows."""
    programs.reset()
    for window in feed.in_order():
        programs.test(window.examples, tf.constant(window.rows))
    return programs.results()
