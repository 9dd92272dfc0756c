"""CatBoost, LightGBM and XGBoost, which are baselines if they are installed.

Each makes up to ROUNDS rounds and stops when RMSE or log loss on the validation rows has not
improved for PATIENCE of them; the best round counts. Everything else is the library's default, but
for the learning rate of LightGBM and XGBoost. The best baseline is chosen on the same validation
rows, which is a slight advantage of these three.

The same rows and seed give the same bits, whatever the number of cores: those of CatBoost and, with
`deterministic`, of LightGBM do not depend on the number of threads; XGBoost has one thread.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats
from fathom.base.errors import FathomError
from fathom.base.machine import cores
from fathom.baseline.libraries import import_booster
from fathom.settings.fields import BOOSTERS, Booster, Task

ROUNDS = 3000
PATIENCE = 100
LEARNING_RATE = 0.05  # of LightGBM and XGBoost; CatBoost derives one from rows and rounds

LIGHTGBM_METRICS = {
    "regression": "rmse", "binary": "binary_logloss", "multiclass": "multi_logloss",
}  # fmt: skip

Features = pd.DataFrame | NDArray[np.float32]
Predict = Callable[[pd.DataFrame], Floats]


class Rows(NamedTuple):
    """Features of shape (rows, columns), targets and, if there are any, sample weights (rows,).

    The targets of a classification are class numbers.
    """

    features: Features
    target: NDArray[Any]
    weights: NDArray[np.float64] | None = None


@dataclass(frozen=True)
class FittedBooster:
    """A fitted model with the methods of scikit-learn's estimators."""

    predict_frame: Predict
    categories: Mapping[str, int]
    classes_: NDArray[np.int64] | None

    def predict(self, features: Features) -> Floats:
        """Return numbers of shape (rows,), or for a classification what `predict_proba` returns."""
        return self.predict_frame(make_frame(features, self.categories))

    def predict_proba(self, features: Features) -> Floats:
        """Return probabilities of shape (rows, classes) in the order of `classes_`."""
        return self.predict(features)


def fit_booster(
    booster: Booster,
    task: Task,
    categories: Mapping[str, int],
    train: Rows,
    valid: Rows,
    seed: int,
) -> FittedBooster:
    """Fit a model of one library to training rows until it is best on validation rows.

    Args:
        booster: the package.
        task: regression or classification.
        categories: the columns of codes below the number that each has; all others are numbers.
        train: rows to fit.
        valid: rows that select the number of trees; those of classes without training rows do not
            count.
        seed: of the library's random numbers.

    Raises:
        FathomError: the package is not installed, cannot be imported, or refuses the rows: CatBoost
            does so if all targets are equal.
    """
    library = import_booster(booster)
    fit = {"catboost": fit_catboost, "lightgbm": fit_lightgbm, "xgboost": fit_xgboost}[booster]
    classes = None
    if task == "classification":
        classes = np.unique(train.target)
        train, valid = (encode_classes(rows, classes) for rows in (train, valid))
    train, valid = (
        rows._replace(features=make_frame(rows.features, categories)) for rows in (train, valid)
    )
    count = None if classes is None else len(classes)
    try:
        predict_frame = fit(library, count, train, valid, seed % 2**31)  # LightGBM takes 31 bits
    except Exception as error:
        if booster not in type(error).__module__:
            raise
        raise FathomError(
            f"{BOOSTERS[booster]} cannot be fitted: {' '.join(str(error).split())}; a list without "
            "it in baseline.boosters, such as [], leaves it out"
        ) from error
    return FittedBooster(predict_frame, categories, classes)


def encode_classes(rows: Rows, classes: NDArray[np.int64]) -> Rows:
    """Return rows of these classes, numbered without gaps."""
    known = np.isin(rows.target, classes)
    return Rows(
        rows.features[known],
        np.searchsorted(classes, rows.target[known]),
        None if rows.weights is None else rows.weights[known],
    )


def make_frame(features: Features, categories: Mapping[str, int]) -> pd.DataFrame:
    """Return a frame that all three accept: plain column names, and codes as pandas' categories."""
    columns: dict[str, Any] = {}
    for place, (name, values) in enumerate(pd.DataFrame(features).items()):
        column: Any = values.to_numpy()
        if name in categories:
            codes = pd.RangeIndex(categories[str(name)])
            column = pd.Categorical.from_codes(column, categories=codes)
        columns[f"f{place}"] = column
    return pd.DataFrame(columns, copy=False)


def fit_catboost(
    catboost: Any, classes: int | None, train: Rows, valid: Rows, seed: int
) -> Predict:
    names = list(pd.DataFrame(train.features).select_dtypes("category"))
    train_pool, valid_pool = (
        catboost.Pool(rows.features, rows.target, weight=rows.weights, cat_features=names)
        for rows in (train, valid)
    )
    model = (catboost.CatBoostClassifier if classes else catboost.CatBoostRegressor)(
        iterations=ROUNDS,
        early_stopping_rounds=PATIENCE,
        random_seed=seed,
        thread_count=cores(),
        allow_writing_files=False,
        verbose=False,
    )
    model.fit(train_pool, eval_set=valid_pool)
    predict = model.predict_proba if classes else model.predict
    return lambda features: np.asarray(predict(features), np.float64)


def fit_lightgbm(
    lightgbm: Any, classes: int | None, train: Rows, valid: Rows, seed: int
) -> Predict:
    objective = {None: "regression", 2: "binary"}.get(classes, "multiclass")
    parameters = {
        "objective": objective,
        "num_class": classes if objective == "multiclass" else 1,
        "metric": LIGHTGBM_METRICS[objective],
        "learning_rate": LEARNING_RATE,
        "seed": seed,
        "deterministic": True,
        "force_row_wise": True,
        "num_threads": cores(),
        "verbosity": -1,
    }
    train_set = lightgbm.Dataset(train.features, train.target, weight=train.weights)
    valid_set = train_set.create_valid(valid.features, valid.target, weight=valid.weights)
    stop = lightgbm.early_stopping(PATIENCE, verbose=False)
    model = lightgbm.train(parameters, train_set, ROUNDS, [valid_set], callbacks=[stop])

    def predict(features: pd.DataFrame) -> Floats:
        predicted = np.asarray(model.predict(features), np.float64)
        return np.stack([1 - predicted, predicted], 1) if objective == "binary" else predicted

    return predict


def fit_xgboost(xgboost: Any, classes: int | None, train: Rows, valid: Rows, seed: int) -> Predict:
    model = (xgboost.XGBClassifier if classes else xgboost.XGBRegressor)(
        n_estimators=ROUNDS,
        early_stopping_rounds=PATIENCE,
        learning_rate=LEARNING_RATE,
        tree_method="hist",
        enable_categorical=True,
        random_state=seed,
        n_jobs=1,
        verbosity=0,
    )
    model.fit(
        train.features,
        train.target,
        sample_weight=train.weights,
        eval_set=[(valid.features, valid.target)],
        sample_weight_eval_set=None if valid.weights is None else [valid.weights],
        verbose=False,
    )
    predict = model.predict_proba if classes else model.predict
    return lambda features: np.asarray(predict(features), np.float64)
