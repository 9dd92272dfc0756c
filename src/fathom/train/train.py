"""The training of one network on one data set, from each of its seeds."""

import os
import shutil
import time
from contextlib import suppress

import tensorflow as tf

from fathom.artifacts.scaled_data import ScaledFiles
from fathom.base import paths
from fathom.settings.config import NetworkConfig
from fathom.train import runs
from fathom.train.batches import InMemory
from fathom.train.build import prepare
from fathom.train.callbacks import direction, monitored
from fathom.train.fingerprint import fingerprint
from fathom.train.repeats import at_once, repeats
from fathom.train.runs import MODEL, Trainer, TrainFrom
from fathom.train.write import Training, write


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
        return train_by(runs.train_from, config, strategy)
    from fathom.train import ray_train

    with ray_train.joined(config):
        return train_by(ray_train.train_from, config, strategy)


def train_by(
    train_from: TrainFrom, config: NetworkConfig, strategy: tf.distribute.Strategy
) -> Training:
    """Train from each seed, in this process or on the cluster that it has joined."""
    data = ScaledFiles.of(config.dataset.name)
    problem = data.problem
    first = prepare(config, data, strategy)
    seeds = [(config.seed + repeat) % 2**32 for repeat in range(repeats(config, problem))]
    several = at_once(config, len(seeds), alone(first, config))
    trainers = [first, *(prepare(config, data, strategy, first) for _ in seeds[1:several])]
    unfinished = paths.checkpoints(config.dataset.name, config.model.name)
    folder = unfinished / fingerprint(config)
    for other in unfinished.glob("*"):
        if other != folder:  # of other settings, data or code
            shutil.rmtree(other)
    began = time.perf_counter()
    finished = runs.finished_runs(trainers, seeds, folder, config, train_from)
    seconds = time.perf_counter() - began
    monitor = monitored(config, problem)
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
    if not isinstance(trainer.train, InMemory):
        return "from disk"
    return None
