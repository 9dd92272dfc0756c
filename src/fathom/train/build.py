"""A network built, compiled and put together with the rows to train it on."""

import threading
from dataclasses import replace
from functools import partial
from typing import TypeAlias

import keras
import tensorflow as tf

from fathom.artifacts.scaled_data import ScaledData
from fathom.artifacts.schema import Problem
from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig
from fathom.settings.instantiate import make
from fathom.train import compilation
from fathom.train.batches import Feed, feed, row_alignment
from fathom.train.inputs import reader
from fathom.train.memory import for_rows
from fathom.train.predictor import Predictor
from fathom.train.programs import Programs, make_programs
from fathom.train.repeats import Beginnings
from fathom.train.runs import Trainer

# A strategy of TensorFlow's, or of Keras' on JAX: what has a scope.
Strategy: TypeAlias = tf.distribute.Strategy | keras.distribution.DataParallel


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
        compilation.compile_model(model, data.problem, config)
    if config.train.ensemble and not getattr(model, "inputs", None):
        file, key = config.origins.of(("train", "ensemble"))
        raise FathomError(
            f"{file}: {key}: {config.model.target} returned a subclassed model, whose inputs are "
            "not known; set it to false"
        )
    rows = [like.train, like.valid] if like else feeds(model, config, data)
    return trainer(model, config, data, rows, strategy, like)


def trainer(
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
        with_variables(model, train)
        model.optimizer.build(model.trainable_variables)
    programs = None
    if config.train.engine == "compiled" and strategy.num_replicas_in_sync == 1:
        programs = compile_programs(model, train, config, like.programs if like else None)
    beginnings = Beginnings(lambda: with_variables(build(config, data.problem), train), model)
    halted = like.halted if like else threading.Event()
    predictor = Predictor(model, data)
    return Trainer(model, data, train, valid, programs, beginnings.begin, predictor, halted)


def build(config: NetworkConfig, problem: Problem) -> keras.Model:
    """Return the network that the model's file names, not compiled."""
    model = make(config.model, ("model",), config.origins, problem)
    if not isinstance(model, keras.Model):
        file, key = config.origins.of(("model", "_target_"))
        raise FathomError(
            f"{file}: {key}: {config.model.target} returned {type(model).__name__}, not a Keras "
            "model"
        )
    return model


def with_variables(model: keras.Model, train: Feed) -> keras.Model:
    """Give a subclassed model its variables, which it makes when it first sees a row."""
    if not model.built:
        model(train.sample[0])
    return model


def feeds(model: keras.Model, config: NetworkConfig, data: ScaledData) -> list[Feed]:
    """Return the rows of the training and of the validation part."""
    problem = data.problem
    weights = None
    if config.train.class_weight is not None:
        labels = data.main_targets("train")
        weights = compilation.class_weights(labels, problem, config)
    both = problem.rows["train"] + problem.rows["valid"]
    found = []
    for part, by_class in (("train", weights), ("valid", None)):
        rows = problem.rows[part]
        memory = for_rows(config) * rows / both
        read = reader(model, part, data, config, by_class)
        alignment = row_alignment(problem.kind)
        found.append(feed(read, rows, config.train.batch_size, memory, alignment))
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
