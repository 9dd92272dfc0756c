"""The training of one network on one data set.

Devices come first (`devices`), then the network is built (`fathom.models`) and compiled
(`compiling`); Keras' `fit` runs it with the callbacks of `callbacks`; `saving` writes it.
"""

import platform
import re
import sys
import time
from dataclasses import dataclass
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

import keras
import pandas as pd

from fathom import paths
from fathom.config.schema import NetworkConfig
from fathom.config.targets import make
from fathom.data.parts import read_part, read_target_scalers
from fathom.data.schema import Problem
from fathom.errors import FathomError
from fathom.files import replacing, write_json, write_text
from fathom.models.interface import input_names, unwrap
from fathom.training import compiling
from fathom.training.callbacks import callbacks
from fathom.training.devices import device_names
from fathom.training.saving import save_model

if TYPE_CHECKING:
    import tensorflow as tf

VERSIONS = ("tensorflow", "keras", "numpy", "pandas", "scikit-learn", "hydra-core", "dvc")


@dataclass(frozen=True)
class Training:
    """A trained model with the weights of the kept epoch, and how it came about.

    `history` has a row an epoch: `epoch`, from 1, and what Keras logs; errors of regression in
    the target's own unit, losses as they are trained on.
    """

    model: keras.Model
    history: pd.DataFrame
    monitor: str
    best_epoch: int
    kept_epoch: int
    seconds: float


def train(config: NetworkConfig, strategy: "tf.distribute.Strategy") -> Training:
    """Train a network and write it to `models/<dataset>/<model>/`.

    Writes `model.keras`, `history.csv`, `summary.txt` and `run.json`, and the learning curves
    for `dvc plots`.

    Args:
        config: with a data set and a model.
        strategy: which devices train, as `devices.start_tensorflow` returns it.

    Raises:
        FathomError: the settings ask for what Keras or the network cannot do, or the loss is no
            longer a number.
    """
    problem = Problem.read(config.dataset.name)
    keras.utils.clear_session()  # layers' names count from the start
    keras.utils.set_random_seed(config.seed)
    with strategy.scope():
        model = build(config, problem)
        compiling.compile_model(model, problem, config)
    training = fit(model, problem, config)
    write(training, config)
    return training


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


def fit(model: keras.Model, problem: Problem, config: NetworkConfig) -> Training:
    """Train a compiled model."""
    scalers = read_target_scalers(problem)
    train, valid = read_part(problem, "train"), read_part(problem, "valid")
    inputs = input_names(model)
    weights = compiling.class_weights(train, problem, config)
    on_terminal = sys.stdout.isatty()
    watching = callbacks(config, problem, scalers, on_terminal)
    started = time.perf_counter()
    history = model.fit(
        unwrap(train.inputs(inputs, problem)),
        compiling.targets(model, train, problem, scalers, config),
        sample_weight=compiling.sample_weights(model, train, problem, weights),
        validation_data=(
            unwrap(valid.inputs(inputs, problem)),
            compiling.targets(model, valid, problem, scalers, config),
            compiling.sample_weights(model, valid, problem, None),
        ),
        batch_size=config.train.batch_size,
        epochs=config.train.epochs,
        callbacks=watching,
        verbose=1 if on_terminal else 0,
    ).history
    seconds = time.perf_counter() - started
    stopping = next(c for c in watching if isinstance(c, keras.callbacks.EarlyStopping))
    epochs = pd.DataFrame(history)
    epochs.insert(0, "epoch", range(1, len(epochs) + 1))
    best = stopping.best_epoch + 1
    kept = best if config.train.keep == "best" else len(epochs)
    return Training(model, epochs, stopping.monitor, best, kept, seconds)


def write(training: Training, config: NetworkConfig) -> None:
    """Write a training's outputs."""
    dataset, model = config.dataset.name, config.model.name
    folder = paths.model(dataset, model)
    with replacing(folder / "model.keras") as beside:
        save_model(training.model, beside)
    write_text(folder / "history.csv", training.history.to_csv(index=False))
    write_text(folder / "summary.txt", summary(training.model))
    write_json(folder / "run.json", description(training, config))
    curves = training.history[["epoch", "loss", "val_loss"]]
    write_text(paths.plots("curves", dataset, model) / "loss.csv", curves.to_csv(index=False))


def summary(model: keras.Model) -> str:
    """Return Keras' table of the layers, without what it counts of the optimiser."""
    lines: list[str] = []
    model.summary(print_fn=lines.append)
    text = "\n".join(lines)
    return re.sub(r"^ (Total|Optimizer) params.*\n", "", text, flags=re.MULTILINE)


def description(training: Training, config: NetworkConfig) -> dict[str, Any]:
    """Return what there is to know of a run, for `run.json`."""
    return {
        "dataset": config.dataset.name,
        "model": config.model.name,
        "experiment": config.experiment,
        "seed": config.seed,
        "parameters": training.model.count_params(),
        "epochs": len(training.history),
        "best_epoch": training.best_epoch,
        "kept_epoch": training.kept_epoch,
        "monitor": training.monitor,
        "seconds": round(training.seconds, 3),
        "devices": device_names(),
        "versions": {"python": platform.python_version()}
        | {package: version(package) for package in VERSIONS},
        "settings": {
            "model": config.model.model_dump(by_alias=True, exclude={"name"}),
            "train": config.train.model_dump(by_alias=True),
        },
    }
