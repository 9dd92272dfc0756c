"""A network trained from several seeds: the runs, their spread, and all of them as one model."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import network_config, trained

from fathom.data.parts import read_part, read_targets
from fathom.data.schema import Problem
from fathom.errors import FathomError
from fathom.evaluation.evaluate import evaluate
from fathom.training import runs
from fathom.training.repeats import repeats

THREE = ["train.repeats=3", "train.epochs=3"]


def predictions(file: Path, dataset: str, model: str) -> list[Any]:
    """Return a saved model's outputs for the test part, as Keras gives them."""
    problem = Problem.read(dataset)
    network = keras.saving.load_model(file)
    inputs = [tensor.name for tensor in network.inputs]
    given = read_part(problem, "test").inputs(inputs, problem)
    outputs = network.predict(given if len(given) > 1 else given[0], verbose=0)
    return outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize(
    ("dataset", "model", "engine"),
    [
        ("digits", "selu", "compiled"),
        ("california_housing", "wide_deep", "compiled"),
        ("digits", "deep_relu", "fit"),
    ],
)
def test_each_run_is_what_its_seed_gives_alone(
    trainable: Path, dataset: str, model: str, engine: str
) -> None:
    settings = ["train.epochs=2", f"train.engine={engine}"]
    trained(dataset, model, *settings, "train.repeats=3")
    folder = Path("models", dataset, model)
    together = {file.name: file.read_bytes() for file in (folder / "repeats").iterdir()}
    assert set(together) == {"seed-42.keras", "seed-43.keras", "seed-44.keras"}
    assert len(set(together.values())) == 3
    for seed in (44, 43):
        trained(dataset, model, *settings, "train.repeats=1", f"seed={seed}")
        assert (folder / "model.keras").read_bytes() == together[f"seed-{seed}.keras"]


@pytest.mark.parametrize("xla", [True, False])
def test_runs_at_once_give_the_same_bits(trainable: Path, xla: bool) -> None:
    folder = Path("models/digits/mlp")
    found = []
    for at_once in (1, 2, 3):
        settings = ["train.epochs=3", "train.repeats=3", f"train.xla={str(xla).lower()}"]
        trained("digits", "mlp", *settings, f"train.at_once={at_once}")
        assert json.loads((folder / "run.json").read_text())["at_once"] == at_once
        left = [*folder.rglob("*.keras"), *folder.rglob("*.npy"), folder / "history.csv"]
        found.append({file: file.read_bytes() for file in left})
    assert len(found[0]) == 1 + 3 + 3 * 3 + 1
    assert found[0] == found[1] == found[2]


def test_a_run_that_fails_ends_those_beside_it(
    trainable: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def train_from(trainer: Any, seed: int, *rest: Any) -> Any:
        if seed == 43:
            raise FathomError("seed 43 fails")
        return original(trainer, seed, *rest)

    original = runs.train_from
    monkeypatch.setattr(runs, "train_from", train_from)
    forever = ["train.epochs=1000000000", "train.early_stopping=null"]
    with pytest.raises(FathomError, match=r"^seed 43 fails$"):
        trained("digits", "mlp", "train.repeats=3", "train.at_once=3", *forever)
    assert not Path("models").exists()


@pytest.mark.parametrize(
    ("setting", "why"),
    [("train.engine=fit", "by Keras' fit"), ("train.memory=1e-6", "from disk")],
)
def test_runs_that_cannot_train_at_once(trainable: Path, setting: str, why: str) -> None:
    with pytest.raises(FathomError) as refused:
        trained("digits", "mlp", "train.repeats=3", "train.at_once=2", setting)
    assert str(refused.value) == (
        f"command line: train.at_once: 2 runs cannot train at once {why}; set it to 1"
    )


def test_own_callbacks_have_runs_train_one_by_one(trainable: Path) -> None:
    own = "+train.callbacks.own._target_=keras.callbacks.EarlyStopping"
    trained("digits", "mlp", "train.epochs=1", "train.repeats=2", own)
    assert json.loads(Path("models/digits/mlp/run.json").read_text())["at_once"] == 1


def test_the_best_run_on_the_validation_part_is_kept(trainable: Path) -> None:
    training = trained("digits", "mlp", *THREE)
    values = {run.seed: run.value for run in training.runs}
    assert list(values) == [42, 43, 44]
    best = max(values, key=lambda seed: values[seed])
    folder = Path("models/digits/mlp")
    kept = (folder / "model.keras").read_bytes()
    assert kept == (folder / f"repeats/seed-{best}.keras").read_bytes()
    history = pd.read_csv(folder / "history.csv")
    assert list(history["seed"]) == [42] * 3 + [43] * 3 + [44] * 3
    assert list(history["epoch"]) == [1, 2, 3] * 3
    by_seed = history.groupby("seed")["val_accuracy"].max()
    assert by_seed.to_dict() == pytest.approx(values)
    run = json.loads((folder / "run.json").read_text())
    assert (run["seed"], [each["seed"] for each in run["runs"]]) == (best, [42, 43, 44])
    curves = pd.read_csv("plots/curves/digits/mlp/loss.csv")
    of_best = history[history["seed"] == best].reset_index(drop=True)
    pd.testing.assert_frame_equal(curves, of_best[["epoch", "loss", "val_loss"]])
    assert evaluate(network_config("digits", "mlp", *THREE))["valid"]["accuracy"] == pytest.approx(
        values[best]
    )


def test_spread_and_ensemble_of_classes(trainable: Path) -> None:
    trained("digits", "mlp", *THREE)
    metrics = evaluate(network_config("digits", "mlp"))
    actual = read_targets(Problem.read("digits"), "test")["main_output"].to_numpy()
    files = sorted(Path("models/digits/mlp/repeats").iterdir())
    probabilities = [predictions(file, "digits", "mlp")[0] for file in files]
    accuracies = [np.mean(p.argmax(axis=1) == actual) for p in probabilities]
    spread = metrics["spread"]["test"]["accuracy"]
    assert spread == pytest.approx(
        {"mean": np.mean(accuracies), "sd": np.std(accuracies, ddof=1), "n": 3}
    )
    assert spread["sd"] > 0
    average = np.mean(probabilities, axis=0)
    assert metrics["ensemble"]["test"]["accuracy"] == np.mean(average.argmax(axis=1) == actual)
    cross_entropy = -np.mean(np.log(average[range(len(actual)), actual]))
    assert metrics["ensemble"]["test"]["cross_entropy"] == pytest.approx(cross_entropy, rel=1e-4)


def test_spread_and_ensemble_of_numbers(trainable: Path) -> None:
    trained("california_housing", "wide_deep", *THREE)
    metrics = evaluate(network_config("california_housing", "wide_deep"))
    targets = read_targets(Problem.read("california_housing"), "train")["main_output"]
    actual = read_targets(Problem.read("california_housing"), "test")["main_output"].to_numpy()
    files = sorted(Path("models/california_housing/wide_deep/repeats").iterdir())
    in_unit = [
        predictions(file, "california_housing", "wide_deep")[0][:, 0].astype(float)
        * targets.std(ddof=0) + targets.mean()
        for file in files
    ]  # fmt: skip
    errors = [np.sqrt(np.mean((predicted - actual) ** 2)) for predicted in in_unit]
    assert metrics["spread"]["test"]["rmse"] == pytest.approx(
        {"mean": np.mean(errors), "sd": np.std(errors, ddof=1), "n": 3}, rel=1e-4
    )
    of_average = np.sqrt(np.mean((np.mean(in_unit, axis=0) - actual) ** 2))
    assert metrics["ensemble"]["test"]["rmse"] == pytest.approx(of_average, rel=1e-4)
    assert set(metrics["spread"]) == set(metrics["ensemble"]) == {"train", "valid", "test"}


def test_one_run_has_no_spread(trainable: Path) -> None:
    trained("digits", "mlp")
    found = evaluate(network_config("digits", "mlp"))
    assert set(found) == {"train", "valid", "test", "calibrated"}


@pytest.mark.parametrize("dataset", ["digits", "california_housing"])
@pytest.mark.parametrize("model", ["mlp", "selu", "wide_deep"])
def test_the_ensemble_is_one_model_that_averages(trainable: Path, dataset: str, model: str) -> None:
    settings = ["train.repeats=2", "train.epochs=1", "train.ensemble=true"]
    trained(dataset, model, *settings)
    folder = Path("models", dataset, model)
    runs = [predictions(file, dataset, model) for file in sorted((folder / "repeats").iterdir())]
    found = predictions(folder / "model.keras", dataset, model)
    assert len(found) == len(runs[0])
    for number, output in enumerate(found):
        mean = np.mean([run[number] for run in runs], axis=0)
        np.testing.assert_allclose(output, mean, rtol=1e-5, atol=1e-6)
    metrics = evaluate(network_config(dataset, model))
    for part, figures in metrics["ensemble"].items():
        assert metrics[part] == pytest.approx(figures, rel=1e-4)
    assert ("aux" in metrics) is (model == "wide_deep")


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
    (trainable / "subclassed.py").write_text(SUBCLASSED)
    (trainable / "conf/model/line.yaml").write_text(
        "_target_: subclassed.build\nlearning_rate: 0.01\n"
    )
    monkeypatch.syspath_prepend(trainable)
    training = trained("california_housing", "line", *THREE)
    assert len({run.value for run in training.runs}) == 3
    assert (
        evaluate(network_config("california_housing", "line"))["spread"]["test"]["rmse"]["sd"] > 0
    )
    with pytest.raises(FathomError) as refused:
        trained("california_housing", "line", *THREE, "train.ensemble=true")
    assert str(refused.value) == (
        "command line: train.ensemble: subclassed.build returned a subclassed model, whose inputs "
        "are not known; set it to false"
    )


@pytest.mark.parametrize(
    ("rows", "setting", "times"),
    [(150_000, "auto", 3), (160_000, "auto", 1), (160_000, "2", 2)],
)
def test_large_data_is_trained_on_once(
    trainable: Path, rows: int, setting: str, times: int
) -> None:
    problem = Problem.read("digits").model_copy(update={"rows": {"train": rows}})  # of 64 pixels
    config = network_config("digits", "mlp", f"train.repeats={setting}")
    assert repeats(config, problem) == times


def test_seeds_start_anew_at_the_highest(trainable: Path) -> None:
    training = trained("digits", "mlp", "train.repeats=2", "train.epochs=1", f"seed={2**32 - 1}")
    assert [run.seed for run in training.runs] == [2**32 - 1, 0]
