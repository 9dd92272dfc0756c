"""The training of one network on one data set, from each of its seeds."""

import os
import shutil
import threading
import time
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

import keras
import tensorflow as tf

from fathom import paths
from fathom.config.schema import NetworkConfig
from fathom.config.targets import make
from fathom.data.parts import Scaled, ScaledFiles
from fathom.data.schema import Problem
from fathom.errors import FathomError
from fathom.training import compiling
from fathom.training.callbacks import direction, monitored
from fathom.training.examples import reader
from fathom.training.feeds import Feed, InMemory, feed, row_alignment
from fathom.training.fingerprint import fingerprint
from fathom.training.memory import for_rows
from fathom.training.predictor import Predictor
from fathom.training.programs import Programs, make_programs
from fathom.training.repeats import Beginnings, at_once, repeats
from fathom.training.runs import MODEL, Trainer, finished_runs, read_history
from fathom.training.writing import Training, write

if TYPE_CHECKING:
    from fathom.training.together import Together

# A strategy of TensorFlow's, or of Keras' on JAX: what has a scope.
Strategy: TypeAlias = tf.distribute.Strategy | keras.distribution.DataParallel


def train(config: NetworkConfig, strategy: tf.distribute.Strategy) -> Training:
    """Train a network from each of its seeds and write it to `models/<dataset>/<model>/`.

    Writes `model.keras`, the best run on the validation part or the ensemble of all;
    `repeats/seed-<seed>.keras`, the model of each run, and `predictions/seed-<seed>/`, what it
    predicts for every part; `history.csv`, `summary.txt` and `run.json`; and the learning curves
    for `dvc plots`. A training that was killed goes on from
    its last checkpoint, in `checkpoints/<dataset>/<model>/`.

    Args:
        config: with a data set and a model.
        strategy: which devices train, as `devices.start_tensorflow` returns it.

    Raises:
        FathomError: the settings ask for what Keras or the network cannot do, or the loss is no
            longer a number.
    """
    if config.train.deterministic:
        tf.config.experimental.enable_op_determinism()
    if config.train.engine != "ray":
        return train_by(None, config, strategy)
    from fathom.training.together import joined

    with joined(config) as together:
        return train_by(together, config, strategy)


def train_by(
    together: "Together | None", config: NetworkConfig, strategy: tf.distribute.Strategy
) -> Training:
    """Train in this process, or on a cluster."""
    data = ScaledFiles.of(config.dataset.name)
    problem = data.problem
    first = replace(prepare(config, data, strategy), together=together)
    seeds = [(config.seed + repeat) % 2**32 for repeat in range(repeats(config, problem))]
    several = at_once(config, len(seeds), alone(first))
    trainers = [first, *(prepare(config, data, strategy, first) for _ in seeds[1:several])]
    unfinished = paths.checkpoints(config.dataset.name, config.model.name)
    folder = unfinished / fingerprint(config)
    for other in unfinished.glob("*"):
        if other != folder:  # of other settings, data or code
            shutil.rmtree(other)
    began = time.perf_counter()
    runs = finished_runs(trainers, seeds, folder, config)
    seconds = time.perf_counter() - began
    monitor = monitored(config, problem)
    sign = -1 if direction(monitor) == "max" else 1
    best = min(runs, key=lambda run: sign * run.value)
    first.model.load_weights(folder / best.name / MODEL)
    history = read_history(folder / best.name)
    training = Training(first.model, history, monitor, best, runs, seconds, several)
    write(training, first, folder, config)
    shutil.rmtree(unfinished)
    with suppress(OSError):  # others are at work in there
        os.removedirs(unfinished.parent)
    return training


def prepare(
    config: NetworkConfig,
    data: Scaled,
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
        compiling.compile_model(model, data.problem, config)
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
    data: Scaled,
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


def alone(trainer: Trainer) -> str | None:
    """Say why runs cannot train at once with such trainers, if they cannot."""
    if trainer.together is not None:
        return "on a Ray cluster"
    if trainer.programs is None:
        return "by Keras' fit"
    if not isinstance(trainer.train, InMemory):
        return "from disk"
    return None


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


def feeds(model: keras.Model, config: NetworkConfig, data: Scaled) -> list[Feed]:
    """Return the rows of the training and of the validation part."""
    problem = data.problem
    weights = None
    if config.train.class_weight is not None:
        labels = data.main_targets("train")
        weights = compiling.class_weights(labels, problem, config)
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
