"""What two lines of scikit-learn give: the figures that a network must beat."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from fathom import paths
from fathom.config.schema import DatasetConfig
from fathom.data.parts import Part, read_part
from fathom.data.scaling import Floats
from fathom.data.schema import Problem
from fathom.evaluation.scores import prediction_table, scores
from fathom.files import replacing, write_json

MOST_CATEGORIES = 255  # that scikit-learn's boosting takes as such; more are taken as numbers


def baselines(problem: Problem, seed: int) -> dict[str, Any]:
    """Return the baselines of a task by name, with scikit-learn's default settings.

    Linear models get categories one-hot, boosting as they are.
    """
    one_hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), list(problem.categories)), remainder="passthrough"
    )
    few = [name for name, codes in problem.categories.items() if codes <= MOST_CATEGORIES]
    boosting = {"random_state": seed, "categorical_features": few or None}
    if problem.main.task == "regression":
        return {
            "mean": DummyRegressor(),
            "linear": make_pipeline(one_hot, LinearRegression()),
            "boosting": HistGradientBoostingRegressor(**boosting),
        }
    return {
        "majority": DummyClassifier(),
        "logistic": make_pipeline(one_hot, LogisticRegression(max_iter=1000)),
        "boosting": HistGradientBoostingClassifier(**boosting),
    }


def baseline(config: DatasetConfig) -> dict[str, Any]:
    """Fit the baselines on the training part and score them on every part.

    They get the same scaled features as the networks (images as one row of pixels) and targets
    in their own unit. Writes `metrics/<dataset>/baseline.json`, by baseline and part, and the
    test part's predictions to `data/predictions/<dataset>/baseline/`.
    """
    problem = Problem.read(config.dataset.name)
    parts = {name: read_part(problem, name) for name in paths.PARTS}
    given = {name: features(part, problem) for name, part in parts.items()}
    train = parts["train"]
    metrics: dict[str, Any] = {}
    with replacing(paths.predictions(problem.dataset, "baseline").with_suffix("")) as folder:
        folder.mkdir()
        for name, estimator in baselines(problem, config.seed).items():
            estimator.fit(given["train"], train.target("main_output"), **weights(estimator, train))
            metrics[name] = {}
            for part_name, part in parts.items():
                predicted = predict(estimator, given[part_name], problem)
                actual = part.target("main_output")
                metrics[name][part_name] = scores(problem.main, actual, predicted)
            table = prediction_table(problem.main, part.rows, actual, predicted)
            table.to_parquet(folder / f"{name}.parquet", index=False)
    write_json(paths.metrics(problem.dataset, "baseline"), metrics)
    return metrics


def features(part: Part, problem: Problem) -> pd.DataFrame | Floats:
    """Return a table's numbers and categories, or images as rows of pixels."""
    if isinstance(part.features, pd.DataFrame):
        return part.features[[*problem.numbers, *problem.categories]]
    return part.features.reshape(len(part.rows), -1)


def weights(estimator: Any, part: Part) -> dict[str, Any]:
    """Return the sample weights as the estimator's `fit` calls them."""
    steps = getattr(estimator, "steps", None)
    return {f"{steps[-1][0]}__sample_weight" if steps else "sample_weight": part.weights}


def predict(estimator: Any, features: pd.DataFrame | Floats, problem: Problem) -> Floats:
    """Return numbers of shape (rows,) or probabilities of shape (rows, classes).

    A class that no training row has gets the probability 0.
    """
    if problem.main.task == "regression":
        return np.asarray(estimator.predict(features))
    probabilities = np.zeros((len(features), problem.main.units))
    probabilities[:, estimator.classes_] = estimator.predict_proba(features)
    return probabilities
