"""The trainings of one stage `train` as a plain Keras script, on data that the pipeline has scaled:

PYTHONPATH=src python bench/plain_keras.py DATASET MODEL

From each seed a new model goes through `fit`, is saved and evaluated on the test part. Prints the
seconds as JSON: of Keras' and pandas' imports; of composing the project's settings, which such a
script would have in its text; and of each training.
"""
# ruff: noqa: E402

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

began = time.perf_counter()

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
from fathom.train.train import number_of_runs


def main(dataset: str, network: str) -> None:
    config = compose([f"dataset={dataset}", f"model={network}"], NetworkConfig)
    composed = time.perf_counter()
    problem = Problem.read(dataset)
    model, data = build(config, problem), ScaledData.read(dataset)
    parts = {part: make_reader(model, part, data, config, None)(None) for part in problem.rows}
    trainings = []
    for seed in range(config.seed, config.seed + number_of_runs(config, problem)):
        started = time.perf_counter()
        train(seed, parts, config, problem)
        trainings.append(time.perf_counter() - started)
    seconds = {"imports": imported - began, "settings": composed - imported, "trainings": trainings}
    print(json.dumps(seconds))


def train(seed: int, parts: dict[str, Examples], config: NetworkConfig, problem: Problem) -> None:
    keras.utils.set_random_seed(seed)
    model = build(config, problem)
    compile_model(model, problem, config)
    model.fit(
        *parts["train"],
        batch_size=config.train.batch_size,
        epochs=config.train.epochs,
        validation_data=parts["valid"],
        callbacks=[stopping(model, config, problem)],
        verbose=0,
    )
    with tempfile.TemporaryDirectory() as folder:
        model.save(Path(folder, "model.keras"))
    model.evaluate(*parts["test"], verbose=0)


def stopping(model: keras.Model, config: NetworkConfig, problem: Problem) -> Any:
    """Return the pipeline's early stopping, told of the main output as Keras names it."""
    found = early_stopping(config, problem)
    if len(output_names(model)) > 1 and found.monitor != "val_loss":
        found.monitor = found.monitor.replace("val_", "val_main_output_")
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
