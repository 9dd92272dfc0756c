"""The trainings of one stage `train` as a plain Keras script, on data that the pipeline has scaled:

PYTHONPATH=src python bench/plain_keras.py DATASET MODEL

For each seed it trains a new model by `fit`, saves it and evaluates it on the test set. Prints
JSON: the seconds of importing Keras and pandas; of composing the project's settings, which a plain
script would contain; and of each training.
"""
# ruff: noqa: E402

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

started = time.perf_counter()

import keras
import pandas as pd  # noqa: F401

imported = time.perf_counter()

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData
from fathom.models.names import output_names
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.callbacks import early_stopping
from fathom.train.feeds import Examples, make_reader
from fathom.train.steps import batch_size, number_of_epochs
from fathom.train.train import number_of_runs


def main(dataset: str, model_name: str) -> None:
    config = compose([f"dataset={dataset}", f"model={model_name}"], NetworkConfig)
    composed = time.perf_counter()
    problem = Problem.read(dataset)
    model, data = build(config, problem), ScaledData.read(dataset)
    subsets = {name: make_reader(model, name, data, config, None)(None) for name in problem.rows}
    trainings = []
    for seed in range(config.seed, config.seed + number_of_runs(config, problem)):
        begin = time.perf_counter()
        train(seed, subsets, config, problem)
        trainings.append(time.perf_counter() - begin)
    seconds = {"imports": imported - started, "settings": composed - imported}
    print(json.dumps(seconds | {"trainings": trainings}))


def train(seed: int, subsets: dict[str, Examples], config: NetworkConfig, problem: Problem) -> None:
    keras.utils.set_random_seed(seed)
    model = build(config, problem)
    compile_model(model, problem, config)
    model.fit(
        *subsets["train"],
        batch_size=batch_size(config.train, problem.rows["train"]),
        epochs=number_of_epochs(config.train, problem.rows["train"]),
        validation_data=subsets["valid"],
        callbacks=[keras_stopping(model, config, problem)],
        verbose=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model.keras"))
    model.evaluate(*subsets["test"], verbose=0)


def keras_stopping(model: keras.Model, config: NetworkConfig, problem: Problem) -> Any:
    """Return the pipeline's early stopping, which monitors the name that Keras' `fit` logs."""
    callback = early_stopping(config, problem)
    if len(output_names(model)) > 1 and callback.monitor != "val_loss":
        callback.monitor = callback.monitor.replace("val_", "val_main_output_")
    return callback


if __name__ == "__main__":
    main(*sys.argv[1:])
