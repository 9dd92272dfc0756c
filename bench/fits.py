"""What contenders of `fathom search` train: networks of the same settings, by Keras' `fit`."""

import functools
import json
from pathlib import Path
from typing import Any

import keras
from plain_keras import stopping

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData, scaler_of
from fathom.search.base_settings import BaseSettings
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.feeds import Examples, make_reader

TASK = Path("task.json")  # in the folder of a contender
VALIDATION_BATCH = 1024  # rows, as in Fathom
RMSE = "main_output_rmse"  # as Keras logs it


class Fits:
    """The trainings of one search by their numbers, their rows in memory.

    Args:
        overrides: those that all trainings have in common.
        trials: the values that each tries.
    """

    def __init__(self, overrides: list[str], trials: list[dict[str, Any]]) -> None:
        self.trials = trials
        self.base = BaseSettings(overrides)
        config = self.config(0)
        self.problem, data = Problem.read(config.dataset.name), ScaledData.read(config.dataset.name)
        model = build(config, self.problem)
        self.examples = {
            part: make_reader(model, part, data, config, None)(None) for part in ("train", "valid")
        }
        scale = scaler_of("main_output", data.scalers).scale
        self.unit = 1.0 if scale is None else scale[0]

    def config(self, at: int) -> NetworkConfig:
        return self.base.with_values(self.trials[at])

    def compiled(self, at: int) -> keras.Model:
        """Return a new network of a trial, as its seed has it begin."""
        keras.backend.clear_session()
        config = self.config(at)
        keras.utils.set_random_seed(config.seed)
        model = build(config, self.problem)
        compile_model(model, self.problem, config)
        return model

    def fit(self, model: keras.Model, at: int, rows: Examples, **settings: Any) -> Any:
        """Train a trial's network on some rows, and stop it early by the validation part."""
        config = self.config(at)
        early = stopping(model, config, self.problem)
        return model.fit(
            *rows,
            batch_size=config.train.batch_size,
            epochs=config.train.epochs,
            validation_data=self.examples["valid"],
            validation_batch_size=VALIDATION_BATCH,
            verbose=0,
            callbacks=[*settings.pop("callbacks", []), early],
            **settings,
        )


@functools.cache
def fits() -> Fits:
    """Return the trainings that `task.json` in the working folder names."""
    task = json.loads(TASK.read_text())
    return Fits(task["overrides"], task["trials"])


def tell(began: float, ready: float, values: list[float]) -> None:
    """Print what came out: the seconds until the first trial began, and the trials' values."""
    print(json.dumps({"start": ready - began, "values": values}))
