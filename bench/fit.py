"""Compares `fathom fit` with CatBoost in the same time, on the same rows of the same files:

python bench/fit.py [TABLE...] [--minutes 5] [--folder FOLDER]

CatBoost takes the columns as the file has them and stops early on the validation rows: first with
its default settings, then with random ones (depth, rate, L2) until the time is over. The best fit
on validation rows predicts the test rows. `tables.py` says which tables there are.
"""

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_numeric_dtype
from project_copy import copy_project, markdown_table, run
from sklearn.metrics import accuracy_score, root_mean_squared_error
from tables import FOLDER, find_tables

from fathom.artifacts.ranking import PRIMARY_METRIC, higher_is_better
from fathom.base import paths
from fathom.base.machine import cores
from fathom.baseline.boosters import PATIENCE, ROUNDS


class CatBoostSearch:
    """Fits CatBoost to the rows of a project's split."""

    def __init__(self, file: Path, target: str, classes: list[str], split: Path) -> None:
        import catboost

        kind = "CatBoostClassifier" if classes else "CatBoostRegressor"
        self.estimator = getattr(catboost, kind)
        frame = pd.read_csv(file)
        actual = frame.pop(target)
        texts = [str(name) for name in frame if not is_numeric_dtype(frame[name])]
        frame[texts] = frame[texts].astype(object).fillna("missing").astype(str)
        rows = {name: np.load(split / f"{name}.npy") for name in paths.SUBSETS}
        if classes:
            actual = actual.astype(str)
        self.targets = {name: actual.iloc[numbers] for name, numbers in rows.items()}
        self.pools = {
            name: catboost.Pool(frame.iloc[numbers], self.targets[name], cat_features=texts)
            for name, numbers in rows.items()
        }

    def fit(self, settings: dict[str, Any]) -> Any:
        fixed = {"iterations": ROUNDS, "random_seed": 42, "thread_count": cores(), "verbose": 0}
        model = self.estimator(**fixed, allow_writing_files=False, **settings)
        model.fit(self.pools["train"], eval_set=self.pools["valid"], early_stopping_rounds=PATIENCE)
        return model

    def score(self, model: Any, subset: str, metric: str) -> float:
        measure = {"accuracy": accuracy_score, "rmse": root_mean_squared_error}[metric]
        return float(measure(self.targets[subset], np.ravel(model.predict(self.pools[subset]))))

    def run(self, metric: str, seconds: float) -> list[tuple[Any, ...]]:
        """Return a row for the default settings, and one for the best fit within the time."""
        started, longest, random = time.monotonic(), 0.0, np.random.default_rng(0)
        fits: list[tuple[float, Any]] = []
        rows: list[tuple[Any, ...]] = []
        while not fits or time.monotonic() - started + longest < seconds:
            began = time.monotonic()
            model = self.fit(draw(random) if fits else {})
            longest = max(longest, time.monotonic() - began)
            (loss,) = model.get_best_score()["validation"].values()
            fits.append((loss, model))
            if len(fits) == 1:
                rows.append(self.row("CatBoost, defaults", model, metric, longest))
        _, best = min(fits, key=lambda fit: fit[0])
        name = f"CatBoost, best of {len(fits)}"
        return [*rows, self.row(name, best, metric, time.monotonic() - started)]

    def row(self, name: str, model: Any, metric: str, seconds: float) -> tuple[Any, ...]:
        scores = (self.score(model, subset, metric) for subset in ("valid", "test"))
        return name, *(f"{score:.5g}" for score in scores), f"{seconds:.0f}"


def draw(random: np.random.Generator) -> dict[str, Any]:
    return {
        "depth": int(random.integers(4, 9)),
        "learning_rate": float(np.exp(random.uniform(np.log(0.02), np.log(0.2)))),
        "l2_leaf_reg": float(np.exp(random.uniform(0, np.log(20)))),
    }


def compare(project: Path, name: str, file: Path, target: str, minutes: float) -> None:
    command = ["fit", str(file.resolve()), "--target", target, "--name", name]
    command += ["--minutes", str(minutes)]
    fathom = sys.executable, "-m", "fathom"
    seconds, printed = run(project, *fathom, *command, PYTHONPATH="src")
    print(printed)
    problem = json.loads((project / f"data/problem/{name}.json").read_text())
    output = problem["outputs"]["main_output"]
    metric = PRIMARY_METRIC[output["task"]]
    rows = []
    for path in sorted((project / f"models/{name}").glob("*/run.json")):
        model = path.parent.name
        found = json.loads((project / f"metrics/{name}/{model}.json").read_text())
        scores = (f"{found[subset][metric]:.5g}" for subset in ("valid", "test"))
        rows.append((f"fathom fit, {model}", *scores, f"{seconds:.0f}"))
    split = project / f"data/split/{name}"
    search = CatBoostSearch(file, target, output.get("classes") or [], split)
    rows += search.run(metric, 60 * minutes)
    best = "higher" if higher_is_better(metric) else "lower"
    print(f"{name}: {metric}, {best} is better")
    print(markdown_table(["", "validation", "test", "seconds"], rows), flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("tables", nargs="*", default=["titanic", "housing_raw"])
    parser.add_argument("--minutes", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args()
    tables = find_tables(options.folder, ())
    for name in options.tables:
        if name not in tables:
            sys.exit(f"there is no table {name}; there are: {', '.join(tables)}")
        with tempfile.TemporaryDirectory(prefix="fathom-bench-") as folder:
            copy_project(Path(folder))
            compare(Path(folder), name, *tables[name], options.minutes)


if __name__ == "__main__":
    main()
