"""What two lines of scikit-learn give: the figures that a network must beat."""

from typing import Any

import numpy as np
from sklearn.base import ClassifierMixin, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression

from fathom import paths
from fathom.config.schema import DatasetConfig, Task
from fathom.data.parts import read_part
from fathom.data.schema import Problem
from fathom.evaluation.scores import prediction_table, scores
from fathom.files import replacing, write_json

Estimator = RegressorMixin | ClassifierMixin


def baselines(task: Task, seed: int) -> dict[str, Any]:
    """Return the baselines of a task by name, with scikit-learn's default settings."""
    if task == "regression":
        return {
            "mean": DummyRegressor(),
            "linear": LinearRegression(),
            "boosting": HistGradientBoostingRegressor(random_state=seed),
        }
    return {
        "majority": DummyClassifier(),
        "logistic": LogisticRegression(max_iter=1000),
        "boosting": HistGradientBoostingClassifier(random_state=seed),
    }


def baseline(config: DatasetConfig) -> dict[str, Any]:
    """Fit the baselines on the training part and score them on every part.

    They get the same scaled features as the networks (images as one row of pixels) and targets
    in their own unit. Writes `metrics/<dataset>/baseline.json`, by baseline and part, and the
    test part's predictions to `data/predictions/<dataset>/baseline/`.
    """
    problem = Problem.read(config.dataset.name)
    parts = {name: read_part(problem, name) for name in paths.PARTS}
    features = {name: part.features.reshape(len(part.rows), -1) for name, part in parts.items()}
    train = parts["train"]
    metrics: dict[str, Any] = {}
    with replacing(paths.predictions(problem.dataset, "baseline").with_suffix("")) as folder:
        folder.mkdir()
        for name, estimator in baselines(problem.main.task, config.seed).items():
            estimator.fit(
                features["train"], train.target("main_output"), sample_weight=train.weights
            )
            metrics[name] = {}
            for part_name, part in parts.items():
                predicted = predict(estimator, features[part_name], problem)
                actual = part.target("main_output")
                metrics[name][part_name] = scores(problem.main, actual, predicted)
            table = prediction_table(problem.main, part.rows, actual, predicted)
            table.to_parquet(folder / f"{name}.parquet", index=False)
    write_json(paths.metrics(problem.dataset, "baseline"), metrics)
    return metrics


def predict(estimator: Any, features: np.ndarray, problem: Problem) -> np.ndarray:
    """Return numbers of shape (rows,) or probabilities of shape (rows, classes).

    A class that no training row has gets the probability 0.
    """
    if problem.main.task == "regression":
        return np.asarray(estimator.predict(features))
    probabilities = np.zeros((len(features), problem.main.units))
    probabilities[:, estimator.classes_] = estimator.predict_proba(features)
    return probabilities
