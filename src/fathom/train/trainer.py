"""A network with its rows and its programs, ready to train from any seed."""

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from fathom.artifacts.scaled_data import ScaledData
from fathom.messages.training import unknown_inputs
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.feeds import Feed, make_feeds
from fathom.train.predictor import Predictor
from fathom.train.programs import Programs, make_programs

# A strategy of TensorFlow, or of Keras on JAX.
Strategy: TypeAlias = tf.distribute.Strategy | keras.distribution.DataParallel

SEEDING = threading.Lock()  # Keras draws seeds from generators that all threads share


@dataclass(frozen=True)
class Trainer:
    """A compiled model and the rows to train it on.

    `programs` train it; without them Keras' `fit` does. `reset` gives the model the weights and
    random states of a seed. `predictor` predicts with its current weights. `halted`, shared by
    the trainers of a network, ends their trainings when it is set.

    Batch size, epochs and weight decay follow from the rows of `data.problem`; with folds, `train`
    has a few rows more or less.
    """

    config: NetworkConfig
    model: keras.Model
    data: ScaledData
    train: Feed
    valid: Feed
    programs: Programs | None
    reset: Callable[[int], None]
    predictor: Predictor
    halted: threading.Event


def prepare(
    config: NetworkConfig, data: ScaledData, strategy: Strategy, like: Trainer | None = None
) -> Trainer:
    """Build and compile the network, and load its rows or open them on disk.

    Args:
        like: another trainer of this network, to take rows and engine from.
    """
    keras.utils.clear_session()  # layers' names count from the start
    keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        model = build(config, data.problem)
        compile_model(model, data.problem, config)
    if config.train.ensemble is True and not getattr(model, "inputs", None):
        text = unknown_inputs(config.model.target) + "false"
        raise config.origins.error(("train", "ensemble"), text)
    feeds = [like.train, like.valid] if like else make_feeds(model, config, data)
    return make_trainer(model, config, data, feeds, strategy, like)


def make_trainer(
    model: keras.Model,
    config: NetworkConfig,
    data: ScaledData,
    feeds: list[Feed],
    strategy: Strategy,
    like: Trainer | None = None,
) -> Trainer:
    """Return a trainer of a compiled model on the feeds of the training and validation set."""
    train, valid = feeds
    with strategy.scope():
        build_variables(model, train)
        model.optimizer.build(model.trainable_variables)
    programs = None
    if config.train.engine == "compiled" and strategy.num_replicas_in_sync == 1:
        rows = data.problem.rows["train"]
        programs = compile_programs(model, train, config, rows, like.programs if like else None)
    first = [variable.numpy() for variable in model.optimizer.variables]

    def reset(seed: int) -> None:
        new = build_seeded(seed, lambda: build_variables(build(config, data.problem), train))
        pairs = [*zip(model.variables, new.variables, strict=True)]
        pairs += zip(model.optimizer.variables, first, strict=True)
        for variable, value in pairs:
            variable.assign(value)

    halted = like.halted if like else threading.Event()
    predictor = Predictor(model, data)
    return Trainer(config, model, data, train, valid, programs, reset, predictor, halted)


def build_variables(model: keras.Model, train: Feed) -> keras.Model:
    """Call a subclassed model on one row, which makes its variables."""
    if not model.built:
        model(train.sample[0])
    return model


def build_seeded(seed: int, build: Callable[[], keras.Model]) -> keras.Model:
    """Return what `build` returns, with the weights and random states of a seed.

    Restores the global random generators. keras.utils.set_random_seed also seeds TensorFlow's
    generator, and then TensorFlow prepares all programs again.
    """
    with SEEDING:
        states = random.getstate(), np.random.get_state()  # noqa: NPY002
        random.seed(seed)
        np.random.seed(seed)  # noqa: NPY002
        try:
            return build()
        finally:
            random.setstate(states[0])
            np.random.set_state(states[1])  # noqa: NPY002


def compile_programs(
    model: keras.Model,
    train: Feed,
    config: NetworkConfig,
    rows: int,
    like: Programs | None = None,
) -> Programs:
    """Return the programs of a model, with XLA only if XLA supports the network.

    Args:
        rows: number of training rows that batch size and epochs follow from.
        like: programs of another model of this network, to take the choice of XLA from.
    """
    settings = config.train
    if like is not None:
        return replace(make_programs(model, train, settings, rows, like.xla), reason=like.reason)
    programs = make_programs(model, train, settings, rows, settings.xla)
    if settings.xla == "auto" and programs.xla and not compiles(programs, train):
        programs = make_programs(model, train, settings, rows, False)
        return replace(programs, reason="XLA does not take the network")
    return programs


def compiles(programs: Programs, train: Feed) -> bool:
    """Tell whether XLA compiles a training, by compiling it without running a step."""
    window = next(train.shuffled(0, 0))
    try:
        programs.steps(window.examples, window.order, tf.constant(0), tf.constant(0))
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return False
    return True
