"""The task of the contenders of `fathom search`: trials with given settings, by Keras' `fit`."""

import functools
import json
from pathlib import Path
from typing import Any

import keras
from plain_keras import keras_stopping

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData, scaler_of
from fathom.search.base_settings import BaseSettings
from fathom.settings.config import NetworkConfig
from fathom.train.build import build, compile_model
from fathom.train.feeds import Examples, make_reader
from fathom.train.steps import batch_size, number_of_epochs

VALIDATION_BATCH = 1024  # rows, as in Fathom
RMSE = "main_output_rmse"  # as Keras logs it


class SearchTask:
    """The settings of all trials, and the rows. `unit` is the target's unit per scaled unit."""

    def __init__(self) -> None:
        task = json.loads(Path("task.json").read_text())
        self.trials: list[dict[str, Any]] = task["trials"]
        self.base = BaseSettings(task["overrides"])
        config = self.config(0)
        self.problem, data = Problem.read(config.dataset.name), ScaledData.read(config.dataset.name)
        model = build(config, self.problem)
        self.examples: dict[str, Examples] = {
            name: make_reader(model, name, data, config, None)(None) for name in ("train", "valid")
        }
        scale = scaler_of("main_output", data.scalers).scale
        self.unit = 1.0 if scale is None else scale[0]

    def config(self, trial: int) -> NetworkConfig:
        return self.base.with_values(self.trials[trial])

    def compiled_model(self, trial: int) -> keras.Model:
        """Return a new model of a trial, initialized from its seed."""
        keras.backend.clear_session()
        config = self.config(trial)
        keras.utils.set_random_seed(config.seed)
        model = build(config, self.problem)
        compile_model(model, self.problem, config)
        return model

    def fit(self, model: keras.Model, trial: int, rows: Examples, **arguments: Any) -> Any:
        """Train the model of a trial, with early stopping on the validation set."""
        config = self.config(trial)
        stopping = keras_stopping(model, config, self.problem)
        return model.fit(
            *rows,
            batch_size=batch_size(config.train, self.problem.rows["train"]),
            epochs=number_of_epochs(config.train, self.problem.rows["train"]),
            validation_data=self.examples["valid"],
            validation_batch_size=VALIDATION_BATCH,
            verbose=0,
            callbacks=[*arguments.pop("callbacks", []), stopping],
            **arguments,
        )


@functools.cache
def task() -> SearchTask:
    return SearchTask()


def print_result(start: float, values: list[float]) -> None:
    """Print the seconds before the first trial, and the metric of each trial."""
    print(json.dumps({"start": start, "values": values}))
