"""A network put together with its rows and its programs."""

from __future__ import annotations

import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from typing import TypeAlias

import keras
import numpy as np
import tensorflow as tf

from fathom.artifacts.scaled_data import ScaledData
from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, class_weights, compile_model
from fathom.train.compiled_fit import Programs, make_programs
from fathom.train.devices import memory_for_rows
from fathom.train.feeds import Feed, make_feed, make_reader, row_alignment
from fathom.train.predictor import Predictor

# A strategy of TensorFlow's, or of Keras' on JAX: what has a scope.
Strategy: TypeAlias = tf.distribute.Strategy | keras.distribution.DataParallel


SEEDING = threading.Lock()  # Keras draws seeds from generators that all threads share


@dataclass(frozen=True)
class Trainer:
    """A compiled model and the rows to train it on.

    `programs` are those of a compiled engine; without them Keras' `fit` trains. `begin` brings
    the model to where a seed has it begin, `predictor` predicts with it as it stands.
    `halted`, which trainers of one network share, ends their trainings.
    """

    model: keras.Model
    data: ScaledData
    train: Feed
    valid: Feed
    programs: Programs | None
    begin: Callable[[int], None]
    predictor: Predictor
    halted: threading.Event


def prepare(
    config: NetworkConfig,
    data: ScaledData,
    strategy: Strategy,
    like: Trainer | None = None,
) -> Trainer:
    """Build and compile the network, and take its rows into memory or open them on disk.

    Args:
        like: another trainer of this network, whose rows and choice of engine are taken over.
    """
    keras.utils.clear_session()  # layers' names count from the start
    keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        model = build(config, data.problem)
        compile_model(model, data.problem, config)
    if config.train.ensemble and not getattr(model, "inputs", None):
        file, key = config.origins.of(("train", "ensemble"))
        raise FathomError(
            f"{file}: {key}: {config.model.target} returned a subclassed model, whose inputs are "
            "not known; set it to false"
        )
    rows = [like.train, like.valid] if like else make_feeds(model, config, data)
    return make_trainer(model, config, data, rows, strategy, like)


def make_trainer(
    model: keras.Model,
    config: NetworkConfig,
    data: ScaledData,
    rows: list[Feed],
    strategy: Strategy,
    like: Trainer | None = None,
) -> Trainer:
    """Make what trains a compiled model on the rows of the training and of the validation part."""
    train, valid = rows
    with strategy.scope():
        build_variables(model, train)
        model.optimizer.build(model.trainable_variables)
    programs = None
    if config.train.engine == "compiled" and strategy.num_replicas_in_sync == 1:
        programs = compile_programs(model, train, config, like.programs if like else None)
    beginnings = Beginnings(lambda: build_variables(build(config, data.problem), train), model)
    halted = like.halted if like else threading.Event()
    predictor = Predictor(model, data)
    return Trainer(model, data, train, valid, programs, beginnings.begin, predictor, halted)


def build_variables(model: keras.Model, train: Feed) -> keras.Model:
    """Give a subclassed model its variables, which it makes when it first sees a row."""
    if not model.built:
        model(train.sample[0])
    return model


def make_feeds(model: keras.Model, config: NetworkConfig, data: ScaledData) -> list[Feed]:
    """Return the rows of the training and of the validation part."""
    problem = data.problem
    weights = None
    if config.train.class_weight is not None:
        labels = data.main_targets("train")
        weights = class_weights(labels, problem, config)
    both = problem.rows["train"] + problem.rows["valid"]
    found = []
    for part, by_class in (("train", weights), ("valid", None)):
        rows = problem.rows[part]
        memory = memory_for_rows(config) * rows / both
        read = make_reader(model, part, data, config, by_class)
        alignment = row_alignment(problem.kind)
        found.append(make_feed(read, rows, config.train.batch_size, memory, alignment))
    return found


def compile_programs(
    model: keras.Model, train: Feed, config: NetworkConfig, like: Programs | None = None
) -> Programs:
    """Return the programs: by XLA only if it takes all that the network is made of, and `like`
    others if there are some.
    """
    settings = config.train
    steps = -(-train.rows // settings.batch_size)
    make_with = partial(
        make_programs,
        model,
        train.sample,
        batch_size=settings.batch_size,
        planned=steps * settings.epochs,
        deterministic=settings.deterministic,
    )
    if like is not None:
        return replace(make_with(like.xla), reason=like.reason)
    if settings.xla != "auto":
        return make_with(settings.xla)
    programs = make_with(None)
    if programs.xla and not compiles(programs, train):
        return replace(make_with(False), reason="XLA does not take the network")
    return programs


def compiles(programs: Programs, train: Feed) -> bool:
    """Tell whether XLA compiles a training, by compiling it; no step is run."""
    window = next(train.shuffled(0, 0))
    try:
        programs.steps(window.examples, window.order, tf.constant(0), tf.constant(0))
    except (tf.errors.InvalidArgumentError, tf.errors.UnimplementedError):
        return False
    return True


def build_seeded(seed: int, build: Callable[[], keras.Model]) -> keras.Model:
    """Return what `build` returns, with the weights and random states that `seed` gives; the
    generators that it is drawn from go on as if nothing had been.

    keras.utils.set_random_seed does more: it seeds TensorFlow's own generator, too, which has
    TensorFlow prepare all programs once more.
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


class Beginnings:
    """Brings one compiled model to where a newly built one begins, without compiling it again.

    Args:
        build: returns a new network, not compiled, whose weights depend on Keras' seed.
        model: such a network, compiled, its optimiser built, not trained yet.
    """

    def __init__(self, build: Callable[[], keras.Model], model: keras.Model) -> None:
        self.build, self.model = build, model
        self.optimizer = [variable.numpy() for variable in model.optimizer.variables]

    def begin(self, seed: int) -> None:
        """Give the model the weights and random states that `seed` gives a new one."""
        new = build_seeded(seed, self.build)
        for variable, value in zip(self.model.variables, new.variables, strict=True):
            variable.assign(value)
        for variable, first in zip(self.model.optimizer.variables, self.optimizer, strict=True):
            variable.assign(first)
