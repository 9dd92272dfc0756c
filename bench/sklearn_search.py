"""The trials of a search by scikit-learn's RandomizedSearchCV: python bench/sklearn_search.py JOBS

An estimator trains by Keras' `fit`. Its only parameter is the number of a given trial, and each
number is drawn once. Its data has two rows, the names of the training and the validation set, and
the only split fits on the first and scores the second.
"""
# ruff: noqa: E402

import os
import sys
import time

started = time.perf_counter()

JOBS = int(sys.argv[1]) if __name__ == "__main__" else 1
if JOBS > 1:  # processes share the cores
    os.environ["TF_NUM_INTRAOP_THREADS"] = str(max((os.cpu_count() or 1) // JOBS, 1))

from typing import Any

from search_task import RMSE, VALIDATION_BATCH, print_result, task
from sklearn.base import BaseEstimator
from sklearn.model_selection import RandomizedSearchCV


class TrialEstimator(BaseEstimator):  # type: ignore[misc]
    """The model of a trial, by the trial's number."""

    def __init__(self, trial: int = 0) -> None:
        self.trial = trial

    def fit(self, subset: Any, targets: None = None) -> "TrialEstimator":  # noqa: ARG002
        self.model_ = task().compiled_model(self.trial)
        task().fit(self.model_, self.trial, task().examples[subset[0]])
        return self

    def score(self, subset: Any, targets: None = None) -> float:  # noqa: ARG002
        """Return the negative RMSE in the target's unit: scikit-learn maximizes scores."""
        examples = task().examples[subset[0]]
        metrics = self.model_.evaluate(
            *examples, batch_size=VALIDATION_BATCH, verbose=0, return_dict=True
        )
        return -float(metrics[RMSE] * task().unit)


def main() -> None:
    trials = len(task().trials)
    search = RandomizedSearchCV(
        TrialEstimator(),
        {"trial": list(range(trials))},
        n_iter=trials,
        cv=[([0], [1])],
        n_jobs=JOBS,
        refit=False,
        error_score="raise",
        random_state=0,
    )
    start = time.perf_counter() - started
    search.fit(["train", "valid"])
    results = search.cv_results_
    scores = dict(zip(results["param_trial"], results["mean_test_score"], strict=True))
    print_result(start, [-float(scores[trial]) for trial in range(trials)])


if __name__ == "__main__":
    main()
