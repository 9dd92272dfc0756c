"""Baselines to compare networks with: scikit-learn models with default settings, and boosters."""

import math
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import make_column_transformer
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import OneHotEncoder
from threadpoolctl import threadpool_limits

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import Subset, read_subset
from fathom.artifacts.scalers import Floats
from fathom.base import paths
from fathom.base.blocks import blocks
from fathom.base.files import atomic_write, write_json
from fathom.base.tables import RowNumbers, TableWriter
from fathom.baseline.boosters import Rows, fit_booster
from fathom.baseline.libraries import choose_boosters, describe_choice, import_booster
from fathom.baseline.train_sizes import score_train_sizes
from fathom.evaluate.metrics import Metrics, metrics_for, prediction_table
from fathom.settings.config import DatasetConfig
from fathom.settings.fields import BOOSTERS, Booster

MAX_CATEGORIES = 255  # of a column, in scikit-learn's boosting; it takes longer ones as numbers
SPARSE = 0.3  # density below which scikit-learn keeps one-hot categories as a sparse matrix
MAX_ROWS = 1_000_000  # to train on
MAX_VALUES = 45_000_000  # to train on: three copies in float64 take a gigabyte


def baseline(config: DatasetConfig) -> dict[str, Any]:
    """Fit the baselines to the training set, or a sample of it, and evaluate them on all sets.

    Those of scikit-learn have default settings; those of `baseline.boosters` stop early, by the
    validation set or a sample of it.

    They get the networks' scaled features (images as rows of pixels), and targets in their own
    unit. Writes `metrics/<dataset>/baseline.json`: metrics by baseline and set, and `trained_rows`,
    the size of a sample. Writes test predictions to `data/predictions/<dataset>/baseline/`, and to
    `plots/train_sizes/` how good boosting is by the number of training rows.
    """
    problem = Problem.read(config.dataset.name)
    if choice := describe_choice(config.baseline.boosters, problem):
        print(choice)
    boosters = choose_boosters(config.baseline.boosters, problem)
    for booster in boosters:
        import_booster(booster)  # fails before any work
    sample = sample_rows(problem, "train", config.seed)
    # The bits of linear models depend on the number of BLAS threads. One also is the fastest here:
    # on digits it takes 0.1 s of CPU time, and two take 5 s, most of it waiting for each other.
    threads = threadpool_limits(1, user_api="blas")
    predictions = paths.predictions(problem.dataset, "baseline").with_suffix("")
    with threads, atomic_write(predictions) as folder:
        folder.mkdir()
        estimators, sizes = fit_baselines(problem, sample, boosters, config)
        metrics: dict[str, Any] = {name: {} for name in estimators}
        for subset in paths.SUBSETS:
            for name, values in evaluate_set(estimators, problem, subset, folder).items():
                metrics[name][subset] = values
    if sample is not None:
        for values in metrics.values():
            values["trained_rows"] = len(sample)
    with atomic_write(paths.plots("train_sizes", problem.dataset, "boosting")) as folder:
        folder.mkdir()
        sizes.to_csv(folder / "rows.csv", index=False)
    write_json(paths.metrics(problem.dataset, "baseline"), metrics)
    return metrics


def sample_rows(problem: Problem, subset: str, seed: int) -> NDArray[np.int64] | None:
    """Draw as many rows of a set, without replacement, as memory surely holds; None: all."""
    rows = problem.rows[subset]
    most = min(MAX_ROWS, MAX_VALUES // values_per_row(problem))
    if rows <= most:
        return None
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False, shuffle=False))


def values_per_row(problem: Problem) -> int:
    if problem.kind == "images":
        return math.prod(problem.shape)
    plain = len(problem.numbers) + len(problem.categories)
    one_hot = len(problem.numbers) + sum(problem.categories.values())
    return one_hot if plain / one_hot >= SPARSE else plain


def fit_baselines(
    problem: Problem,
    sample: NDArray[np.int64] | None,
    boosters: list[Booster],
    config: DatasetConfig,
) -> tuple[dict[str, Any], pd.DataFrame]:
    """Return the fitted baselines by name, and the scores of boosting by training rows."""
    train = read_rows(problem, "train", sample)  # not in memory when baselines predict
    estimators = new_estimators(problem, config.seed)
    for estimator in estimators.values():
        step = f"{estimator.steps[-1][0]}__" if isinstance(estimator, Pipeline) else ""
        estimator.fit(train.features, train.target, **{f"{step}sample_weight": train.weights})
    valid = read_rows(problem, "valid", sample_rows(problem, "valid", config.seed))
    for booster in boosters:
        task, categories = problem.main.task, problem.categories
        fitted = fit_booster(booster, task, categories, train, valid, config.seed)
        estimators[BOOSTERS[booster]] = fitted
    sizes = score_train_sizes(
        estimators["boosting"], train, valid, problem.main,
        lambda fitted, features: predict(fitted, features, problem),
        config.baseline.train_sizes, config.seed,
    )  # fmt: skip
    return estimators, sizes


def new_estimators(problem: Problem, seed: int) -> dict[str, Any]:
    """Return the baselines by name. Linear models get categories one-hot, boosting as they are."""
    one_hot = make_column_transformer(
        (OneHotEncoder(handle_unknown="ignore"), list(problem.categories)), remainder="passthrough"
    )
    few = [name for name, codes in problem.categories.items() if codes <= MAX_CATEGORIES]
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


def evaluate_set(
    estimators: dict[str, Any], problem: Problem, subset: str, folder: Path
) -> dict[str, Metrics]:
    metrics = {name: metrics_for(problem.main) for name in estimators}
    with ExitStack() as files:
        writers = {
            name: files.enter_context(TableWriter(folder / f"{name}.parquet"))
            for name in (estimators if subset == "test" else ())
        }
        for rows in blocks(problem.rows[subset], values_per_row(problem)):
            features, block = read_block(problem, subset, rows)
            actual = block.target("main_output")
            for name, estimator in estimators.items():
                predicted = predict(estimator, features, problem)
                metrics[name].update(actual, predicted)
                if name in writers:
                    table = prediction_table(problem.main, block.rows, actual, predicted)
                    writers[name].write(table)
    return {name: values.result() for name, values in metrics.items()}


def read_block(
    problem: Problem, subset: str, rows: RowNumbers | None
) -> tuple[pd.DataFrame | Floats, Subset]:
    block = read_subset(problem, subset, rows, [*problem.numbers, *problem.categories])
    if isinstance(block.features, pd.DataFrame):
        return block.features, block
    return block.features.reshape(len(block.rows), -1), block


def read_rows(problem: Problem, subset: str, rows: RowNumbers | None) -> Rows:
    features, block = read_block(problem, subset, rows)
    return Rows(features, block.target("main_output"), block.weights)


def predict(estimator: Any, features: pd.DataFrame | Floats, problem: Problem) -> Floats:
    """Return numbers or probabilities; a class without training rows gets the probability 0."""
    if problem.main.task == "regression":
        return np.asarray(estimator.predict(features))
    probabilities = np.zeros((len(features), problem.main.units))
    probabilities[:, estimator.classes_] = estimator.predict_proba(features)
    return probabilities
