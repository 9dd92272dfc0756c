"""Metrics of networks follow from their predictions, in the target's own unit."""

import itertools
import json
import shutil
from pathlib import Path
from typing import Any

import evaluations
import keras
import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config, network_config, train_network, work_in_copy
from evaluations import BEST, NETWORKS, SUBSETS, read_metrics
from trainings import refusal

from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset
from fathom.base import blocks
from fathom.evaluate.evaluate import evaluate, evaluate_sets
from fathom.evaluate.metrics import compute_metrics
from fathom.messages.origins import flatten
from fathom.scale.scale import scale

REGRESSION = ["mse", "rmse", "mae", "r2"]
CLASSIFICATION = ["accuracy", "cross_entropy", "f1_macro", "ece"]
LOGGED = {"regression": ["rmse", "mae"], "classification": ["accuracy"]}


@pytest.fixture
def networks(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a project with evaluated networks, made the working folder. Only read it."""
    folder = evaluations.evaluated_networks(tmp_path_factory)
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def own_networks(networks: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, made the working folder."""
    return work_in_copy(networks, tmp_path, monkeypatch)


def read_predictions(dataset: str, model: str) -> pd.DataFrame:
    return pd.read_parquet(f"data/predictions/{dataset}/{model}.parquet")


def load_model(dataset: str, model: str) -> Any:
    return keras.saving.load_model(Path("models", dataset, model, "model.keras"))


@pytest.mark.parametrize("method", ["robust", "none"])
def test_predictions_are_in_the_targets_own_unit(
    method: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    work_in_copy(evaluations.scaled_datasets(tmp_path_factory), tmp_path, monkeypatch)
    scale(dataset_config("diabetes", f"scale.target={method}"))
    train_network("diabetes", "mlp", "train.epochs=1", "model.units=[]")
    metrics = evaluate(network_config("diabetes", "mlp"))
    raw = pd.read_parquet("data/raw/diabetes/data.parquet")["target"].to_numpy()
    rows = {subset: np.load(f"data/split/diabetes/{subset}.npy") for subset in SUBSETS}
    quarter, middle, three = np.quantile(raw[rows["train"]], [0.25, 0.5, 0.75])
    center, width = (middle, three - quarter) if method == "robust" else (0.0, 1.0)
    model, problem = load_model("diabetes", "mlp"), Problem.read("diabetes")
    for subset in SUBSETS:
        features = pd.read_parquet(f"data/scaled/diabetes/{subset}_features.parquet")
        predicted = model(features.to_numpy(np.float32)).numpy()[:, 0] * width + center
        expected = compute_metrics(problem.main, raw[rows[subset]], predicted)
        assert metrics[subset] == pytest.approx(expected, rel=1e-4)
    table = read_predictions("diabetes", "mlp")
    assert list(table) == ["row", "actual", "predicted", "low", "high"]
    np.testing.assert_array_equal(table["row"], rows["test"])
    np.testing.assert_array_equal(table["actual"], raw[rows["test"]])
    np.testing.assert_allclose(table["predicted"], predicted, rtol=1e-4)


def test_predicted_classes(networks: Path) -> None:
    metrics = read_metrics("digits", "mlp")["test"]
    rows = np.load("data/split/digits/test.npy")
    labels = np.load("data/raw/digits/labels.npy")[rows]
    features = np.load("data/scaled/digits/test_features.npy")
    probabilities = load_model("digits", "mlp")(features).numpy()
    predicted = probabilities.argmax(axis=1)
    expected = compute_metrics(Problem.read("digits").main, labels, probabilities)
    assert metrics == pytest.approx(expected, rel=1e-4)
    table = read_predictions("digits", "mlp")
    columns = [f"probability_{digit}" for digit in range(10)]
    assert list(table) == ["row", "actual", "predicted", *columns]
    np.testing.assert_array_equal(table["row"], rows)
    np.testing.assert_array_equal(table["actual"], labels.astype(str))
    np.testing.assert_array_equal(table["predicted"], predicted.astype(str))
    np.testing.assert_allclose(table[columns], probabilities, atol=1e-5)


@pytest.mark.parametrize(
    ("dataset", "model", "main", "aux"),
    [
        ("diabetes", "mlp", REGRESSION, None),
        ("diabetes", "wide_deep", REGRESSION, REGRESSION),
        ("digits", "mlp", CLASSIFICATION, None),
        ("ages", "wide_deep", REGRESSION, REGRESSION),
        ("iris", "wide_deep", CLASSIFICATION, REGRESSION),
        ("widths", "wide_deep", REGRESSION, CLASSIFICATION),
        ("digits", "wide_deep", CLASSIFICATION, CLASSIFICATION),
    ],
)
def test_layout_of_metrics(
    networks: Path, dataset: str, model: str, main: list[str], aux: list[str] | None
) -> None:
    metrics = read_metrics(dataset, model)
    names = {"aux": aux} if aux else {}
    names |= {"spread": main} if NETWORKS[dataset, model] else {}
    names |= {"ensemble": main} if NETWORKS[dataset, model] == BEST else {}
    if main == CLASSIFICATION:
        names["calibrated"] = main
        assert metrics["calibrated"].pop("temperature") > 0
        sets = metrics.pop("prediction_set")
        assert set(sets) == {"wanted", "test"}
        assert set(sets["test"]) == {"coverage", "size"}
    else:
        assert set(metrics.pop("interval")) == {"wanted", "test"}
    assert set(metrics) == {*SUBSETS, *names}
    for name, expected in names.items():
        assert {s: list(m) for s, m in metrics[name].items()} == dict.fromkeys(SUBSETS, expected)
    assert {s: list(metrics[s]) for s in SUBSETS} == dict.fromkeys(SUBSETS, main)


@pytest.mark.parametrize("dataset", ["ages", "iris", "widths", "digits"])
def test_training_logs_the_same_metrics(networks: Path, dataset: str) -> None:
    problem = Problem.read(dataset)
    history = pd.read_csv(f"models/{dataset}/wide_deep/history.csv")
    logged = {
        f"{prefix}{metric}": (output, metric)
        for output, prefix in (("main_output", ""), ("aux_output", "aux_output_"))
        for metric in LOGGED[problem.outputs[output].task]
    }
    names = {"loss", "main_output_loss", "aux_output_loss", *logged}
    assert set(history) == (
        {"seed", "epoch", "loss_ratio"} | names | {f"val_{name}" for name in names}
    )
    for name, (output, metric) in logged.items():
        metrics = evaluate_sets(Predictions.read(problem, "wide_deep"), [42], output)["valid"]
        assert history[f"val_{name}"][0] == pytest.approx(metrics[metric], rel=1e-4)


def test_intervals_follow_from_errors_on_the_validation_set(own_networks: Path) -> None:
    problem = Problem.read("diabetes")
    actual, valid = Predictions.read(problem, "mlp").sample("valid")
    np.testing.assert_array_equal(actual, read_subset(problem, "valid").target("main_output"))
    errors = np.sort(np.abs(actual - valid))
    half = errors[int(np.ceil((len(errors) + 1) * 0.9)) - 1]  # too few rows for several bins
    test = read_predictions("diabetes", "mlp")
    np.testing.assert_allclose(test["low"], test["predicted"] - half)
    np.testing.assert_allclose(test["high"], test["predicted"] + half)
    covered = (test["actual"] - test["predicted"]).abs() <= half
    assert read_metrics("diabetes", "mlp")["interval"] == {
        "wanted": 0.9,
        "test": {"coverage": pytest.approx(covered.mean()), "width": pytest.approx(2 * half)},
    }
    wider = evaluate(network_config("diabetes", "mlp", "evaluate.coverage=0.95"))["interval"]
    assert wider["wanted"] == 0.95
    assert wider["test"]["width"] > 2 * half
    assert "interval" not in evaluate(network_config("diabetes", "mlp", "evaluate.coverage=0.99"))


def test_calibrated_metrics_are_those_at_the_temperature(own_networks: Path) -> None:
    metrics = read_metrics("digits", "mlp")
    table = read_predictions("digits", "mlp")
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


def test_plots_show_the_test_set(own_networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many rows, they show a sample."""
    table = read_predictions("diabetes", "mlp")
    predicted = pd.read_csv("plots/predicted/diabetes/mlp/test.csv")
    pd.testing.assert_frame_equal(predicted, table[["actual", "predicted"]])
    residuals = pd.read_csv("plots/residuals/diabetes/mlp/test.csv")
    assert list(residuals) == ["predicted", "residual"]
    np.testing.assert_array_equal(residuals["predicted"], table["predicted"])
    np.testing.assert_allclose(residuals["residual"], table["predicted"] - table["actual"])
    inapplicable = Path("plots/confusion/diabetes/mlp")
    assert [*inapplicable.rglob("*")] == [inapplicable / "none"]
    monkeypatch.setattr("fathom.evaluate.evaluate.PLOT_ROWS", 10)
    monkeypatch.setattr(blocks, "MOST_ROWS", 33)
    evaluate(network_config("diabetes", "mlp"))
    expected = predicted.iloc[blocks.evenly_spaced(len(table), 10)].reset_index(drop=True)
    pd.testing.assert_frame_equal(pd.read_csv("plots/predicted/diabetes/mlp/test.csv"), expected)


@pytest.mark.parametrize("dataset", ["digits", "widths"])
@pytest.mark.parametrize("ensemble", [True, False])
def test_blocks_of_rows_change_nothing(
    own_networks: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, ensemble: bool
) -> None:
    run = Path(f"models/{dataset}/wide_deep/run.json")
    run.write_text(json.dumps(json.loads(run.read_text()) | {"ensemble": ensemble}))
    config = network_config(dataset, "wide_deep", "evaluate.coverage=0.5")
    at_once = evaluate(config)
    plots = sorted(Path("plots").glob(f"*/{dataset}/wide_deep/test.csv"))
    assert plots
    table, texts = read_without_bounds(dataset), [plot.read_text() for plot in plots]
    rows = 60 if dataset == "digits" else 9
    monkeypatch.setattr(blocks, "MOST_VALUES", rows * Problem.read(dataset).main.units)
    by_block = evaluate(config)
    is_digits = dataset == "digits"
    fitted_to_a_block = ["calibrated", "prediction_set"] if is_digits else ["interval"]
    for metrics, name in itertools.product((by_block, at_once), fitted_to_a_block):
        del metrics[name]
    assert flatten(by_block) == pytest.approx(flatten(at_once), rel=1e-9)
    pd.testing.assert_frame_equal(read_without_bounds(dataset), table)
    assert [plot.read_text() for plot in plots] == texts


def read_without_bounds(dataset: str) -> pd.DataFrame:
    """Return predictions without what is fitted to a block of the validation rows."""
    return read_predictions(dataset, "wide_deep").drop(columns=["low", "high"], errors="ignore")


def test_a_sample_is_evenly_spaced(networks: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    network = Predictions.read(Problem.read("digits"), "wide_deep")
    files = sorted(Path("models/digits/wide_deep").rglob("valid_main_output.npy"))
    assert len(files) == 2
    mean = np.stack([np.load(file) for file in files]).mean(axis=0, dtype=np.float64)
    actual, predicted = network.sample("valid")
    np.testing.assert_array_equal(predicted, mean)
    monkeypatch.setattr(blocks, "MOST_ROWS", 100)
    actual_sample, predicted_sample = network.sample("valid")
    rows = blocks.evenly_spaced(len(mean), 100)
    assert len(rows) == 100 < len(mean)
    np.testing.assert_array_equal(actual_sample, actual[rows])
    np.testing.assert_array_equal(predicted_sample, mean[rows])


def test_auxiliary_metrics_are_of_the_auxiliary_column(networks: Path) -> None:
    ages = pd.read_parquet("data/raw/ages/data.parquet")["age"].to_numpy()
    actual = ages[np.load("data/split/ages/test.npy")]
    table = read_predictions("ages", "wide_deep")
    assert list(table) == [
        "row",
        "actual",
        "predicted",
        "aux_actual",
        "aux_predicted",
        "low",
        "high",
    ]
    np.testing.assert_array_equal(table["aux_actual"], actual)
    mae = (table["aux_predicted"] - actual).abs().mean()
    assert read_metrics("ages", "wide_deep")["aux"]["test"]["mae"] == pytest.approx(mae)
    train = ages[np.load("data/split/ages/train.npy")]
    features = read_subset(Problem.read("ages"), "test").features
    aux = load_model("ages", "wide_deep")([features, features])[1].numpy()[:, 0]
    np.testing.assert_allclose(table["aux_predicted"], aux * train.std() + train.mean(), rtol=1e-4)


@pytest.mark.parametrize(
    ("folder", "file", "stage"),
    [
        ("models/digits/mlp", "run.json", "train@digits-mlp"),
        ("models/digits/mlp/predictions", "seed-42/train_main_output.npy", "train@digits-mlp"),
        ("data/problem", "digits.json", "scale@digits"),
        ("data/scaled/digits", "train_targets.parquet", "scale@digits"),
    ],
)
def test_missing_files_are_named(own_networks: Path, folder: str, file: str, stage: str) -> None:
    shutil.rmtree(folder)
    expected = f"{folder}/{file} is missing: make it with `dvc repro {stage}`"
    assert refusal(evaluate, network_config("digits", "mlp")) == expected
