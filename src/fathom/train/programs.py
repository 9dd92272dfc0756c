"""The compiled programs of a model: many steps, the last batch, validation, metrics."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import keras
import tensorflow as tf

from fathom.settings.config import TrainSettings
from fathom.train.feeds import Examples, Feed
from fathom.train.metric_programs import make_reset, make_results
from fathom.train.random_numbers import threefry
from fathom.train.scalars import Scalars
from fathom.train.steps import batch_size, number_of_epochs, steps_of_epoch

# XLA turns a step into a few fused loops instead of a call for each operation. Measured on 2 cores
# (`make bench`): a step takes a quarter to all of the graph's time on dense networks of 1,000 to
# 2 million weights, with dropout, too, but ten times as long with convolutions. Compiling takes 0.3
# to 3 s, which about 1,500 steps gain back.
SLOW_IN_XLA = re.compile("Conv[123]D|DepthwiseConv")
STEPS_WORTH_XLA = 1_500
# On a GPU a step is bound by the start of its operations: 0.45 ms with XLA and 3.5 ms without, on
# an H200 with `mlp` on digits, whose bits were the same in three processes. TensorFlow asks XLA for
# deterministic operations. With those below, XLA on a GPU has not been tried.
UNTRIED_ON_GPU = re.compile("Conv|Scatter|While")

VALIDATION_BATCH = 1024  # rows; metrics depend on it only by rounding


@dataclass(frozen=True)
class Programs:
    """The compiled programs of one model.

    Args:
        scalars: numbers of the model that are inputs, such as learning rates.
        last: trains on one batch, of any size, without XLA: it is rarely worth compiling.
        steps: trains on the full batches between two numbers, of rows in an order.
        test: adds the first rows of some to the metrics.
        reset: resets loss and metrics.
        results: reads them.
        xla: whether XLA compiled `steps`; otherwise TensorFlow runs it as a graph.
        reason: why.
    """

    scalars: Scalars
    last: Callable[[Examples], None]
    steps: Callable[[Examples, tf.Tensor, tf.Tensor, tf.Tensor], None]
    test: Callable[[Examples, tf.Tensor], None]
    reset: Callable[[], None]
    results: Callable[[], dict[str, float]]
    batch_size: int
    xla: bool
    reason: str


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
        steps = number_of_epochs(settings, rows) * steps_of_epoch(settings, rows)
        xla, reason = choose_xla(model, kinds, steps, settings.deterministic)
    size = batch_size(settings, rows)
    programs = (
        make_steps(choose_step(train_step, step, kinds, xla), size, xla),
        make_test(test_step),
    )
    of_metrics = make_reset(model), make_results(model)
    return Programs(scalars, step, *programs, *of_metrics, size, xla, reason)


def choose_step(
    train_step: Callable[[Examples], None],
    step: Callable[[Examples], None],
    kinds: list[str],
    xla: bool,
) -> Callable[[Examples], None]:
    """Return the step of the program `steps`: `step`, which is traced already, if it can be."""
    if xla and any("Random" in kind for kind in kinds) and not on_gpu():
        return threefry(train_step)
    # In a loop of the network's own, XLA must know the batch size when the step is traced.
    return train_step if xla and any("While" in kind for kind in kinds) else step


def on_gpu() -> bool:
    return bool(tf.config.get_visible_devices("GPU"))


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


def build_state(model: keras.Model, row: Examples) -> None:
    """Make the variables of metrics, losses and optimizer: a program cannot make them."""
    sample = tf.nest.map_structure(tf.constant, row)
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
    untried = [kind for kind in kinds if UNTRIED_ON_GPU.search(kind)]
    if on_gpu() and deterministic and untried:
        return False, f"{untried[0]} may not be deterministic in XLA on a GPU"
    if steps < STEPS_WORTH_XLA:
        return False, f"{steps:,} steps would not gain back what compiling costs"
    slow = [kind for kind in kinds if SLOW_IN_XLA.search(kind)]
    if slow and not on_gpu():
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
