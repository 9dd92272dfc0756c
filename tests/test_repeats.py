"""A network trained from several seeds: the runs, their spread, and all of them as one model."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
from conftest import network_config, train_network
from evaluations import evaluated_networks
from trainings import add_network, refusal, training_log

from fathom.artifacts.model_file import save_model
from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset, read_targets
from fathom.base.errors import FathomError
from fathom.evaluate.evaluate import evaluate
from fathom.models.names import unwrap
from fathom.train import runs
from fathom.train.build import build
from fathom.train.train import make_ensemble, number_of_runs


def predictions(file: Path, dataset: str) -> list[Any]:
    """Return the outputs of a saved model for the test set, as Keras returns them."""
    problem = Problem.read(dataset)
    network = keras.saving.load_model(file)
    inputs = [tensor.name for tensor in network.inputs]
    arrays = read_subset(problem, "test").inputs(inputs, problem)
    outputs = network.predict(unwrap(arrays), verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize(
    ("dataset", "model", "engine"),
    [
        ("digits", "selu", "compiled"),
        ("california_housing", "wide_deep", "compiled"),
        ("digits", "deep_relu", "fit"),
    ],
)
@pytest.mark.slow  # fast: test_runs_at_once_give_the_same_bits
def test_each_run_is_what_its_seed_gives_alone(
    trainable: Path, dataset: str, model: str, engine: str
) -> None:
    settings = ["train.epochs=2", f"train.engine={engine}"]
    train_network(dataset, model, *settings, "train.repeats=3")
    folder = Path("models", dataset, model)
    together = {file.name: file.read_bytes() for file in (folder / "repeats").iterdir()}
    assert set(together) == {"seed-42.keras", "seed-43.keras", "seed-44.keras"}
    assert len(set(together.values())) == 3
    train_network(dataset, model, *settings, "train.repeats=1", "seed=44")
    assert (folder / "model.keras").read_bytes() == together["seed-44.keras"]


@pytest.mark.parametrize(
    ("several", "xla"), [(2, False), pytest.param(3, True, marks=pytest.mark.slow)]
)
def test_runs_at_once_give_the_same_bits(trainable: Path, several: int, xla: bool) -> None:
    folder = Path("models/digits/mlp")
    found = []
    for at_once in (1, several):
        settings = ["train.repeats=3", f"train.xla={str(xla).lower()}", "model.units=[8]"]
        train_network("digits", "mlp", *settings, f"train.at_once={at_once}")
        assert training_log("digits", "mlp").at_once == at_once
        left = [file for file in folder.rglob("*") if file.is_file() and file.name != "run.json"]
        found.append({file: file.read_bytes() for file in left})
    assert len(found[0]) == 1 + 3 + 3 * 3 + 2
    assert found[0] == found[1]


def test_a_run_that_fails_ends_those_beside_it(
    trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_run(trainer: Any, seed: int, *rest: Any) -> Any:
        if seed == 43:
            raise FathomError("seed 43 fails")
        return original(trainer, seed, *rest)

    original = runs.train_run
    monkeypatch.setattr(runs, "train_run", train_run)
    forever = ["train.epochs=1000000000", "train.early_stopping=null"]
    with pytest.raises(FathomError, match=r"^seed 43 fails$"):
        train_network("digits", "mlp", "train.repeats=2", "train.at_once=2", *forever)
    assert not Path("models").exists()


@pytest.mark.parametrize(
    ("setting", "why"),
    [("train.engine=fit", "with Keras' fit"), ("train.memory=1e-6", "with rows on disk")],
)
def test_runs_that_cannot_train_at_once(trainable: Path, setting: str, why: str) -> None:
    settings = ["train.repeats=3", "train.at_once=2", setting]
    assert refusal(train_network, "digits", "mlp", *settings) == (
        f"command line: train.at_once: 2 runs cannot train at once {why}; set it to 1"
    )


def test_own_callbacks_have_runs_train_one_by_one(trainable: Path) -> None:
    own = "+train.callbacks.own._target_=keras.callbacks.EarlyStopping"
    settings = ["train.epochs=1", "train.repeats=2", "model.units=[]", f"seed={2**32 - 1}", own]
    training = train_network("digits", "mlp", *settings)
    assert training_log("digits", "mlp").at_once == 1
    assert [run.seed for run in training.runs] == [2**32 - 1, 0]  # they start anew at the highest


def test_the_best_run_on_the_validation_set_is_kept(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(evaluated_networks(tmp_path_factory))
    folder = Path("models/diabetes/wide_deep")
    run = json.loads((folder / "run.json").read_text())
    values = {each["seed"]: each["value"] for each in run["runs"]}
    assert list(values) == [42, 43]
    best = min(values, key=lambda seed: values[seed])
    kept = (folder / "model.keras").read_bytes()
    assert kept == (folder / f"repeats/seed-{best}.keras").read_bytes()
    history = pd.read_csv(folder / "history.csv")
    assert list(history["seed"]) == [42, 43]
    assert list(history["epoch"]) == [1, 1]
    by_seed = history.groupby("seed")["val_rmse"].min()
    assert by_seed.to_dict() == pytest.approx(values)
    assert run["seed"] == best
    curves = pd.read_csv("plots/curves/diabetes/wide_deep/loss.csv")
    of_best = history[history["seed"] == best].reset_index(drop=True)
    pd.testing.assert_frame_equal(curves, of_best[["epoch", "loss", "val_loss"]])
    metrics = json.loads(Path("metrics/diabetes/wide_deep.json").read_text())
    assert metrics["valid"]["rmse"] == pytest.approx(values[best])


def test_spread_and_ensemble_of_classes(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pipeline)
    metrics = json.loads(Path("metrics/digits/mlp.json").read_text())
    actual = read_targets(Problem.read("digits"), "test")["main_output"].to_numpy()
    files = sorted(Path("models/digits/mlp/repeats").iterdir())
    probabilities = [predictions(file, "digits")[0] for file in files]
    accuracies = [np.mean(p.argmax(axis=1) == actual) for p in probabilities]
    spread = metrics["spread"]["test"]["accuracy"]
    assert spread == pytest.approx(
        {"mean": np.mean(accuracies), "sd": np.std(accuracies, ddof=1), "n": 2}
    )
    assert spread["sd"] > 0
    average = np.mean(probabilities, axis=0)
    assert "ensemble" not in metrics  # the model is the ensemble
    assert metrics["test"]["accuracy"] == np.mean(average.argmax(axis=1) == actual)
    cross_entropy = -np.mean(np.log(average[range(len(actual)), actual]))
    assert metrics["test"]["cross_entropy"] == pytest.approx(cross_entropy, rel=1e-4)


def test_spread_and_ensemble_of_numbers(
    tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(evaluated_networks(tmp_path_factory))
    metrics = json.loads(Path("metrics/diabetes/wide_deep.json").read_text())
    targets = read_targets(Problem.read("diabetes"), "train")["main_output"]
    actual = read_targets(Problem.read("diabetes"), "test")["main_output"].to_numpy()
    files = sorted(Path("models/diabetes/wide_deep/repeats").iterdir())
    in_unit = [
        predictions(file, "diabetes")[0][:, 0].astype(float)
        * targets.std(ddof=0) + targets.mean()
        for file in files
    ]  # fmt: skip
    errors = [np.sqrt(np.mean((predicted - actual) ** 2)) for predicted in in_unit]
    assert metrics["spread"]["test"]["rmse"] == pytest.approx(
        {"mean": np.mean(errors), "sd": np.std(errors, ddof=1), "n": 2}, rel=1e-4
    )
    of_average = np.sqrt(np.mean((np.mean(in_unit, axis=0) - actual) ** 2))
    assert metrics["ensemble"]["test"]["rmse"] == pytest.approx(of_average, rel=1e-4)
    assert set(metrics["spread"]) == set(metrics["ensemble"]) == {"train", "valid", "test"}


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("california_housing", "mlp"),
        pytest.param("digits", "wide_deep", marks=pytest.mark.slow),
    ],
)
def test_the_ensemble_is_one_model_that_averages(trainable: Path, dataset: str, model: str) -> None:
    train_network(dataset, model, "train.repeats=2", "train.epochs=1")
    folder = Path("models", dataset, model)
    runs = [predictions(file, dataset) for file in sorted((folder / "repeats").iterdir())]
    assert_average(predictions(folder / "model.keras", dataset), runs)
    model_file = keras.saving.load_model(folder / "model.keras", compile=False)
    run = json.loads((folder / "run.json").read_text())
    assert run["parameters"] == model_file.count_params()
    metrics = evaluate(network_config(dataset, model))
    assert ("aux" in metrics) is (model == "wide_deep")


def assert_average(found: list[Any], runs: list[list[Any]]) -> None:
    assert len(found) == len(runs[0])
    for number, output in enumerate(found):
        mean = np.mean([run[number] for run in runs], axis=0)
        np.testing.assert_allclose(output, mean, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("digits", "mlp"), ("california_housing", "deep_relu"),  # batch normalization
        ("digits", "wide_deep"), ("california_housing", "wide_deep"),  # embeddings
    ],
)  # fmt: skip
def test_an_ensemble_of_any_network_is_saved_and_loaded(
    scaled: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dataset: str, model: str
) -> None:
    monkeypatch.chdir(scaled)
    config, problem = network_config(dataset, model), Problem.read(dataset)
    members = [build(config, problem) for _ in range(2)]
    for rng, member in enumerate(members):
        random = np.random.default_rng(rng)
        member.set_weights([random.uniform(0.1, 0.2, w.shape) for w in member.get_weights()])
    save_model(make_ensemble(members), tmp_path / "model.keras")
    loaded = keras.saving.load_model(tmp_path / "model.keras")
    part = read_subset(problem, "test")
    inputs = unwrap([each[:9] for each in part.inputs([t.name for t in loaded.inputs], problem)])
    found, *runs = (tf.nest.flatten(network(inputs)) for network in (loaded, *members))
    assert_average(found, runs)


SUBCLASSED = """
import keras


@keras.saving.register_keras_serializable("own")
class Line(keras.Model):
    def __init__(self, **settings):
        super().__init__(**settings)
        self.inner = keras.layers.Dense(1)

    def call(self, inputs):
        return self.inner(inputs)


def build(problem):
    return Line()
"""


def test_subclassed_models_repeat_but_make_no_ensemble(
    trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_network(trainable, "line", SUBCLASSED)
    monkeypatch.syspath_prepend(trainable)
    twice = ["train.repeats=2", "train.epochs=1"]
    training = train_network("california_housing", "line", *twice)
    assert len({run.value for run in training.runs}) == 2
    metrics = evaluate(network_config("california_housing", "line"))
    assert metrics["spread"]["test"]["rmse"]["sd"] > 0
    settings = [*twice, "train.ensemble=true"]
    assert refusal(train_network, "california_housing", "line", *settings) == (
        "command line: train.ensemble: line.build returned a subclassed model, whose inputs "
        "are not known; set it to false"
    )


@pytest.mark.parametrize(
    ("rows", "setting", "times"),
    [(150_000, "auto", 4), (160_000, "auto", 1), (160_000, "2", 2)],
)
def test_large_data_is_trained_on_once(
    scaled: Path, monkeypatch: pytest.MonkeyPatch, rows: int, setting: str, times: int
) -> None:
    monkeypatch.chdir(scaled)
    problem = Problem.read("digits").model_copy(update={"rows": {"train": rows}})  # of 64 pixels
    config = network_config("digits", "mlp", f"train.repeats={setting}")
    assert number_of_runs(config, problem) == times
