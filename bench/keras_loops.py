"""Trains by Fathom's compiled programs or by Keras' `fit`:

python bench/keras_loops.py compiled|fit|fit_in_one_call [xla|graph]

With KERAS_BACKEND=jax in the environment, `fit` runs on JAX.
"""

import sys
from itertools import count

import keras
import tensorflow as tf
from epoch_server import PreparedCase, send_epoch, send_ready, wait_for_request

from fathom.artifacts.problem import Problem
from fathom.models.names import unwrap
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.compiled_fit import StepsAtOnce, train_epoch
from fathom.train.feeds import Examples, MemoryFeed
from fathom.train.trainer import compile_programs

XLA = {"xla": ["train.xla=true"], "graph": ["train.xla=false"]}


def main(method: str, compiler: str = "") -> None:
    case = PreparedCase.read()
    config = compose([*case.overrides, *XLA.get(compiler, [])], NetworkConfig)
    examples = (unwrap(case.inputs), unwrap(case.targets))
    if method == "compiled":
        train_by_programs(config, examples)
    else:
        train_by_fit(config, case, examples, in_one_call=method == "fit_in_one_call")


def compiled_model(config: NetworkConfig) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    problem = Problem.read(config.dataset.name)
    model = build(config, problem)
    compile_model(model, problem, config)
    return model


def train_by_programs(config: NetworkConfig, examples: Examples) -> None:
    """Train as `fathom.train.compiled_fit.fit` does, without validation and callbacks."""
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    model = compiled_model(config)
    send_ready()
    started = wait_for_request()
    feed = MemoryFeed(examples)
    programs = compile_programs(model, feed, config, feed.rows)
    at_once = StepsAtOnce()
    for epoch in count():
        programs.reset()
        for _ in train_epoch(programs, feed, config.seed, epoch, 0, at_once):
            pass
        send_epoch(started, programs.results()["loss"], xla=programs.xla, why=programs.reason)
        started = wait_for_request()


def train_by_fit(
    config: NetworkConfig, case: PreparedCase, examples: Examples, in_one_call: bool
) -> None:
    """Train by `fit`; `in_one_call` runs an epoch as one call of the backend."""
    model, steps = compiled_model(config), -(-case.rows // case.batch_size)
    if in_one_call:
        model.steps_per_execution = steps  # the attribute that `compile` sets
    send_ready()
    model.fit(
        *examples,
        batch_size=case.batch_size,
        epochs=10**9,
        callbacks=[EpochRequests(wait_for_request(), steps)],
        verbose=0,
    )


class EpochRequests(keras.callbacks.Callback):
    """Waits for a request after each epoch: a call of `fit` for each would include its set-up.

    Args:
        started: the time of the first request.
        steps: of an epoch on all rows.
    """

    def __init__(self, started: float, steps: int) -> None:
        super().__init__()
        self.started, self.steps = started, steps

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        steps = int(self.model.optimizer.iterations)
        if steps != self.steps * (epoch + 1):
            raise RuntimeError(f"{steps} steps in {epoch + 1} epochs of {self.steps}")
        send_epoch(self.started, (logs or {})["loss"])
        self.started = wait_for_request()


if __name__ == "__main__":
    main(*sys.argv[1:])
