"""The trials of a search by Keras Tuner: python bench/keras_tuner_search.py

Its GridSearch goes over the numbers of given trials; otherwise it does what its RandomSearch does.
"""
# ruff: noqa: E402

import time

began = time.perf_counter()

import tempfile
from typing import Any

import keras
import keras_tuner
from fits import RMSE, fits, tell


class Network(keras_tuner.HyperModel):  # type: ignore[misc]
    """A trial's network, by the trial's number."""

    def build(self, hp: Any) -> keras.Model:
        return fits().compiled(hp.Int("at", 0, len(fits().trials) - 1))

    def fit(self, hp: Any, model: keras.Model, *rows: Any, **settings: Any) -> Any:
        settings.pop("verbose")
        return fits().fit(model, hp.get("at"), rows, **settings)


def main() -> None:
    trials = len(fits().trials)
    with tempfile.TemporaryDirectory() as folder:
        tuner = keras_tuner.GridSearch(
            Network(),
            objective=keras_tuner.Objective(f"val_{RMSE}", "min"),
            max_trials=trials,
            directory=folder,
            max_consecutive_failed_trials=1,
        )
        ready = time.perf_counter()
        tuner.search(*fits().examples["train"], verbose=0)
        found = {
            trial.hyperparameters.get("at"): trial.score * fits().unit
            for trial in tuner.oracle.trials.values()
        }
    tell(began, ready, [found[at] for at in range(trials)])


if __name__ == "__main__":
    main()
