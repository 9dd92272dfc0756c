"""What two lines of scikit-learn give: the figures that a network must beat."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import Subset, read_subset
from fathom.artifacts.scalers import Floats
from fathom.base import paths
from fathom.base.blocks import blocks
from fathom.base.files import RowNumbers, TableWriter, atomic_write, write_json
from fathom.evaluate.metrics import prediction_table
from fathom.evaluate.sums import tally
from fathom.settings.config import DatasetConfig

MOST_CATEGORIES = 255  # that scikit-learn's boosting takes as such; more are taken as numbers
SPARSE = 0.3  # share of values that are not 0 below which one-hot categories are kept as such only
TRAINED_ROWS = 1_000_000  # at most
TRAINED_VALUES = 45_000_000  # likewise: three copies in float64 take a gigabyte


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
    """Fit the baselines on the training part and score them on every part, block by block.

    They get the same scaled features as the networks (images as one row of pixels) and targets
    in their own unit; of a large training part some rows, see `training_rows`. Writes
    `metrics/<dataset>/baseline.json`, by baseline and part, and then under `trained_rows` how many
    these were; and the test part's predictions to `data/predictions/<dataset>/baseline/`.
    """
    problem = Problem.read(config.dataset.name)
    chosen = training_rows(problem, config.seed)
    estimators = fitted(problem, chosen, config.seed)
    metrics: dict[str, Any] = {name: {} for name in estimators}
    with (
        atomic_write(paths.predictions(problem.dataset, "baseline").with_suffix("")) as folder,
        ExitStack() as files,
    ):
        folder.mkdir()
        opened = {name: TableWriter(folder / f"{name}.parquet") for name in estimators}
        writers = {name: files.enter_context(writer) for name, writer in opened.items()}
        for part in paths.SUBSETS:
            tallies = {name: tally(problem.main) for name in estimators}
            for name, block, predicted in predictions(estimators, problem, part):
                actual = block.target("main_output")
                tallies[name].add(actual, predicted)
                if part == "test":
                    table = prediction_table(problem.main, block.rows, actual, predicted)
                    writers[name].write(table)
            for name, found in tallies.items():
                metrics[name][part] = found.scores()
    if chosen is not None:
        metrics = {name: parts | {"trained_rows": len(chosen)} for name, parts in metrics.items()}
    write_json(paths.metrics(problem.dataset, "baseline"), metrics)
    return metrics


def training_rows(problem: Problem, seed: int) -> NDArray[np.int64] | None:
    """Return on which rows of the training part baselines are trained, in order: of more than
    memory is sure to hold some, drawn without replacement. None: on all.
    """
    rows = problem.rows["train"]
    most = min(TRAINED_ROWS, TRAINED_VALUES // width(problem))
    if rows <= most:
        return None
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False))


def width(problem: Problem) -> int:
    """Return how many numbers a baseline is given of a row, at most."""
    if problem.kind == "images":
        return math.prod(problem.shape)
    plain = len(problem.numbers) + len(problem.categories)
    one_hot = len(problem.numbers) + sum(problem.categories.values())
    return one_hot if plain / one_hot >= SPARSE else plain


def fitted(problem: Problem, chosen: NDArray[np.int64] | None, seed: int) -> dict[str, Any]:
    """Return the baselines by name, fitted to some rows of the training part or to all."""
    train = read_rows(problem, "train", chosen)
    estimators = baselines(problem, seed)
    for estimator in estimators.values():
        estimator.fit(features(train), train.target("main_output"), **weights(estimator, train))
    return estimators


def predictions(
    estimators: dict[str, Any], problem: Problem, part: str
) -> Iterator[tuple[str, Subset, Floats]]:
    """Return what each estimator predicts for a part, one block of rows after another."""
    for rows in blocks(problem.rows[part], width(problem)):
        block = read_rows(problem, part, rows)
        for name, estimator in estimators.items():
            yield name, block, predict(estimator, features(block), problem)


def read_rows(problem: Problem, part: str, rows: RowNumbers | None) -> Subset:
    """Read some rows of a part, or all, of a table its numbers and categories alone."""
    return read_subset(problem, part, rows, [*problem.numbers, *problem.categories])


def features(part: Subset) -> pd.DataFrame | Floats:
    """Return a table as it is, or images as rows of pixels."""
    if isinstance(part.features, pd.DataFrame):
        return part.features
    return part.features.reshape(len(part.rows), -1)


def weights(estimator: Any, part: Subset) -> dict[str, Any]:
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
