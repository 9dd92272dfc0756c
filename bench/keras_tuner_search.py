"""The trials of a search by Keras Tuner: python bench/keras_tuner_search.py

GridSearch tries the numbers of the given trials; apart from that it works as RandomSearch.
"""
# ruff: noqa: E402

import time

started = time.perf_counter()

import tempfile
from typing import Any

import keras
import keras_tuner
from search_task import RMSE, print_result, task


class TrialModel(keras_tuner.HyperModel):  # type: ignore[misc]
    """The model of a trial. The only hyperparameter is the trial's number."""

    def build(self, hp: Any) -> keras.Model:
        return task().compiled_model(hp.Int("trial", 0, len(task().trials) - 1))

    def fit(self, hp: Any, model: keras.Model, *rows: Any, **arguments: Any) -> Any:
        arguments.pop("verbose")
        return task().fit(model, hp.get("trial"), rows, **arguments)


def main() -> None:
    trials = len(task().trials)
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.GridSearch(
            TrialModel(),
            objective=keras_tuner.Objective(f"val_{RMSE}", "min"),
            max_trials=trials,
            directory=folder,
            max_consecutive_failed_trials=1,
        )
        start = time.perf_counter() - started
        tuner.search(*task().examples["train"], verbose=0)
        values = {
            trial.hyperparameters.get("trial"): trial.score * task().unit
            for trial in tuner.oracle.trials.values()
        }
    print_result(start, [values[trial] for trial in range(trials)])


if __name__ == "__main__":
    main()
