"""Trains by Fathom's compiled programs or by Keras' `fit`: python bench/keras_loops.py LOOP"""

import sys
from collections.abc import Callable
from itertools import count

import keras
import tensorflow as tf
from prepared import Arrays, Facts
from turns import answer, ready, wait

from fathom.artifacts.problem import Problem
from fathom.models.names import unwrap
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.compiled_fit import results, train_epoch
from fathom.train.feeds import MemoryFeed
from fathom.train.trainer import compile_programs


def main(loop: str) -> None:
    overrides, train = LOOPS[loop]
    facts = Facts.read()
    config = compose([*facts.overrides, *overrides], NetworkConfig)
    arrays = Arrays.read()
    train(config, arrays, -(-facts.rows // facts.batch_size))


def compiled_network(config: NetworkConfig) -> keras.Model:
    keras.utils.set_random_seed(config.seed)
    problem = Problem.read(config.dataset.name)
    model = build(config, problem)
    compile_model(model, problem, config)
    return model


def by_programs(config: NetworkConfig, arrays: Arrays, steps: int) -> None:  # noqa: ARG001
    """Train as `fathom.train.compiled_fit.fit` does, without validation and callbacks."""
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    model = compiled_network(config)
    ready()
    began = wait()
    rows = MemoryFeed((unwrap(arrays.inputs), unwrap(arrays.targets)))
    programs = compile_programs(model, rows, config)
    for epoch in count():
        if epoch:
            began = wait()
        model.reset_metrics()
        for _ in train_epoch(programs, rows, config.seed, epoch, 0):
            pass
        answer(began, results(model)["loss"], xla=programs.xla, why=programs.reason)


def by_fit(config: NetworkConfig, arrays: Arrays, steps: int) -> None:
    fit(compiled_network(config), config, arrays, steps)


def by_fit_in_one_call(config: NetworkConfig, arrays: Arrays, steps: int) -> None:
    model = compiled_network(config)
    model.steps_per_execution = steps  # as `compile` takes it over
    fit(model, config, arrays, steps)


def fit(model: keras.Model, config: NetworkConfig, arrays: Arrays, steps: int) -> None:
    ready()
    model.fit(
        unwrap(arrays.inputs),
        unwrap(arrays.targets),
        batch_size=config.train.batch_size,
        epochs=10**9,
        callbacks=[Turns(wait(), steps)],
        verbose=0,
    )


class Turns(keras.callbacks.Callback):
    """Lets one call of `fit` take turns, which would set itself up anew if called for each epoch.

    Args:
        began: when the first epoch was asked for.
        steps: of an epoch that trains on all rows.
    """

    def __init__(self, began: float, steps: int) -> None:
        super().__init__()
        self.began, self.steps = began, steps

    def on_epoch_begin(self, epoch: int, logs: dict[str, float] | None = None) -> None:  # noqa: ARG002
        if epoch:
            self.began = wait()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        done = int(self.model.optimizer.iterations)
        if done != self.steps * (epoch + 1):
            raise RuntimeError(f"{done} steps in {epoch + 1} epochs of {self.steps}")
        answer(self.began, (logs or {})["loss"])


Train = Callable[[NetworkConfig, Arrays, int], None]

LOOPS: dict[str, tuple[list[str], Train]] = {
    "compiled": ([], by_programs),
    "xla": (["train.xla=true"], by_programs),
    "graph": (["train.xla=false"], by_programs),
    "fit": ([], by_fit),
    "fit_in_one_call_xla": (["train.xla=true"], by_fit_in_one_call),
    "fit_in_one_call_graph": (["train.xla=false"], by_fit_in_one_call),
}

if __name__ == "__main__":
    main(sys.argv[1])
