"""Figures are those of the formulas, in the target's own unit, for networks and baselines alike."""

import json
import runpy
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import (
    ROOT,
    copy_settings,
    dataset_config,
    network_config,
    prepare,
    train_network,
    work_in_copy,
)
from numpy.typing import NDArray
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from stages import build_once

from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Output, Problem
from fathom.artifacts.scaled_data import read_subset
from fathom.base import blocks
from fathom.base.errors import FathomError
from fathom.baseline.baseline import baseline, training_rows
from fathom.evaluate.evaluate import evaluate, figures
from fathom.evaluate.metrics import compute_metrics, prediction_table
from fathom.scale.scale import scale

Numbers = NDArray[np.float64]

NUMBER = Output(column="y", task="regression")
LETTER = Output(column="y", task="classification", classes=["a", "b", "c"])
PARTS = ["train", "valid", "test"]

ACTUAL = np.array([1.0, 2.0, 4.0, 9.0])
PREDICTED = np.array([1.5, 2.0, 3.0, 7.0])
TRUE_CLASSES = np.array([0, 0, 1, 1, 2])
PROBABILITIES = np.array(
    [[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.1, 0.8, 0.1], [0.2, 0.5, 0.3], [0.1, 0.2, 0.7]]
)

IRIS = """# @package _global_
dataset:
  source: {_target_: fathom.download.sources.scikit_learn, loader: load_iris}
  task: classification
  target: target
"""


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose data sets are scaled. Read it alone."""

    def build(folder: Path) -> None:
        copy_settings(folder)
        datasets = folder / "conf" / "dataset"
        (datasets / "iris.yaml").write_text(IRIS + "  auxiliary: petal width (cm)\n")
        (datasets / "widths.yaml").write_text(
            IRIS.replace("classification", "regression").replace(": target", ": petal width (cm)")
            + "  auxiliary: target\n"
        )
        (datasets / "ages.yaml").write_text(
            (datasets / "diabetes.yaml").read_text() + "  auxiliary: age\n"
        )
        prepare(folder, ["digits", "diabetes", "ages", "iris", "widths"])

    return build_once(tmp_path_factory, "evaluation-data", build)


@pytest.fixture
def project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the prepared project, made the working folder."""
    return work_in_copy(prepared, tmp_path, monkeypatch)


ENSEMBLE = ["train.repeats=2", "train.ensemble=true"]
NETWORKS: dict[tuple[str, str], list[str]] = {
    ("diabetes", "mlp"): [],
    ("digits", "mlp"): [],
    ("ages", "wide_deep"): [],
    ("iris", "wide_deep"): [],
    ("widths", "wide_deep"): ENSEMBLE,
    ("digits", "wide_deep"): ENSEMBLE,
}


@pytest.fixture(scope="session")
def evaluated(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project with networks trained for an epoch and evaluated. Read it alone."""

    def build(folder: Path) -> None:
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch:
            patch.chdir(folder)
            for (dataset, model), overrides in NETWORKS.items():
                train_network(dataset, model, "train.epochs=1", *overrides)
                metrics = evaluate(network_config(dataset, model))
                assert figures_of(dataset, model) == metrics

    return build_once(tmp_path_factory, "evaluated", build)


@pytest.fixture
def networks(evaluated: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return it, made the working folder; read it alone."""
    monkeypatch.chdir(evaluated)
    return evaluated


@pytest.fixture
def own_networks(evaluated: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, made the working folder."""
    return work_in_copy(evaluated, tmp_path, monkeypatch)


def figures_of(dataset: str, model: str) -> dict[str, Any]:
    """Return what the metrics file of a network has."""
    found: dict[str, Any] = json.loads(Path(f"metrics/{dataset}/{model}.json").read_text())
    return found


def test_scores_of_regression() -> None:
    errors = np.array([0.5, 0.0, -1.0, -2.0])
    mse = np.mean(errors**2)
    found = compute_metrics(NUMBER, ACTUAL, PREDICTED)
    assert list(found) == ["mse", "rmse", "mae", "r2"]
    assert found == pytest.approx(
        {
            "mse": mse,
            "rmse": np.sqrt(mse),
            "mae": np.mean(np.abs(errors)),
            "r2": 1 - np.sum(errors**2) / np.sum((ACTUAL - ACTUAL.mean()) ** 2),
        }
    )


@pytest.mark.parametrize(
    ("actual", "predicted", "expected"),
    [
        (ACTUAL, ACTUAL, {"mse": 0, "rmse": 0, "mae": 0, "r2": 1}),
        (ACTUAL, np.full(4, 4.0), {"mse": 9.5, "rmse": 9.5**0.5, "mae": 2.5, "r2": 0}),
        (ACTUAL[:1], PREDICTED[:1], {"mse": 0.25, "rmse": 0.5, "mae": 0.5, "r2": None}),
    ],
    ids=["perfect", "the mean", "single row"],
)
def test_scores_of_special_predictors(
    actual: Numbers, predicted: Numbers, expected: dict[str, float | None]
) -> None:
    assert compute_metrics(NUMBER, actual, predicted) == pytest.approx(expected)


def test_scores_of_classification() -> None:
    found = compute_metrics(LETTER, TRUE_CLASSES, PROBABILITIES)
    assert list(found) == ["accuracy", "cross_entropy", "f1_macro", "ece"]
    # Chosen are a, b, b, b, c. F1 = 2 TP / (2 TP + FP + FN): a 2/3, b 4/5, c 1.
    # Surest of 0.7 (twice, right), 0.6 (wrong), 0.8 and 0.5 (right): four bins of 1/15.
    assert found == pytest.approx(
        {
            "accuracy": 4 / 5,
            "cross_entropy": -np.mean(np.log([0.7, 0.3, 0.8, 0.5, 0.7])),
            "f1_macro": (2 / 3 + 4 / 5 + 1) / 3,
            "ece": (2 * 0.3 + 0.6 + 0.2 + 0.5) / 5,
        }
    )


@pytest.mark.parametrize(
    ("actual", "chosen", "accuracy", "f1"),
    [
        ([0, 1, 2], [0, 1, 2], 1.0, 1.0),
        # Always a: F1 of a is 2 / (2 + 2), that of b and c 0.
        ([0, 1, 2], [0, 0, 0], 1 / 3, 0.5 / 3),
        # A class that the part does not have counts as one that is never found.
        ([0, 1, 1], [0, 1, 1], 1.0, 2 / 3),
        ([0], [0], 1.0, 1 / 3),
    ],
    ids=["perfect", "constant", "class absent", "single row"],
)
def test_scores_of_special_classifiers(
    actual: list[int], chosen: list[int], accuracy: float, f1: float
) -> None:
    probabilities = np.full((len(actual), 3), 0.05)
    probabilities[range(len(actual)), chosen] = 0.9
    found = compute_metrics(LETTER, np.array(actual), probabilities)
    right = np.equal(actual, chosen)
    entropy = -np.mean(np.log(np.where(right, 0.9, 0.05)))
    expected = {
        "accuracy": accuracy,
        "cross_entropy": entropy,
        "f1_macro": f1,
        "ece": abs(accuracy - 0.9),
    }
    assert found == pytest.approx(expected)


def test_cross_entropy_does_not_mind_rounding() -> None:
    rounded = (PROBABILITIES * (1 + 1e-6)).astype(np.float32)
    found = compute_metrics(LETTER, TRUE_CLASSES, rounded)["cross_entropy"]
    assert found == pytest.approx(
        compute_metrics(LETTER, TRUE_CLASSES, PROBABILITIES)["cross_entropy"]
    )


def test_prediction_table_of_classes() -> None:
    table = prediction_table(LETTER, np.array([7, 3]), np.array([2, 0]), PROBABILITIES[:2])
    assert table.to_dict("list") == {
        "row": [7, 3],
        "actual": ["c", "a"],
        "predicted": ["a", "b"],
        "probability_a": [0.7, 0.3],
        "probability_b": [0.2, 0.6],
        "probability_c": [0.1, 0.1],
    }


def center_and_scale(method: str, train: Numbers) -> tuple[float, float]:
    """Return what each scaler learns, by its textbook formula."""
    low, quarter, middle, three, high = np.quantile(train, [0, 0.25, 0.5, 0.75, 1])
    return {
        "zscore": (train.mean(), train.std()),
        "minmax": (low, high - low),
        "robust": (middle, three - quarter),
        "none": (0.0, 1.0),
    }[method]


def saved_model(dataset: str, model: str) -> Any:
    return keras.saving.load_model(Path("models", dataset, model, "model.keras"))


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "none"])
def test_predictions_are_in_the_targets_own_unit(project: Path, method: str) -> None:
    scale(dataset_config("diabetes", f"scale.target={method}"))
    train_network("diabetes", "mlp", "train.epochs=1", "model.units=[]")
    metrics = evaluate(network_config("diabetes", "mlp"))
    raw = pd.read_parquet("data/raw/diabetes/data.parquet")["target"].to_numpy()
    rows = {part: np.load(f"data/split/diabetes/{part}.npy") for part in PARTS}
    center, width = center_and_scale(method, raw[rows["train"]])
    model = saved_model("diabetes", "mlp")
    for part in PARTS:
        features = pd.read_parquet(f"data/scaled/diabetes/{part}_features.parquet")
        predicted = model(features.to_numpy(np.float32)).numpy()[:, 0] * width + center
        errors = predicted - raw[rows[part]]
        variance = np.mean((raw[rows[part]] - raw[rows[part]].mean()) ** 2)
        assert metrics[part] == pytest.approx(
            {
                "mse": np.mean(errors**2),
                "rmse": np.sqrt(np.mean(errors**2)),
                "mae": np.mean(np.abs(errors)),
                "r2": 1 - np.mean(errors**2) / variance,
            },
            rel=1e-4,
        )
    table = pd.read_parquet("data/predictions/diabetes/mlp.parquet")
    assert list(table) == ["row", "actual", "predicted"]
    np.testing.assert_array_equal(table["row"], rows["test"])
    np.testing.assert_array_equal(table["actual"], raw[rows["test"]])
    np.testing.assert_allclose(table["predicted"], predicted, rtol=1e-4)


def test_predicted_classes(networks: Path) -> None:
    metrics = figures_of("digits", "mlp")
    rows = np.load("data/split/digits/test.npy")
    labels = np.load("data/raw/digits/labels.npy")[rows]
    model = saved_model("digits", "mlp")
    probabilities = model(np.load("data/scaled/digits/test_features.npy")).numpy()
    assert metrics["test"]["accuracy"] == pytest.approx(
        np.mean(probabilities.argmax(axis=1) == labels)
    )
    assert metrics["test"]["cross_entropy"] == pytest.approx(
        -np.mean(np.log(probabilities[range(len(rows)), labels])), rel=1e-4
    )
    table = pd.read_parquet("data/predictions/digits/mlp.parquet")
    columns = [f"probability_{digit}" for digit in range(10)]
    assert list(table) == ["row", "actual", "predicted", *columns]
    np.testing.assert_array_equal(table["row"], rows)
    np.testing.assert_array_equal(table["actual"], labels.astype(str))
    np.testing.assert_array_equal(table["predicted"], probabilities.argmax(axis=1).astype(str))
    np.testing.assert_allclose(table[columns], probabilities, atol=1e-5)


REGRESSION = ["mse", "rmse", "mae", "r2"]
CLASSIFICATION = ["accuracy", "cross_entropy", "f1_macro", "ece"]


OF_OUTPUTS = [
    ("diabetes", "mlp", REGRESSION, None),
    ("digits", "mlp", CLASSIFICATION, None),
    ("ages", "wide_deep", REGRESSION, REGRESSION),
    ("iris", "wide_deep", CLASSIFICATION, REGRESSION),
    ("widths", "wide_deep", REGRESSION, CLASSIFICATION),
    ("digits", "wide_deep", CLASSIFICATION, CLASSIFICATION),
]


@pytest.mark.parametrize(("dataset", "model", "main", "aux"), OF_OUTPUTS)
def test_layout_of_metrics(
    networks: Path, dataset: str, model: str, main: list[str], aux: list[str] | None
) -> None:
    assert_layout(figures_of(dataset, model), main, aux, len(NETWORKS[dataset, model]) > 0)


def test_layout_of_metrics_if_one_column_is_both_outputs(pipeline: Path) -> None:
    metrics = json.loads((pipeline / "metrics/california_housing/wide_deep.json").read_text())
    assert_layout(metrics, REGRESSION, REGRESSION, repeated=True)


def assert_layout(
    metrics: dict[str, Any], main: list[str], aux: list[str] | None, repeated: bool
) -> None:
    auxiliary, calibrated = metrics.pop("aux", None), metrics.pop("calibrated", None)
    interval = metrics.pop("interval", None)
    assert (calibrated is not None) == (main == CLASSIFICATION)
    assert (interval is not None) == (main == REGRESSION)
    of_main = dict.fromkeys(PARTS, main)
    if calibrated is not None:
        assert calibrated.pop("temperature") > 0
        assert {part: list(f) for part, f in calibrated.items()} == of_main
    assert ("spread" in metrics) is ("ensemble" in metrics) is repeated
    if repeated:
        for kind in ("spread", "ensemble"):
            assert {part: list(f) for part, f in metrics.pop(kind).items()} == of_main
    assert {part: list(figures) for part, figures in metrics.items()} == of_main
    if aux is None:
        assert auxiliary is None
    else:
        assert {part: list(f) for part, f in auxiliary.items()} == dict.fromkeys(PARTS, aux)


LOGGED = {"regression": ["rmse", "mae"], "classification": ["accuracy"]}


@pytest.mark.parametrize("dataset", ["ages", "iris", "widths", "digits"])
def test_figures_of_both_outputs_are_those_that_training_logs(networks: Path, dataset: str) -> None:
    problem = Problem.read(dataset)
    history = pd.read_csv(f"models/{dataset}/wide_deep/history.csv")
    named = {
        f"{prefix}{name}": (output, name)
        for output, prefix in (("main_output", ""), ("aux_output", "aux_output_"))
        for name in LOGGED[problem.outputs[output].task]
    }
    names = {"loss", "main_output_loss", "aux_output_loss", *named}
    assert set(history) == (
        {"seed", "epoch", "loss_ratio"} | names | {f"val_{name}" for name in names}
    )
    for logged, (output, name) in named.items():
        scored = figures(Predictions.read(problem, "wide_deep"), [42], output)["valid"]
        assert history[f"val_{logged}"][0] == pytest.approx(scored[name], rel=1e-4)


def test_intervals_are_of_the_validation_parts_errors(own_networks: Path) -> None:
    metrics = figures_of("diabetes", "mlp")
    problem = Problem.read("diabetes")
    actual, valid = Predictions.read(problem, "mlp").sample("valid")
    np.testing.assert_array_equal(actual, read_subset(problem, "valid").target("main_output"))
    errors = np.sort(np.abs(actual - valid))
    half = errors[int(np.ceil((len(errors) + 1) * 0.9)) - 1]  # too few rows for several bins
    test = pd.read_parquet("data/predictions/diabetes/mlp.parquet")
    held = (test["actual"] - test["predicted"]).abs() <= half
    assert metrics["interval"] == {
        "wanted": 0.9,
        "test": {"coverage": pytest.approx(held.mean()), "width": pytest.approx(2 * half)},
    }
    wider = evaluate(network_config("diabetes", "mlp", "evaluate.coverage=0.95"))["interval"]
    assert wider["wanted"] == 0.95
    assert wider["test"]["width"] > 2 * half
    assert "interval" not in evaluate(network_config("diabetes", "mlp", "evaluate.coverage=0.99"))


def test_calibrated_figures_are_those_at_the_temperature(own_networks: Path) -> None:
    metrics = figures_of("digits", "mlp")
    assert set(metrics["calibrated"]) == {"temperature", *PARTS}
    table = pd.read_parquet("data/predictions/digits/mlp.parquet")
    names = [f"probability_{digit}" for digit in range(10)]
    powers = table[names].to_numpy() ** (1 / metrics["calibrated"]["temperature"])
    probabilities = powers / powers.sum(axis=1, keepdims=True)
    labels = table["actual"].to_numpy().astype(int)
    expected = compute_metrics(Problem.read("digits").main, labels, probabilities)
    assert metrics["calibrated"]["test"] == pytest.approx(expected, rel=1e-6)
    assert metrics["calibrated"]["test"]["accuracy"] == metrics["test"]["accuracy"]
    before, after = metrics["valid"], metrics["calibrated"]["valid"]
    assert after["cross_entropy"] < before["cross_entropy"]
    off = evaluate(network_config("digits", "mlp", "evaluate.temperature_scaling=false"))
    assert off == {name: value for name, value in metrics.items() if name != "calibrated"}


def test_plots_are_of_the_test_part(networks: Path) -> None:
    table = pd.read_parquet("data/predictions/diabetes/mlp.parquet")
    predicted = pd.read_csv("plots/predicted/diabetes/mlp/test.csv")
    pd.testing.assert_frame_equal(predicted, table[["actual", "predicted"]])
    residuals = pd.read_csv("plots/residuals/diabetes/mlp/test.csv")
    assert list(residuals) == ["predicted", "residual"]
    np.testing.assert_array_equal(residuals["predicted"], table["predicted"])
    np.testing.assert_allclose(residuals["residual"], table["predicted"] - table["actual"])
    assert list(Path("plots/confusion/diabetes/mlp").iterdir()) == []


@pytest.mark.parametrize("dataset", ["digits", "widths"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_blocks_of_rows_change_nothing(
    own_networks: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, ensemble: bool
) -> None:
    run = Path(f"models/{dataset}/wide_deep/run.json")
    run.write_text(json.dumps(json.loads(run.read_text()) | {"ensemble": ensemble}))
    config = network_config(dataset, "wide_deep", "evaluate.coverage=0.5")
    at_once = evaluate(config)
    file = Path(f"data/predictions/{dataset}/wide_deep.parquet")
    plots = sorted(Path("plots").glob(f"*/{dataset}/wide_deep/test.csv"))
    assert plots
    table, drawn = pd.read_parquet(file), [plot.read_text() for plot in plots]
    units = Problem.read(dataset).main.units
    at_a_time = 60 if dataset == "digits" else 9
    monkeypatch.setattr(blocks, "MOST_VALUES", at_a_time * units)
    found = evaluate(config)
    for fitted_to_fewer_rows in ("calibrated", "interval"):
        assert (fitted_to_fewer_rows in found) == (fitted_to_fewer_rows in at_once)
        found.pop(fitted_to_fewer_rows, None)
        at_once.pop(fitted_to_fewer_rows, None)
    assert flat(found) == pytest.approx(flat(at_once), rel=1e-9)
    pd.testing.assert_frame_equal(pd.read_parquet(file), table)
    assert [plot.read_text() for plot in plots] == drawn


def flat(figures: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Return figures by their whole names."""
    found: dict[str, Any] = {}
    for name, value in figures.items():
        inner = flat(value, f"{above}{name}.") if isinstance(value, dict) else {above + name: value}
        found |= inner
    return found


def test_what_is_fitted_is_fitted_to_rows_drawn_evenly(
    networks: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = Predictions.read(Problem.read("digits"), "wide_deep")
    files = Path("models/digits/wide_deep").rglob("valid_main_output.npy")
    every = [np.load(file) for file in sorted(files)]
    assert len(every) == 2
    mean = np.asarray(np.mean(every, axis=0, dtype=np.float64))
    actual, predicted = network.sample("valid")
    np.testing.assert_array_equal(predicted, mean)
    monkeypatch.setattr(blocks, "MOST_ROWS", 100)
    some, of_some = network.sample("valid")
    chosen = blocks.evenly_spaced(len(mean), 100)
    assert len(chosen) == 100 < len(mean)
    np.testing.assert_array_equal(some, actual[chosen])
    np.testing.assert_array_equal(of_some, mean[chosen])


def test_plots_of_many_rows_show_some(own_networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fathom.evaluate.evaluate.PLOTTED", 10)
    monkeypatch.setattr(blocks, "MOST_ROWS", 33)
    evaluate(network_config("diabetes", "mlp"))
    table = pd.read_parquet("data/predictions/diabetes/mlp.parquet")[["actual", "predicted"]]
    shown = pd.read_csv("plots/predicted/diabetes/mlp/test.csv")
    expected = table.iloc[blocks.evenly_spaced(len(table), 10)].reset_index(drop=True)
    pd.testing.assert_frame_equal(shown, expected)


def test_auxiliary_figures_are_of_its_own_column(networks: Path) -> None:
    metrics = figures_of("ages", "wide_deep")
    rows = np.load("data/split/ages/test.npy")
    ages = pd.read_parquet("data/raw/ages/data.parquet")["age"].to_numpy()
    table = pd.read_parquet("data/predictions/ages/wide_deep.parquet")
    assert list(table) == ["row", "actual", "predicted", "aux_actual", "aux_predicted"]
    np.testing.assert_array_equal(table["aux_actual"], ages[rows])
    errors = table["aux_predicted"] - ages[rows]
    assert metrics["aux"]["test"]["mae"] == pytest.approx(errors.abs().mean())
    train = ages[np.load("data/split/ages/train.npy")]
    model = saved_model("ages", "wide_deep")
    part = read_subset(Problem.read("ages"), "test")
    aux = model([part.features, part.features])[1].numpy()[:, 0]
    np.testing.assert_allclose(table["aux_predicted"], aux * train.std() + train.mean(), rtol=1e-4)


@pytest.mark.parametrize(
    ("dataset", "estimators"),
    [
        (
            "diabetes",
            {
                "mean": DummyRegressor(),
                "linear": LinearRegression(),
                "boosting": HistGradientBoostingRegressor(random_state=42),
            },
        ),
        (
            "iris",
            {
                "majority": DummyClassifier(),
                "logistic": LogisticRegression(max_iter=1000),
                "boosting": HistGradientBoostingClassifier(random_state=42),
            },
        ),
    ],
)
def test_baselines_are_plain_scikit_learn(
    project: Path, dataset: str, estimators: dict[str, Any]
) -> None:
    metrics = baseline(dataset_config(dataset))
    assert json.loads(Path(f"metrics/{dataset}/baseline.json").read_text()) == metrics
    assert list(metrics) == list(estimators)
    scaled = Path("data/scaled", dataset)
    x = {
        part: pd.read_parquet(scaled / f"{part}_features.parquet").to_numpy(np.float32)
        for part in PARTS
    }
    y = {part: pd.read_parquet(scaled / f"{part}_targets.parquet") for part in PARTS}
    score = "r2" if dataset == "diabetes" else "accuracy"
    for name, estimator in estimators.items():
        estimator.fit(x["train"], y["train"]["main_output"])
        for part in PARTS:
            expected = estimator.score(x[part], y[part]["main_output"])
            assert metrics[name][part][score] == pytest.approx(expected, rel=1e-6, abs=1e-9)
        table = pd.read_parquet(f"data/predictions/{dataset}/baseline/{name}.parquet")
        np.testing.assert_array_equal(table["row"], y["test"]["row"])
        predicted = estimator.predict(x["test"])
        if dataset == "iris":
            predicted = np.array(["setosa", "versicolor", "virginica"])[predicted]
            np.testing.assert_array_equal(table["predicted"], predicted)
        else:
            np.testing.assert_allclose(table["predicted"], predicted, rtol=1e-6)


def test_baseline_gives_classes_without_training_rows_no_probability(project: Path) -> None:
    file = Path("data/scaled/iris/train_targets.parquet")
    targets = pd.read_parquet(file)
    features = pd.read_parquet("data/scaled/iris/train_features.parquet")
    keep = targets["main_output"] != 1
    targets[keep].to_parquet(file, index=False)
    features[keep].to_parquet("data/scaled/iris/train_features.parquet", index=False)
    problem = Problem.read("iris")
    problem.rows["train"] = int(keep.sum())
    problem.write(Path("data/problem/iris.json"))
    metrics = baseline(dataset_config("iris"))
    table = pd.read_parquet("data/predictions/iris/baseline/logistic.parquet")
    assert (table["probability_versicolor"] == 0).all()
    assert set(table["predicted"]) == {"setosa", "virginica"}
    assert metrics["logistic"]["train"]["accuracy"] == 1


@pytest.mark.parametrize("dataset", ["digits", "diabetes"])
def test_baselines_of_blocks_are_those_of_all_rows(
    project: Path, monkeypatch: pytest.MonkeyPatch, dataset: str
) -> None:
    monkeypatch.setattr("fathom.baseline.baseline.TRAINED_VALUES", 200 * 64)  # of the digits
    at_once = baseline(dataset_config(dataset))
    files = sorted(Path("data/predictions", dataset, "baseline").iterdir())
    tables = [pd.read_parquet(file) for file in files]
    monkeypatch.setattr(blocks, "MOST_ROWS", 33)
    assert flat(baseline(dataset_config(dataset))) == pytest.approx(flat(at_once), rel=1e-6)
    for file, table in zip(files, tables, strict=True):
        pd.testing.assert_frame_equal(pd.read_parquet(file), table, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("dataset", "bound"),
    [("diabetes", ("TRAINED_ROWS", 100)), ("digits", ("TRAINED_VALUES", 6400))],
)
def test_baselines_of_many_rows_are_trained_on_some(
    project: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, bound: tuple[str, int]
) -> None:
    monkeypatch.setattr(f"fathom.baseline.baseline.{bound[0]}", bound[1])
    metrics = baseline(dataset_config(dataset))
    assert json.loads(Path(f"metrics/{dataset}/baseline.json").read_text()) == metrics
    assert [figures["trained_rows"] for figures in metrics.values()] == [100, 100, 100]
    problem = Problem.read(dataset)
    chosen, others = (training_rows(problem, seed) for seed in (42, 43))
    assert chosen is not None
    assert others is not None
    assert len(set(chosen)) == 100
    assert list(chosen) == sorted(chosen)
    assert set(chosen) <= set(range(problem.rows["train"]))
    assert list(chosen) != list(others)
    train, test = read_subset(problem, "train"), read_subset(problem, "test")
    x, x_test = (np.asarray(part.features).reshape(len(part.rows), -1) for part in (train, test))
    simple: Any = LinearRegression() if dataset == "diabetes" else LogisticRegression(max_iter=1000)
    simple.fit(x[chosen], train.target("main_output")[chosen])
    name, score = ("linear", "r2") if dataset == "diabetes" else ("logistic", "accuracy")
    expected = simple.score(x_test, test.target("main_output"))
    assert metrics[name]["test"][score] == pytest.approx(expected, rel=1e-6)


def test_baseline_says_on_how_many_rows_it_was_trained(
    project: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("fathom.baseline.baseline.TRAINED_ROWS", 100)
    monkeypatch.setattr("sys.argv", ["baseline.py", "dataset=diabetes"])
    monkeypatch.setenv("HYDRA_FULL_ERROR", "")  # the stage sets it: undone behind the test,
    monkeypatch.delenv("HYDRA_FULL_ERROR")  # and not there before it
    runpy.run_path(str(ROOT / "src/baseline.py"), run_name="__main__")
    lines = capsys.readouterr().out.splitlines()[-3:]
    assert [line.split(":")[0] for line in lines] == ["mean", "linear", "boosting"]
    assert all(line.endswith(", trained on 100 rows") for line in lines)


@pytest.mark.parametrize(
    ("missing", "message"),
    [
        (
            "models",
            "models/digits/mlp/run.json is missing: make it with `dvc repro train@digits-mlp`",
        ),
        (
            "models/digits/mlp/predictions",
            "models/digits/mlp/predictions/seed-42/train_main_output.npy is missing: make it with "
            "`dvc repro train@digits-mlp`",
        ),
        (
            "data/problem",
            "data/problem/digits.json is missing: make it with `dvc repro scale@digits`",
        ),
        (
            "data/scaled",
            "data/scaled/digits/train_targets.parquet is missing: make it with "
            "`dvc repro scale@digits`",
        ),
    ],
)
def test_what_is_missing_is_named(own_networks: Path, missing: str, message: str) -> None:
    shutil.rmtree(missing)
    with pytest.raises(FathomError) as refused:
        evaluate(network_config("digits", "mlp"))
    assert str(refused.value) == message
