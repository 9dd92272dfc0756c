"""The trials of a search by scikit-learn's RandomizedSearchCV: python bench/sklearn_search.py JOBS

An estimator trains by Keras' `fit`. What is drawn are the numbers of given trials, each once, and
one split has the training part learned from and the validation part predicted.
"""
# ruff: noqa: E402

import os
import sys
import time

began = time.perf_counter()

JOBS = int(sys.argv[1]) if __name__ == "__main__" else 1
if JOBS > 1:  # processes share the cores, and none takes all of them
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(max((os.cpu_count() or 1) // JOBS, 1))

import keras
import numpy as np
from fits import RMSE, VALIDATION_BATCH, fits, tell
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.model_selection import PredefinedSplit, RandomizedSearchCV

from fathom.train.feeds import Examples

Rows = NDArray[np.int64]  # by numbers: those of the training part, then those of validation


class Network(BaseEstimator):  # type: ignore[misc]
    """A trial's network as an estimator; `at` is the trial's number."""

    def __init__(self, at: int = 0) -> None:
        self.at = at

    def fit(self, rows: Rows, targets: None = None) -> "Network":  # noqa: ARG002
        self.model_ = fits().compiled(self.at)
        fits().fit(self.model_, self.at, examples(rows))
        return self

    def score(self, rows: Rows, targets: None = None) -> float:  # noqa: ARG002
        """Return the error in the target's unit, negative: scikit-learn takes what is highest."""
        found = self.model_.evaluate(
            *examples(rows), batch_size=VALIDATION_BATCH, verbose=0, return_dict=True
        )
        return -float(found[RMSE] * fits().unit)


def examples(rows: Rows) -> Examples:
    """Return rows of the two parts, which one split never mixes."""
    train, valid = fits().examples["train"], fits().examples["valid"]
    count = len(keras.tree.flatten(train)[0])
    part, first = (valid, count) if rows[0] >= count else (train, 0)
    taken: Examples = keras.tree.map_structure(lambda array: array[rows - first], part)
    return taken


def main() -> None:
    counts = [len(keras.tree.flatten(fits().examples[part])[0]) for part in ("train", "valid")]
    trials = len(fits().trials)
    search = RandomizedSearchCV(
        Network(),
        {"at": list(range(trials))},
        n_iter=trials,
        cv=PredefinedSplit(np.repeat([-1, 0], counts)),
        n_jobs=JOBS,
        refit=False,
        error_score="raise",
        random_state=0,
    )
    ready = time.perf_counter()
    search.fit(np.arange(sum(counts)))
    results = search.cv_results_
    found = dict(zip(results["param_at"], results["mean_test_score"], strict=True))
    tell(began, ready, [-float(found[at]) for at in range(trials)])


if __name__ == "__main__":
    main()
