"""CatBoost, LightGBM and XGBoost as baselines: run where they are installed."""

import json
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config, edit, work_in_copy
from evaluations import read_metrics, scaled_datasets
from numpy.typing import NDArray
from stages import plant_few_trees, run_stage
from trainings import refusal

from fathom.artifacts.problem import Problem
from fathom.baseline import boosters as module
from fathom.baseline import libraries
from fathom.baseline.baseline import baseline
from fathom.baseline.boosters import FittedBooster, Rows, fit_booster
from fathom.baseline.libraries import import_booster
from fathom.repro.new_libraries import lacks_library
from fathom.settings.fields import BOOSTERS, Booster, Task

CODE = 'code, {"a"}<[b]'  # a name that LightGBM and XGBoost refuse
CATEGORIES = {CODE: 12}


def installed(booster: Booster) -> Any:
    missing = find_spec(booster) is None
    return pytest.param(booster, marks=pytest.mark.skipif(missing, reason=f"no {booster} here"))


each = pytest.mark.parametrize("booster", [installed(name) for name in get_args(Booster)])


@pytest.fixture(autouse=True)
def one_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATHOM_CORES", "1")
    monkeypatch.setattr(module, "ROUNDS", 300)
    monkeypatch.setattr(module, "PATIENCE", 20)


@pytest.fixture
def some_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libraries, "is_installed", lambda name: name != "catboost")


def make_rows(seed: int, rows: int = 300) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Return a table whose target follows two numbers, and from the codes which are odd."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, 3)).astype(np.float32)
    features = pd.DataFrame(numbers, columns=["a[0]", "b", "a_[0]"])
    features[CODE] = generator.integers(0, 12, rows).astype(np.int32)
    target = numbers[:, 0] * np.sign(numbers[:, 1]) + 3 * (features[CODE] % 2)
    return features, target.to_numpy(np.float64) + 0.1 * generator.normal(size=rows)


def fit(booster: Booster, train: Rows, valid: Rows, task: Task = "regression") -> FittedBooster:
    return fit_booster(booster, task, CATEGORIES, train, valid, seed=2**32 - 1)


@each
def test_predicts_numbers(
    booster: Booster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (x, y), (x_valid, y_valid), (x_test, y_test) = (make_rows(seed) for seed in range(3))
    train, valid = Rows(x, 1e6 * y), Rows(x_valid, 1e6 * y_valid)
    predicted = fit(booster, train, valid).predict(x_test)
    assert np.sqrt(np.mean((predicted / 1e6 - y_test) ** 2)) < np.std(y_test) / 2
    np.testing.assert_array_equal(fit(booster, train, valid).predict(x_test), predicted)
    assert list(tmp_path.iterdir()) == []
    assert capfd.readouterr() == ("", "")


@each
def test_codes_are_categories(booster: Booster) -> None:
    """Other numbers for the same categories change nothing but rounding and the order of ties."""
    (x, y), (x_valid, y_valid), (x_test, _) = (make_rows(seed) for seed in range(3))
    predicted = fit(booster, Rows(x, y), Rows(x_valid, y_valid)).predict(x_test)
    codes = np.random.default_rng(0).permutation(12).astype(np.int32)
    x, x_valid, x_test = (f.assign(**{CODE: codes[f[CODE]]}) for f in (x, x_valid, x_test))
    permuted = fit(booster, Rows(x, y), Rows(x_valid, y_valid)).predict(x_test)
    assert np.corrcoef(predicted, permuted)[0, 1] > 0.999


@each
def test_weights_count_in_both_sets(booster: Booster) -> None:
    (x, y), (x_valid, y_valid), (x_test, y_test) = (make_rows(seed) for seed in range(3))
    wrong = np.arange(300) % 3 == 0
    weights = np.where(wrong, 0.0, 1.0)
    train, valid = (Rows(f, t + 20 * wrong, weights) for f, t in ((x, y), (x_valid, y_valid)))
    right = fit(booster, train, valid).predict(x_test)
    assert np.abs(right - y_test).mean() < np.std(y_test) / 2
    fewer = fit(booster, train, Rows(x_valid[~wrong], y_valid[~wrong])).predict(x_test)
    np.testing.assert_array_equal(fewer, right)
    unweighted = fit(booster, train, valid._replace(weights=None)).predict(x_test)
    assert not np.array_equal(unweighted, right)


@each
@pytest.mark.parametrize("classes", [2, 3])
def test_classes_without_training_rows(booster: Booster, classes: int) -> None:
    labels = np.array([0, 2, 3])
    tables = [make_rows(seed, 500) for seed in range(3)]
    (x, y), (x_valid, y_valid), (x_test, y_test) = (
        (features, labels[np.digitize(target, [1, 3][: classes - 1])])
        for features, target in tables
    )
    y_valid[:100] = 1  # no training row has it
    model = fit(booster, Rows(x, y), Rows(x_valid, y_valid), "classification")
    assert model.classes_ is not None
    assert list(model.classes_) == list(labels[:classes])
    probabilities = model.predict_proba(x_test)
    np.testing.assert_allclose(probabilities.sum(axis=1), np.ones(500), rtol=1e-5)
    assert (model.classes_[probabilities.argmax(axis=1)] == y_test).mean() > 0.85


@each
def test_bits_do_not_depend_on_cores(booster: Booster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "ROUNDS", 20)
    x, y = make_rows(0, 20_000)
    labels = np.digitize(y, [0, 1.5, 3])
    sets = Rows(x[:15_000], labels[:15_000]), Rows(x[15_000:], labels[15_000:])
    predicted = []
    for cores in ("1", "3"):
        monkeypatch.setenv("FATHOM_CORES", cores)
        predicted.append(fit(booster, *sets, "classification").predict_proba(x))
    np.testing.assert_array_equal(predicted[0], predicted[1])


@each
@pytest.mark.parametrize("dataset", ["diabetes", "digits"])
def test_stage_adds_a_baseline(
    booster: Booster,
    dataset: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    work_in_copy(scaled_datasets(tmp_path_factory), tmp_path, monkeypatch)
    monkeypatch.setattr("fathom.baseline.baseline.MAX_VALUES", 300 * 64)  # samples of digits
    monkeypatch.setattr(module, "ROUNDS", 40)
    plant_few_trees(monkeypatch)
    without = baseline(dataset_config(dataset, "baseline.boosters=[]"))
    metrics = baseline(dataset_config(dataset, f"baseline.boosters=[{booster}]"))
    name = BOOSTERS[booster]
    assert list(metrics) == [*without, name]
    assert {other: metrics[other] for other in without} == without
    assert read_metrics(dataset, "baseline") == metrics
    table = pd.read_parquet(f"data/predictions/{dataset}/baseline/{name}.parquet")
    assert len(table) == Problem.read(dataset).rows["test"]
    if dataset == "digits":
        assert metrics[name]["trained_rows"] == 300
        assert metrics[name]["test"]["accuracy"] > 0.8
    else:
        assert metrics[name]["test"]["rmse"] < 0.9 * metrics["mean"]["test"]["rmse"]


@pytest.mark.parametrize("booster", [installed("catboost")])
def test_rows_that_a_library_refuses(booster: Booster) -> None:
    rows = Rows(make_rows(0)[0], np.ones(300))
    head, *_, tail = refusal(fit, booster, rows, rows).split(": ")
    assert head == "CatBoost cannot be fitted"
    assert tail.endswith(
        "All train targets are equal; a list without it in baseline.boosters, such as [], leaves "
        "it out"
    )


def test_what_is_missing_or_broken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "lightgbm", raising=False)
    (tmp_path / "lightgbm").mkdir()
    code = tmp_path / "lightgbm/__init__.py"
    code.write_text('raise OSError("libgomp.so.1: cannot open\\nshared object file")')
    assert refusal(import_booster, "lightgbm") == (
        "LightGBM is installed but cannot be imported: libgomp.so.1: cannot open shared object "
        "file: install OpenMP, on Debian and Ubuntu `apt install libgomp1`, or `python -m pip "
        "uninstall lightgbm`"
    )
    code.write_text("import no_such_module")
    assert refusal(import_booster, "lightgbm") == (
        "LightGBM is installed but cannot be imported: No module named 'no_such_module': "
        "`python -m pip install --force-reinstall --no-deps lightgbm`, or `python -m pip "
        "uninstall lightgbm`"
    )


def test_a_listed_library_must_be_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    work_in_copy(scaled_datasets(tmp_path_factory), tmp_path, monkeypatch)
    monkeypatch.setattr(libraries, "is_installed", lambda name: False)
    done = run_stage("baseline", "dataset=diabetes", "baseline.boosters=[catboost]")
    assert (done.status, done.err) == (
        1,
        "baseline.py: CatBoost is not installed: `python -m pip install catboost`, or take "
        "catboost out of baseline.boosters\n",
    )
    assert not Path("metrics/diabetes/baseline.json").exists()
    assert "installed" not in run_stage("baseline", "dataset=diabetes").out


@pytest.mark.usefixtures("some_installed")
def test_auto_takes_what_is_installed_but_not_for_large_images() -> None:
    table = {"dataset": "d", "kind": "table", "shape": [], "rows": {"train": 10**9}}
    images = table | {"kind": "images", "shape": [28, 28]}
    main = {"main_output": {"column": "y", "task": "regression"}}
    of_table, large, small = (
        Problem.model_validate(kind | {"outputs": main, "rows": {"train": rows}})
        for kind, rows in ((table, 10**9), (images, 1276), (images, 1275))
    )
    assert libraries.choose_boosters("auto", of_table) == ["lightgbm", "xgboost"]
    assert libraries.choose_boosters("auto", small) == ["lightgbm", "xgboost"]
    assert libraries.choose_boosters("auto", large) == []
    assert libraries.choose_boosters(["catboost"], large) == ["catboost"]
    assert libraries.describe_choice(["lightgbm"], of_table) is None
    assert libraries.describe_choice("auto", of_table) == (
        "installed, so also baselines: LightGBM, XGBoost; a machine without them has fewer "
        "baselines, which `boosters: [lightgbm, xgboost]` instead of `boosters: auto` in "
        "params.yaml makes an error"
    )
    assert libraries.describe_choice("auto", large) == (
        "installed, but no baselines: LightGBM, XGBoost, because 1,000,384 values of training "
        "images take them long; `boosters: [lightgbm, xgboost]` instead of `boosters: auto` in "
        "params.yaml trains them nevertheless"
    )


@pytest.mark.usefixtures("some_installed")
def test_repro_notices_a_library_that_was_installed_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    work_in_copy(scaled_datasets(tmp_path_factory), tmp_path, monkeypatch)
    edit(Path("params.yaml"), "datasets=[diabetes]")
    file = Path("metrics/diabetes/baseline.json")
    assert not lacks_library("baseline@diabetes")  # it has not run
    file.parent.mkdir(parents=True)
    file.write_text(json.dumps({"mean": {}, "LightGBM": {}, "XGBoost": {}}))
    assert not lacks_library("baseline@diabetes")
    file.write_text(json.dumps({"mean": {}, "LightGBM": {}}))
    assert lacks_library("baseline@diabetes")
    assert not lacks_library("compare@diabetes")
    edit(Path("conf/dataset/diabetes.yaml"), "baseline={boosters: [lightgbm]}")
    assert not lacks_library("baseline@diabetes")
