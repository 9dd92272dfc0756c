"""Trains with compiled programs: Keras' `fit`, with the loop over batches inside a program.

Keras' `fit` returns to Python after every batch, which takes longer than the batch of a small
network. Here the loop over batches is part of the program, around Keras' own `Model.train_step`:
rows are gathered from tensors on the device, and Python is back only after many batches. The
updates are those of `fit`.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf

from fathom.settings.config import TrainSettings
from fathom.train.checkpoint import Checkpoint
from fathom.train.feeds import Examples, Feed
from fathom.train.scalars import Scalars
from fathom.train.steps import batch_size, number_of_epochs, steps_of_epoch

# XLA turns a step into a few fused loops instead of a call for each operation. Measured on 2 cores
# (`make bench`): a step takes a quarter to all of the graph's time on dense networks of 1,000 to
# 2 million weights, but several times as long with random numbers and ten times as long with
# convolutions. Compiling takes 0.3 to 2 s, which about 4,000 steps gain back.
SLOW_IN_XLA = re.compile("Random|Conv[123]D|DepthwiseConv")
STEPS_WORTH_XLA = 4_000

VALIDATION_BATCH = 1024  # rows; metrics depend on it only by rounding
LOOK_SECONDS = 1.0  # a program returns about so often, to write a checkpoint if one is due


@dataclass(frozen=True)
class Programs:
    """The compiled programs of one model.

    Args:
        scalars: numbers of the model that are inputs, such as learning rates.
        last: trains on one batch, of any size.
        steps: trains on the full batches between two numbers, of rows in an order.
        test: adds the first rows of some to the metrics.
        xla: whether XLA compiled `steps`; otherwise TensorFlow runs it as a graph.
        reason: why.
    """

    scalars: Scalars
    last: Callable[[Examples], None]
    steps: Callable[[Examples, tf.Tensor, tf.Tensor, tf.Tensor], None]
    test: Callable[[Examples, tf.Tensor], None]
    batch_size: int
    xla: bool
    reason: str


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
    logs: dict[str, float] = {}
    for epoch in range(first_epoch, epochs):
        if first_step == 0:
            model.reset_metrics()
        hooks.on_epoch_begin(epoch)
        for done in train_epoch(programs, train, seed, epoch, first_step):
            if checkpoint is not None and done < steps:
                checkpoint.write_if_due(epoch, done)
        first_step = 0
        logs = results(model)
        hooks.on_test_begin()
        metrics = evaluate(model, programs, valid)
        hooks.on_test_end(metrics)
        logs |= {f"val_{name}": value for name, value in metrics.items()}
        hooks.on_epoch_end(epoch, logs)
        if model.stop_training:
            break
    model.optimizer.finalize_variable_values(model.trainable_variables)
    hooks.on_train_end(logs)


def train_epoch(
    programs: Programs, train: Feed, seed: int, epoch: int, start: int
) -> Iterator[int]:
    """Train on the batches of an epoch from number `start` on; yield how many are done, about
    every `LOOK_SECONDS` and at the end.
    """
    size, at_once = programs.batch_size, 1
    first, step = divmod(start, -(-train.window_rows // size))
    done = start
    for window in train.shuffled(seed, epoch, first):
        full, rest = divmod(window.rows, size)
        while step < full:
            stop, began = min(step + at_once, full), time.perf_counter()
            programs.steps(window.examples, window.order, tf.constant(step), tf.constant(stop))
            done += stop - step
            seconds = time.perf_counter() - began
            at_once = max(int((stop - step) * LOOK_SECONDS / seconds), 1)
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
    """Return the current loss and metrics of a model, as Keras' `fit` logs them."""
    return {name: float(value) for name, value in model.get_metrics_result().items()}


def make_programs(
    model: keras.Model,
    train: Feed,
    settings: TrainSettings,
    rows: int,
    xla: bool | Literal["auto"],
) -> Programs:
    """Make the programs of a compiled model.

    Args:
        rows: number of training rows that batch size and epochs follow from.
        xla: "auto" for the choice by rule. A trial run would not do: results of XLA and of graphs
            differ by rounding, and a training must be repeatable.
    """
    build_state(model, train.sample)
    scalars = Scalars(model)

    @tf.autograph.experimental.do_not_convert
    def train_step(batch: Examples) -> None:
        with scalars.as_inputs():
            model.train_step(batch)

    @tf.autograph.experimental.do_not_convert
    def test_step(batch: Examples) -> None:
        with scalars.as_inputs():
            model.test_step(batch)

    any_rows = tf.nest.map_structure(
        lambda a: tf.TensorSpec([None, *a.shape[1:]], a.dtype), train.sample
    )

    @tf.function(input_signature=[any_rows], autograph=False)
    def step(batch: Examples) -> None:
        train_step(batch)

    kinds = sorted(set(operations(step)))
    reason = "as train.xla says"
    if xla == "auto":
        epochs = number_of_epochs(settings, rows)
        steps = epochs * steps_of_epoch(settings, rows)
        xla, reason = choose_xla(model, kinds, steps, settings.deterministic)
    # XLA has random numbers of its own. Without them the last batch, which has another size, is
    # not worth compiling.
    random = any("Random" in kind for kind in kinds)
    last = tf.function(step, jit_compile=True, autograph=False) if xla and random else step
    # In a loop of the network's own, XLA must know the batch size when the step is traced.
    batch_step = train_step if xla and any("While" in kind for kind in kinds) else step
    size = batch_size(settings, rows)
    programs = make_steps(batch_step, size, xla), make_test(test_step)
    return Programs(scalars, last, *programs, size, xla, reason)


def make_steps(step: Callable[[Examples], None], batch_size: int, xla: bool) -> Any:
    """Return the program `steps`, a loop of `step` over full batches."""

    @tf.function(jit_compile=xla, autograph=False)
    def steps(examples: Examples, order: tf.Tensor, first: tf.Tensor, stop: tf.Tensor) -> None:
        def one(number: tf.Tensor) -> list[tf.Tensor]:
            step(take(examples, tf.slice(order, [number * batch_size], [batch_size])))
            return [number + 1]

        tf.while_loop(lambda number: number < stop, one, [first], parallel_iterations=1)

    return steps


def make_test(test_step: Callable[[Examples], None]) -> Any:
    """Return the program `test`, a loop of `test_step` over batches."""

    @tf.function(autograph=False)
    def test(examples: Examples, rows: tf.Tensor) -> None:
        def one(start: tf.Tensor) -> list[tf.Tensor]:
            stop = tf.minimum(start + VALIDATION_BATCH, rows)
            test_step(tf.nest.map_structure(lambda a: a[start:stop], examples))
            return [stop]

        tf.while_loop(lambda start: start < rows, one, [0], parallel_iterations=1)

    return test


def build_state(model: keras.Model, examples: Examples) -> None:
    """Make the variables of metrics, losses and optimizer: a program cannot make them."""
    sample = tf.nest.map_structure(lambda a: tf.constant(a[:1]), examples)
    inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(sample)
    predicted = model(inputs)
    model.compute_loss(inputs, targets, predicted, weights)
    model.compute_metrics(inputs, targets, predicted, weights)
    model.reset_metrics()
    model.optimizer.build(model.trainable_variables)


def choose_xla(
    model: keras.Model, kinds: list[str], steps: int, deterministic: bool
) -> tuple[bool, str]:
    """Tell whether XLA compiles so many steps of these kinds of operations, and why."""
    if not all(layer.supports_jit for layer in model.layers):
        return False, "a layer that XLA does not take"
    if tf.config.get_visible_devices("GPU"):
        # Keras' own rule: XLA has no deterministic form of some operations.
        return not deterministic, "deterministic, on a GPU" if deterministic else "on a GPU"
    if steps < STEPS_WORTH_XLA:
        return False, f"{steps:,} steps would not gain back what compiling costs"
    slow = [kind for kind in kinds if SLOW_IN_XLA.search(kind)]
    if slow:
        return False, f"XLA is slow at {slow[0]} on a CPU"
    return True, f"{steps:,} steps of operations that XLA is fast at"


def operations(function: tf.types.experimental.GenericFunction) -> Iterator[str]:
    """Yield the kinds of operations in a function and in those that it calls."""
    graph = function.get_concrete_function().graph.as_graph_def()
    for nodes in (graph.node, *(called.node_def for called in graph.library.function)):
        yield from (node.op for node in nodes)


def take(examples: Examples, rows: tf.Tensor) -> Examples:
    taken: Examples = tf.nest.map_structure(lambda array: tf.gather(array, rows), examples)
    return taken
