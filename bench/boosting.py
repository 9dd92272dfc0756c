"""Gradient boosting to compare networks with: it trains on the same scaled rows.

Each library with its default settings, and all but scikit-learn's also with 3,000 rounds that stop
early on the validation rows and predict by the best of them (log loss for classes).
"""

import hashlib
import importlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset
from fathom.artifacts.scalers import Floats
from fathom.base.files import atomic_write
from fathom.base.machine import cores

PATIENCE = 100  # rounds without an improvement on the validation rows
MAX_CATEGORIES = 255  # of a column, in scikit-learn's boosting; it takes longer ones as numbers
LIBRARIES = {"HistGB": "sklearn", "LightGBM": "lightgbm", "XGBoost": "xgboost"} | {
    "CatBoost": "catboost"
}
SLOW = {"n_estimators": 3000, "learning_rate": 0.05}
SETTINGS: dict[str, dict[str, Any]] = {
    "HistGB": {},
    "LightGBM": {},
    "LightGBM es": SLOW,
    "XGBoost": {},
    "XGBoost es": SLOW,
    "CatBoost": {},
    "CatBoost es": {"iterations": 3000},  # its rate follows from rows and rounds
}


@dataclass(frozen=True)
class Rows:
    """Features (numbers, and categories of a dtype that knows all codes), targets and weights."""

    features: pd.DataFrame
    target: NDArray[Any]
    weights: NDArray[np.float64] | None

    @classmethod
    def read(cls, problem: Problem, subset: str) -> "Rows":
        columns = [*problem.numbers, *problem.categories]
        rows = read_subset(problem, subset, columns=columns)
        assert isinstance(rows.features, pd.DataFrame)
        kinds = {name: pd.CategoricalDtype(range(n)) for name, n in problem.categories.items()}
        features = rows.features[columns].astype(kinds)
        # LightGBM and XGBoost refuse names with some characters.
        features.columns = pd.Index([f"column_{i}" for i in range(len(columns))])
        return cls(features, rows.target("main_output"), rows.weights)

    def digest(self) -> str:
        digest = hashlib.sha256(repr([*self.features.dtypes.items()]).encode())
        columns = [self.features[name].to_numpy() for name in self.features]
        for values in [*columns, self.target, *([] if self.weights is None else [self.weights])]:
            digest.update(np.ascontiguousarray(values).data)
        return digest.hexdigest()


@dataclass(frozen=True)
class Boosting:
    """Predictions by set (numbers, or probabilities of classes), and the seconds of the fit.

    `cached` tells whether they come from the cache, with the seconds of then.
    """

    predictions: dict[str, Floats]
    seconds: float
    cached: bool


def run_boosting(name: str, problem: Problem, seed: int, cache: Path) -> Boosting:
    """Fit one of `SETTINGS` and predict the validation and test rows, or read the cache."""
    rows = {subset: Rows.read(problem, subset) for subset in ("train", "valid", "test")}
    version = importlib.import_module(LIBRARIES[name.split()[0]]).__version__
    what = [name, version, SETTINGS[name], PATIENCE, problem.main.task, seed]
    what += [each.digest() for each in rows.values()]
    file = cache / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]}.npz"
    if file.exists():
        with np.load(file) as saved:
            return Boosting({s: saved[s] for s in ("valid", "test")}, float(saved["seconds"]), True)
    started = time.perf_counter()
    estimator, classes = fit(name, problem, rows["train"], rows["valid"], seed)
    seconds = time.perf_counter() - started
    predictions = {s: predict(estimator, rows[s], problem, classes) for s in ("valid", "test")}
    with atomic_write(file) as temporary:
        np.savez_compressed(temporary, seconds=seconds, **predictions)
    return Boosting(predictions, seconds, False)


def fit(name: str, problem: Problem, train: Rows, valid: Rows, seed: int) -> tuple[Any, Any]:
    """Return a fitted estimator, and the classes that the training rows have, in its order."""
    classes = None
    if problem.main.task == "classification":
        classes = np.unique(train.target)
        known = np.isin(valid.target, classes)
        train, valid = (
            Rows(rows.features[keep], np.searchsorted(classes, rows.target[keep]), rows.weights)
            for rows, keep in ((train, slice(None)), (valid, known))
        )
    functions = {"HistGB": fit_scikit_learn, "LightGBM": fit_lightgbm}
    functions |= {"XGBoost": fit_xgboost, "CatBoost": fit_catboost}
    early = valid if name.endswith(" es") else None
    function = functions[name.split()[0]]
    return function(SETTINGS[name], train, early, classes is None, seed), classes


def fit_scikit_learn(
    settings: dict[str, Any], train: Rows, _: Rows | None, regression: bool, seed: int
) -> Any:
    kind = HistGradientBoostingRegressor if regression else HistGradientBoostingClassifier
    estimator = kind(**settings, random_state=seed)
    return estimator.fit(few_categories(train.features), train.target, train.weights)


def few_categories(features: pd.DataFrame) -> pd.DataFrame:
    """Return columns with too many categories for scikit-learn as numbers."""
    dtypes = features.dtypes
    many = [
        name
        for name, kind in dtypes.items()
        if isinstance(kind, pd.CategoricalDtype) and len(kind.categories) > MAX_CATEGORIES
    ]
    return features.astype(dict.fromkeys(many, np.int64))


def fit_lightgbm(
    settings: dict[str, Any], train: Rows, early: Rows | None, regression: bool, seed: int
) -> Any:
    import lightgbm

    kind = lightgbm.LGBMRegressor if regression else lightgbm.LGBMClassifier
    estimator = kind(**settings, random_state=seed, n_jobs=cores(), verbosity=-1)
    stop: dict[str, Any] = {}
    if early:
        stop |= {"eval_X": early.features, "eval_y": early.target}
        stop["callbacks"] = [lightgbm.early_stopping(PATIENCE, verbose=False)]
    return estimator.fit(train.features, train.target, train.weights, **stop)


def fit_xgboost(
    settings: dict[str, Any], train: Rows, early: Rows | None, regression: bool, seed: int
) -> Any:
    import xgboost

    kind = xgboost.XGBRegressor if regression else xgboost.XGBClassifier
    patience = {"early_stopping_rounds": PATIENCE} if early else {}
    same = {"random_state": seed, "n_jobs": cores(), "enable_categorical": True}
    estimator = kind(**settings, **patience, **same)
    watched = [(early.features, early.target)] if early else None
    return estimator.fit(
        train.features,
        train.target,
        sample_weight=train.weights,
        eval_set=watched,
        verbose=False,
    )


def fit_catboost(
    settings: dict[str, Any], train: Rows, early: Rows | None, regression: bool, seed: int
) -> Any:
    import catboost

    kind = catboost.CatBoostRegressor if regression else catboost.CatBoostClassifier
    patience = {"early_stopping_rounds": PATIENCE} if early else {}
    same = {"random_seed": seed, "thread_count": cores(), "allow_writing_files": False}
    categories = [*train.features.select_dtypes("category")]
    estimator = kind(**settings, **patience, **same, cat_features=categories, verbose=False)
    watched = (early.features, early.target) if early else None
    return estimator.fit(
        train.features, train.target, sample_weight=train.weights, eval_set=watched
    )


def predict(estimator: Any, rows: Rows, problem: Problem, classes: Any) -> Floats:
    """Return numbers or probabilities; a class without training rows gets the probability 0."""
    features = rows.features
    if type(estimator).__module__.startswith("sklearn"):
        features = few_categories(features)
    if classes is None:
        return np.asarray(estimator.predict(features), np.float64)
    probabilities = np.zeros((len(features), problem.main.units))
    probabilities[:, classes] = estimator.predict_proba(features)
    return probabilities
