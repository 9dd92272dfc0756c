"""The training of one network on one data set, from each of its seeds."""

import os
import shutil
import time
from contextlib import suppress

import numpy as np
import tensorflow as tf

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.settings.config import NetworkConfig
from fathom.train import runs
from fathom.train.callbacks import direction, monitor_name
from fathom.train.devices import cores
from fathom.train.feeds import MemoryFeed
from fathom.train.fingerprint import fingerprint
from fathom.train.outputs import Training, write
from fathom.train.runs import MODEL, TrainRun
from fathom.train.trainer import Trainer, prepare


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
        return train_by(runs.train_run, config, strategy)
    from fathom.train.ray import driver

    with driver.joined(config):
        return train_by(driver.train_run, config, strategy)


def train_by(
    train_run: TrainRun, config: NetworkConfig, strategy: tf.distribute.Strategy
) -> Training:
    """Train from each seed, in this process or on the cluster that it has joined."""
    data = ScaledData.read(config.dataset.name)
    problem = data.problem
    first = prepare(config, data, strategy)
    seeds = [(config.seed + repeat) % 2**32 for repeat in range(number_of_runs(config, problem))]
    several = at_once(config, len(seeds), alone(first, config))
    trainers = [first, *(prepare(config, data, strategy, first) for _ in seeds[1:several])]
    unfinished = paths.checkpoints(config.dataset.name, config.model.name)
    folder = unfinished / fingerprint(config)
    for other in unfinished.glob("*"):
        if other != folder:  # of other settings, data or code
            shutil.rmtree(other)
    began = time.perf_counter()
    finished = runs.finish_runs(trainers, seeds, folder, config, train_run)
    seconds = time.perf_counter() - began
    monitor = monitor_name(config, problem)
    sign = -1 if direction(monitor) == "max" else 1
    best = min(finished, key=lambda run: sign * run.value)
    first.model.load_weights(folder / best.name / MODEL)
    history = runs.read_history(folder / best.name)
    training = Training(first.model, history, monitor, best, finished, seconds, several)
    write(training, first, folder, config)
    shutil.rmtree(unfinished)
    with suppress(OSError):  # others are at work in there
        os.removedirs(unfinished.parent)
    return training


def alone(trainer: Trainer, config: NetworkConfig) -> str | None:
    """Say why runs cannot train at once with such trainers, if they cannot."""
    if config.train.engine == "ray":
        return "on a Ray cluster"
    if trainer.programs is None:
        return "by Keras' fit"
    if not isinstance(trainer.train, MemoryFeed):
        return "from disk"
    return None


MANY_VALUES = 10_000_000


REPEATS = 3


def number_of_runs(config: NetworkConfig, problem: Problem) -> int:
    """Return how often a network is trained: fewer times where it takes long."""
    if config.train.repeats != "auto":
        return config.train.repeats
    widths = [problem.shape_of(name) for name in ("features", "categories")]
    values = problem.rows["train"] * sum(int(np.prod(width)) for width in widths)
    return REPEATS if values <= MANY_VALUES else 1


def at_once(config: NetworkConfig, runs: int, alone: str | None) -> int:
    """Return how many runs train at the same time, each in a thread with a model of its own.

    Small networks leave most of a processor idle: a run does not take all cores.

    Args:
        alone: why only one can; None if several can.

    Raises:
        FathomError: several are asked for, but only one can.
    """
    asked = config.train.at_once
    if asked != "auto":
        if asked > 1 and alone is not None:
            file, key = config.origins.of(("train", "at_once"))
            raise FathomError(
                f"{file}: {key}: {asked} runs cannot train at once {alone}; set it to 1"
            )
        return min(asked, runs)
    if alone or config.train.callbacks or tf.config.get_visible_devices("GPU"):
        return 1
    return min(cores(), runs)
