"""Trains by compiled programs: what Keras' `fit` does, with Python called after many batches."""

import time
from collections.abc import Callable, Iterator

import keras
import tensorflow as tf

from fathom.train.batches import Feed
from fathom.train.programs import Programs, take

LOOK_SECONDS = 1.0  # about so often Python is back, to see whether a checkpoint is due


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
    paused: Callable[[int, int], None] = lambda epoch, step: None,
) -> None:
    """Train a compiled model.

    Args:
        programs: of this model; they may have trained it before.
        seed: of the order of the rows.
        callbacks: those of whole epochs; batches are not announced to them.
        start: the epoch and the step in it to go on from. Of an epoch that is under way, the
            model's metrics hold the first steps.
        paused: called with an epoch and its finished steps now and then.
    """
    steps = -(-train.rows // programs.batch_size)
    watching = keras.callbacks.CallbackList(
        callbacks, model=model, epochs=epochs, steps=steps, verbose=0
    )
    model.stop_training = False
    watching.on_train_begin()
    first_epoch, first_step = start
    logs: dict[str, float] = {}
    for epoch in range(first_epoch, epochs):
        if first_step == 0:
            model.reset_metrics()
        watching.on_epoch_begin(epoch)
        for done in train_epoch(programs, train, seed, epoch, first_step):
            if done < steps:
                paused(epoch, done)
        first_step = 0
        logs = results(model)
        watching.on_test_begin()
        figures = evaluate(model, programs, valid)
        watching.on_test_end(figures)
        logs |= {f"val_{name}": value for name, value in figures.items()}
        watching.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    watching.on_train_end(logs)


def train_epoch(
    programs: Programs, train: Feed, seed: int, epoch: int, start: int
) -> Iterator[int]:
    """Train on the batches of an epoch from number `start` on; yield now and then how many are
    done, and at the end that all are.

    How many run in one go depends on how long they take, what they compute does not.
    """
    size, together = programs.batch_size, 1
    first, step = divmod(start, -(-train.window_rows // size))
    done = start
    for window in train.shuffled(seed, epoch, first):
        full, rest = divmod(window.rows, size)
        while step < full:
            stop, began = min(step + together, full), time.perf_counter()
            programs.steps(window.examples, window.order, tf.constant(step), tf.constant(stop))
            done += stop - step
            seconds = time.perf_counter() - began
            together = max(int((stop - step) * LOOK_SECONDS / seconds), 1)
            step = stop
            yield done
        if rest:
            rows = window.order[full * size : window.rows]
            programs.last(take(window.examples, rows))
            done += 1
            yield done
        step = 0


def evaluate(model: keras.Model, programs: Programs, feed: Feed) -> dict[str, float]:
    """Return loss and metrics over all rows."""
    model.reset_metrics()
    for window in feed.in_order():
        programs.test(window.examples, tf.constant(window.rows))
    return results(model)


def results(model: keras.Model) -> dict[str, float]:
    """Return loss and metrics as they stand in the model, as Keras' `fit` logs them."""
    metrics = model.get_metrics_result()
    return {name: float(value) for name, value in metrics.items()}
