"""Gradient boosting to compare networks with: it trains on the same scaled rows.

Each library with its default settings, and ("es") CatBoost, LightGBM and XGBoost as the stage
`baseline` fits them: many rounds that stop early on the validation rows.
"""

import hashlib
import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import sklearn.ensemble
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import Subset, read_subset
from fathom.artifacts.scalers import Floats
from fathom.base.files import atomic_write
from fathom.base.machine import cores
from fathom.baseline.baseline import MAX_CATEGORIES, predict
from fathom.baseline.boosters import (
    LEARNING_RATE,
    PATIENCE,
    ROUNDS,
    FittedBooster,
    Rows,
    encode_classes,
    fit_booster,
    make_frame,
)
from fathom.baseline.libraries import import_booster
from fathom.settings.fields import BOOSTERS, Task

PACKAGES = {name: package for package, name in BOOSTERS.items()}
BOOSTING = ["HistGB", "LightGBM", "LightGBM es", "XGBoost", "XGBoost es", "CatBoost", "CatBoost es"]


@dataclass(frozen=True)
class Boosting:
    """Predictions by set (numbers, or probabilities of classes), and the seconds of the fit.

    `cached` tells whether they come from the cache, with the seconds of then.
    """

    predictions: dict[str, Floats]
    seconds: float
    cached: bool


def run_boosting(name: str, problem: Problem, seed: int, cache: Path) -> Boosting:
    """Fit one of `BOOSTING` and predict the validation and test rows, or read the cache."""
    columns = [*problem.numbers, *problem.categories]
    subsets = {s: read_subset(problem, s, columns=columns) for s in ("train", "valid", "test")}
    library = import_library(name)
    what: list[Any] = [
        name,
        library.__version__,
        ROUNDS,
        PATIENCE,
        LEARNING_RATE,
        problem.main.task,
        seed,
    ]
    what += [problem.categories, *map(digest_of, subsets.values())]
    file = cache / f"{hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]}.npz"
    if file.exists():
        with np.load(file) as saved:
            return Boosting({s: saved[s] for s in ("valid", "test")}, float(saved["seconds"]), True)
    rows = {
        subset: Rows(each.features, each.target("main_output"), each.weights)
        for subset, each in subsets.items()
    }
    started = time.perf_counter()
    model = fit(name, problem, rows["train"], rows["valid"], seed)
    seconds = time.perf_counter() - started
    predictions = {s: predict(model, rows[s].features, problem) for s in ("valid", "test")}
    with atomic_write(file) as temporary:
        arrays: dict[str, Any] = {"seconds": seconds, **predictions}
        np.savez_compressed(temporary, **arrays)
    return Boosting(predictions, seconds, False)


def import_library(name: str) -> Any:
    return sklearn if name == "HistGB" else import_booster(PACKAGES[name.removesuffix(" es")])


def digest_of(subset: Subset) -> str:
    """Return the digest of features, targets and weights."""
    table = pd.DataFrame(subset.features).assign(target=subset.target("main_output"))
    digest = hashlib.sha256(repr([*table.dtypes.items()]).encode())
    for values in [*(table[name] for name in table), subset.weights]:
        if values is not None:
            digest.update(np.ascontiguousarray(values).data)
    return digest.hexdigest()


def fit(name: str, problem: Problem, train: Rows, valid: Rows, seed: int) -> FittedBooster:
    task, categories = problem.main.task, problem.categories
    classes: NDArray[np.int64] | None = None
    if name.endswith(" es"):
        package = PACKAGES[name.removesuffix(" es")]
        return fit_booster(package, task, categories, train, valid, seed)
    if task == "classification":
        classes = np.unique(train.target)
        train = encode_classes(train, classes)
    if name == "HistGB":
        categories = {n: codes for n, codes in categories.items() if codes <= MAX_CATEGORIES}
    frame = make_frame(train.features, categories)
    estimator = new_estimator(name, task, seed, [*frame.select_dtypes("category")])
    estimator.fit(frame, train.target, sample_weight=train.weights)
    method = estimator.predict if classes is None else estimator.predict_proba
    return FittedBooster(method, categories, classes)


def new_estimator(name: str, task: Task, seed: int, categories: list[str]) -> Any:
    """Return an estimator with default settings."""
    library = import_library(name)
    kind = "Regressor" if task == "regression" else "Classifier"
    threads = cores()
    if name == "HistGB":
        return getattr(library.ensemble, f"HistGradientBoosting{kind}")(random_state=seed)
    if name == "LightGBM":
        estimator = getattr(library, f"LGBM{kind}")
        return estimator(random_state=seed, n_jobs=threads, verbosity=-1)
    if name == "XGBoost":
        estimator = getattr(library, f"XGB{kind}")
        return estimator(random_state=seed, n_jobs=threads, enable_categorical=True)
    estimator = getattr(library, f"CatBoost{kind}")
    quiet = {"allow_writing_files": False, "verbose": False}
    return estimator(random_seed=seed, thread_count=threads, cat_features=categories, **quiet)
