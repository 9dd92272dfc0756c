"""Baselines are plain scikit-learn, also of many rows. `test_boosters` has the others."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config, edit, work_in_copy
from evaluations import SUBSETS, read_metrics, scaled_datasets
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from stages import run_stage
from threadpoolctl import ThreadpoolController, threadpool_limits

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset
from fathom.base import blocks
from fathom.baseline.baseline import baseline, fit_baselines, sample_rows
from fathom.messages.origins import flatten

MODULE = "fathom.baseline.baseline"


@pytest.fixture(autouse=True)
def project(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Return a project whose data sets are scaled, made the working folder."""
    work_in_copy(scaled_datasets(tmp_path_factory), tmp_path, monkeypatch)
    edit(tmp_path / "params.yaml", "baseline.boosters=[]", "baseline.train_sizes=[]")
    return tmp_path


@pytest.mark.parametrize(
    ("dataset", "estimators"),
    [
        ("diabetes", {
            "mean": DummyRegressor(),
            "linear": LinearRegression(),
            "boosting": HistGradientBoostingRegressor(random_state=42),
        }),
        ("iris", {
            "majority": DummyClassifier(),
            "logistic": LogisticRegression(max_iter=1000),
            "boosting": HistGradientBoostingClassifier(random_state=42),
        }),
    ],
)  # fmt: skip
def test_baselines_are_plain_scikit_learn(dataset: str, estimators: dict[str, Any]) -> None:
    metrics = baseline(dataset_config(dataset))
    assert read_metrics(dataset, "baseline") == metrics
    assert list(metrics) == list(estimators)
    subsets = {subset: read_subset(Problem.read(dataset), subset) for subset in SUBSETS}
    x = {subset: np.asarray(rows.features, np.float32) for subset, rows in subsets.items()}
    y = {subset: rows.target("main_output") for subset, rows in subsets.items()}
    metric = "r2" if dataset == "diabetes" else "accuracy"
    for name, estimator in estimators.items():
        estimator.fit(x["train"], y["train"])
        for subset in SUBSETS:
            expected = estimator.score(x[subset], y[subset])
            assert metrics[name][subset][metric] == pytest.approx(expected, rel=1e-6, abs=1e-9)
        table = pd.read_parquet(f"data/predictions/{dataset}/baseline/{name}.parquet")
        np.testing.assert_array_equal(table["row"], subsets["test"].rows)
        predicted = estimator.predict(x["test"])
        if dataset == "iris":
            predicted = np.array(["setosa", "versicolor", "virginica"])[predicted]
            np.testing.assert_array_equal(table["predicted"], predicted)
        else:
            np.testing.assert_allclose(table["predicted"], predicted, rtol=1e-6)


def test_a_class_without_training_rows_gets_no_probability() -> None:
    files = [Path(f"data/scaled/iris/train_{kind}.parquet") for kind in ("targets", "features")]
    targets, features = (pd.read_parquet(file) for file in files)
    present = targets["main_output"] != 1
    for file, table in zip(files, (targets, features), strict=True):
        table[present].to_parquet(file, index=False)
    problem = Problem.read("iris")
    problem.rows["train"] = int(present.sum())
    problem.write(Path("data/problem/iris.json"))
    metrics = baseline(dataset_config("iris"))
    table = pd.read_parquet("data/predictions/iris/baseline/logistic.parquet")
    assert (table["probability_versicolor"] == 0).all()
    assert set(table["predicted"]) == {"setosa", "virginica"}
    assert metrics["logistic"]["train"]["accuracy"] == 1


def test_bits_do_not_depend_on_free_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    def fit(*arguments: Any) -> Any:
        pools = ThreadpoolController().select(user_api="blas").info()
        found.update(pool["num_threads"] for pool in pools)
        return fit_baselines(*arguments)

    found: set[int] = set()
    monkeypatch.setattr(f"{MODULE}.fit_baselines", fit)
    with threadpool_limits(2, user_api="blas"):
        baseline(dataset_config("diabetes"))
    assert found == {1}


@pytest.mark.parametrize("dataset", ["digits", "diabetes"])
def test_blocks_of_rows_change_nothing(monkeypatch: pytest.MonkeyPatch, dataset: str) -> None:
    monkeypatch.setattr(f"{MODULE}.MAX_VALUES", 50 * 64)  # of the digits
    at_once = baseline(dataset_config(dataset))
    files = sorted(Path("data/predictions", dataset, "baseline").iterdir())
    tables = [pd.read_parquet(file) for file in files]
    monkeypatch.setattr(blocks, "MOST_ROWS", 33)
    assert flatten(baseline(dataset_config(dataset))) == pytest.approx(flatten(at_once), rel=1e-6)
    for file, table in zip(files, tables, strict=True):
        pd.testing.assert_frame_equal(pd.read_parquet(file), table, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("dataset", "bound", "name", "metric"),
    [
        ("diabetes", ("MAX_ROWS", 100), "linear", "r2"),
        ("digits", ("MAX_VALUES", 6400), "logistic", "accuracy"),
    ],
)
def test_many_rows_are_sampled(
    monkeypatch: pytest.MonkeyPatch, dataset: str, bound: tuple[str, int], name: str, metric: str
) -> None:
    monkeypatch.setattr(f"{MODULE}.{bound[0]}", bound[1])
    lines = run_stage("baseline", f"dataset={dataset}").out.splitlines()[-3:]
    assert all(line.endswith(", trained on 100 rows") for line in lines)
    metrics = read_metrics(dataset, "baseline")
    assert list(metrics) == [line.split(":")[0] for line in lines]
    assert [values["trained_rows"] for values in metrics.values()] == [100, 100, 100]
    problem = Problem.read(dataset)
    sample, other = (sample_rows(problem, "train", seed) for seed in (42, 43))
    assert sample is not None
    assert other is not None
    assert len(set(sample)) == 100
    assert set(sample) <= set(range(problem.rows["train"]))
    assert sorted(sample) == list(sample) != list(other)
    train, test = read_subset(problem, "train"), read_subset(problem, "test")
    x, x_test = (np.asarray(rows.features).reshape(len(rows.rows), -1) for rows in (train, test))
    simple: Any = LinearRegression() if name == "linear" else LogisticRegression(max_iter=1000)
    simple.fit(x[sample], train.target("main_output")[sample])
    expected = simple.score(x_test, test.target("main_output"))
    assert metrics[name]["test"][metric] == pytest.approx(expected, rel=1e-6)
