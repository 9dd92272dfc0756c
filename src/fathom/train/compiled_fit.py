"""A model's training and validation as compiled programs.

Keras' `fit` goes back to Python after every batch, which on small networks takes longer than the
batch. Here a loop over batches is part of the compiled program, around Keras' own
`Model.train_step`: rows are gathered from tensors on the device, and Python is back only after
many batches. The updates are those of `fit`.
"""

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import keras
import tensorflow as tf

from fathom.train.feeds import Examples, Feed
from fathom.train.scalars import Scalars

# XLA turns a step into a few fused loops instead of a call for each operation. Measured on 2 cores
# (`make bench`): a step takes a quarter to all of the graph's time on dense networks of 1,000 to
# 2 million weights, but several times as long where random numbers are drawn and ten times as
# long for convolutions. It takes 0.3 to 2 s to compile, which some 4,000 steps gain back.
SLOW_IN_XLA = re.compile("Random|Conv[123]D|DepthwiseConv")


STEPS_WORTH_XLA = 4_000


VALIDATION_BATCH = 1024  # rows; the figures do not depend on it but for rounding


@dataclass(frozen=True)
class Programs:
    """The compiled programs of one model.

    Args:
        scalars: numbers of the model that they take as inputs, such as learning rates.
        last: trains on one batch, of any size.
        steps: trains on the full batches from one number to another, of rows in an order.
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


def make_programs(
    model: keras.Model,
    examples: Examples,
    xla: bool | None,
    *,
    batch_size: int,
    planned: int,
    deterministic: bool,
) -> Programs:
    """Make the programs of a compiled model.

    Args:
        model: as Keras' `compile` left it.
        examples: some rows, at least one; others have these shapes and types.
        xla: None for the choice by rule: not by a trial run, since results of XLA and of graphs
            differ by rounding, and a training must repeat.
        planned: steps that a training takes if nothing stops it.
        deterministic: whether TensorFlow was told to give the same bits each time.
    """
    build_state(model, examples)
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
        lambda a: tf.TensorSpec([None, *a.shape[1:]], a.dtype), examples
    )

    @tf.function(input_signature=[any_rows], autograph=False)
    def step(batch: Examples) -> None:
        train_step(batch)

    kinds = sorted(set(operations(step)))
    if xla is None and not all(layer.supports_jit for layer in model.layers):
        xla, reason = False, "a layer that XLA does not take"
    elif xla is None:
        xla, reason = worth_xla(kinds, planned, deterministic)
    else:
        reason = "as train.xla says"
    # XLA has random numbers of its own. Otherwise the last batch, whose size is another, is not
    # worth compiling once more.
    random = any("Random" in kind for kind in kinds)
    # Within a loop of the network's own XLA must know the batch size when the step is traced.
    batch_step = train_step if xla and any("While" in kind for kind in kinds) else step
    last = tf.function(step, jit_compile=True, autograph=False) if xla and random else step

    @tf.function(jit_compile=xla, autograph=False)
    def steps(examples: Examples, order: tf.Tensor, first: tf.Tensor, stop: tf.Tensor) -> None:
        def one(number: tf.Tensor) -> list[tf.Tensor]:
            batch_step(take(examples, tf.slice(order, [number * batch_size], [batch_size])))
            return [number + 1]

        tf.while_loop(lambda number: number < stop, one, [first], parallel_iterations=1)

    @tf.function(autograph=False)
    def test(examples: Examples, rows: tf.Tensor) -> None:
        def one(start: tf.Tensor) -> list[tf.Tensor]:
            stop = tf.minimum(start + VALIDATION_BATCH, rows)
            test_step(tf.nest.map_structure(lambda a: a[start:stop], examples))
            return [stop]

        tf.while_loop(lambda start: start < rows, one, [0], parallel_iterations=1)

    return Programs(scalars, last, steps, test, batch_size, xla, reason)


def build_state(model: keras.Model, examples: Examples) -> None:
    """Make the variables of metrics, losses and optimiser: inside of a program is too late."""
    few = tf.nest.map_structure(lambda a: tf.constant(a[:1]), examples)
    inputs, targets, weights = keras.utils.unpack_x_y_sample_weight(few)
    predicted = model(inputs)
    model.compute_loss(inputs, targets, predicted, weights)
    model.compute_metrics(inputs, targets, predicted, weights)
    model.reset_metrics()
    model.optimizer.build(model.trainable_variables)


def worth_xla(kinds: list[str], planned: int, deterministic: bool) -> tuple[bool, str]:
    """Tell by rule whether XLA is to compile `planned` steps of these operations, and why."""
    if tf.config.get_visible_devices("GPU"):
        # Keras' own rule: XLA has no deterministic form of some operations.
        return not deterministic, "deterministic, on a GPU" if deterministic else "on a GPU"
    if planned < STEPS_WORTH_XLA:
        return False, f"{planned:,} steps would not gain back what compiling costs"
    slow = [kind for kind in kinds if SLOW_IN_XLA.search(kind)]
    if slow:
        return False, f"XLA is slow at {slow[0]} on a CPU"
    return True, f"{planned:,} steps of operations that XLA is fast at"


def operations(function: tf.types.experimental.GenericFunction) -> Iterator[str]:
    """Return the kinds of operations in a function and in those that it calls."""
    graph = function.get_concrete_function().graph.as_graph_def()
    for nodes in (graph.node, *(called.node_def for called in graph.library.function)):
        yield from (node.op for node in nodes)


def take(examples: Examples, rows: tf.Tensor) -> Examples:
    taken: Examples = tf.nest.map_structure(lambda array: tf.gather(array, rows), examples)
    return taken


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
