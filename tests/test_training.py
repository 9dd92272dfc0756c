"""Real, short trainings do what the settings say and write what they should."""

import io
import json
import math
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import network_config, train_network
from stages import build_once, run_stage
from trainings import FULL_BATCH, SGD, refusal

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.evaluate.evaluate import evaluate
from fathom.train.callbacks import direction

HOUSING = [
    "train.epochs=8", "model.learning_rate=0.2", "train.optimizer.weight_decay=0.0",
    "train.batch_size=32", "train.schedule=null", "train.early_stopping=null",
    "train.tensorboard=true",
    "+train.callbacks.rows={_target_: keras.callbacks.CSVLogger, filename: rows.csv}",
    "+train.callbacks.none=null",
]  # fmt: skip
STOPPED = [
    "train.epochs=50", "train.early_stopping.patience=2", "train.early_stopping.min_delta=10",
    "train.keep=last",
]  # fmt: skip
PLATEAU = "{_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, patience: 1, factor: 0.5"
DIGITS = [
    "train.epochs=4", "train.monitor=val_accuracy", "train.schedule=null",
    "model.learning_rate=0.008",
    f"+train.callbacks.plateau={PLATEAU}, min_delta: 1000.0}}",
    "+train.callbacks.kept={_target_: keras.callbacks.ModelCheckpoint, filepath: kept.keras}",
    "+train.callbacks.rate={_target_: keras.callbacks.SwapEMAWeights, swap_on_epoch: false}",
    "+train.optimizer.use_ema=true",
]  # fmt: skip


@dataclass(frozen=True)
class Outputs:
    """The outputs of a training of one run."""

    folder: Path

    @property
    def run(self) -> dict[str, Any]:
        run: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return run

    @property
    def history(self) -> pd.DataFrame:
        return pd.read_csv(self.folder / "history.csv").drop(columns="seed")

    def model(self) -> keras.Model:
        return keras.saving.load_model(self.folder / "model.keras")


@pytest.fixture(scope="session")
def trainings(training_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with four trainings, each of which shows several things. Only read it."""

    def train_all(folder: Path) -> None:
        shutil.copytree(training_data, folder, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as log:
            patch.chdir(folder)
            train_network("california_housing", "mlp", *HOUSING)
            Path("log.txt").write_text(log.getvalue())
            evaluate(network_config("california_housing", "mlp", *HOUSING))
            train_network("california_housing", "selu", *STOPPED)
            train_network("california_housing", "wide_deep", FULL_BATCH)
            train_network("digits", "mlp", *DIGITS)

    return build_once(tmp_path_factory, "trainings", train_all)


@pytest.fixture
def housing(trainings: Path, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """Return a training whose best epoch is not its last."""
    monkeypatch.chdir(trainings)
    outputs = Outputs(Path("models/california_housing/mlp"))
    assert outputs.run["best_epoch"] < 8
    return outputs


@pytest.fixture
def stopped(trainings: Path, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """Return one that stopped early and kept the last epoch's weights."""
    monkeypatch.chdir(trainings)
    return Outputs(Path("models/california_housing/selu"))


@pytest.fixture
def digits(trainings: Path, monkeypatch: pytest.MonkeyPatch) -> Outputs:
    """Return one with callbacks of epochs, whose best epoch has the highest accuracy."""
    monkeypatch.chdir(trainings)
    return Outputs(Path("models/digits/mlp"))


def test_outputs(housing: Outputs) -> None:
    folder, run = housing.folder, housing.run
    names = {"model.keras", "repeats", "predictions", "history.csv", "summary.txt", "run.json"}
    assert {path.name for path in folder.iterdir()} == names
    # Of mlp.yaml shrunk to 16 and 8 units, on 8 columns.
    parameters = (8 * 16 + 16) + (16 * 8 + 8) + (8 + 1)
    assert (run["parameters"], run["epochs"], run["seed"]) == (parameters, 8, 42)
    assert run["monitor"] == "val_rmse"
    assert run["settings"]["model"]["units"] == [16, 8]
    assert run["settings"]["train"]["epochs"] == 8
    assert f"Trainable params: {parameters}" in (folder / "summary.txt").read_text()
    history = pd.read_csv(folder / "history.csv")
    curves = pd.read_csv("plots/curves/california_housing/mlp/loss.csv")
    pd.testing.assert_frame_equal(curves, history[["epoch", "loss", "val_loss"]])


def test_training_returns_what_it_writes(training_project: Path) -> None:
    training = train_network("california_housing", "mlp", "model.units=[]")
    outputs = Outputs(Path("models/california_housing/mlp"))
    pd.testing.assert_frame_equal(training.history, outputs.history)
    assert training.best.best_epoch == outputs.run["best_epoch"]
    for one, other in zip(training.model.get_weights(), outputs.model().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("keep", "line"),
    [
        ("best", r"best epoch: (?P<best>\d) of 2 \(highest val_accuracy\)"),
        ("last", r"best epoch: \d of 2 \(highest val_accuracy\)(; weights of epoch 2)?"),
    ],
)
def test_last_line(training_project: Path, keep: str, line: str) -> None:
    settings = ["dataset=digits", "model=mlp", "train.epochs=2", "model.units=[]", "gpus=[]"]
    done = run_stage("train", *settings, "train.repeats=2", f"train.keep={keep}")
    matched = re.fullmatch(
        line + r"; best of 2 runs; \d+ s, 650 parameters", done.out.splitlines()[-1]
    )
    assert matched
    if keep == "best":
        assert int(matched["best"]) == Outputs(Path("models/digits/mlp")).run["best_epoch"]


def test_history(housing: Outputs) -> None:
    history = housing.history
    assert list(history["epoch"]) == list(range(1, 9))
    both = {"loss", "rmse", "mae"}
    assert set(history) == {"epoch", "loss_ratio"} | both | {f"val_{name}" for name in both}
    np.testing.assert_allclose(history["loss_ratio"], history["val_loss"] / history["loss"])


def test_early_stopping(stopped: Outputs) -> None:
    assert (len(stopped.history), stopped.run["best_epoch"]) == (3, 1)


def test_weights_of_the_last_epoch_are_kept(stopped: Outputs) -> None:
    assert stopped.run["best_epoch"] < stopped.run["kept_epoch"] == 3
    mse = scaled_error(stopped.model())
    scaler = read_scalers("california_housing").targets["main_output"]
    assert scaler.scale is not None
    rmse = np.sqrt(mse) * scaler.scale[0]
    assert rmse == pytest.approx(stopped.history["val_rmse"].iloc[-1], rel=1e-4)


def test_weights_of_the_best_epoch_are_kept(housing: Outputs) -> None:
    history = housing.history
    assert housing.run["best_epoch"] == 1 + np.argmin(history["val_rmse"])
    np.testing.assert_allclose(scaled_error(housing.model()), history["val_loss"].min(), rtol=1e-4)


def scaled_error(model: keras.Model) -> float:
    """Return the mean squared error of a model on the validation set of the houses, scaled."""
    problem = Problem.read("california_housing")
    subset = read_subset(problem, "valid")
    (features,) = subset.inputs(["features"], problem)
    scaler = read_scalers(problem.dataset).targets["main_output"]
    actual = scaler.transform(subset.target("main_output")[:, None])
    return float(np.mean((model.predict(features, verbose=0) - actual) ** 2))


def test_errors_are_in_the_targets_own_unit(housing: Outputs) -> None:
    valid = json.loads(Path("metrics/california_housing/mlp.json").read_text())["valid"]
    best = housing.history.iloc[housing.run["best_epoch"] - 1]
    np.testing.assert_allclose(
        [best["val_rmse"], best["val_mae"]], [valid["rmse"], valid["mae"]], rtol=1e-4
    )


def test_extra_callbacks_see_the_values_of_the_history(housing: Outputs) -> None:
    rows = pd.read_csv("rows.csv")
    names = ["loss", "loss_ratio", "mae", "rmse", "val_loss", "val_mae", "val_rmse"]
    np.testing.assert_allclose(rows[names], housing.history[names])


def test_tensorboard(housing: Outputs) -> None:
    logs = Path("logs/california_housing/mlp/seed-42")
    assert list(logs.glob("train/events.*"))
    assert list(logs.glob("validation/events.*"))


def test_line_of_the_last_epoch(housing: Outputs) -> None:
    loss = f"{housing.history['loss'][7]:.4g}"
    last = Path("log.txt").read_text().splitlines()[-2]
    assert re.fullmatch(rf"seed 42  epoch 8/8  loss {loss}  mae .*  loss_ratio \S+  \S+ s", last)


@pytest.mark.parametrize(
    ("monitor", "better"),
    [
        ("val_loss", "min"), ("val_rmse", "min"), ("val_main_output_mae", "min"),
        ("val_accuracy", "max"), ("val_main_output_accuracy", "max"),
    ],
)  # fmt: skip
def test_direction(monitor: str, better: str) -> None:
    assert direction(monitor) == better


def test_best_epoch_has_the_highest_accuracy(digits: Outputs) -> None:
    accuracy = digits.history["val_accuracy"]
    assert accuracy.min() < accuracy.max()
    assert digits.run["best_epoch"] == 1 + np.argmax(accuracy)


def test_callback_that_changes_the_learning_rate(digits: Outputs) -> None:
    rates = digits.history["learning_rate"]
    np.testing.assert_allclose(rates, [0.008, 0.008, 0.004, 0.002])


def test_engine_of_a_run(digits: Outputs) -> None:
    steps = 4 * math.ceil(Problem.read("digits").rows["train"] / 128)
    assert digits.run["engine"] == {
        "name": "compiled",  # with callbacks of epochs
        "xla": False,
        "why": f"{steps} steps would not gain back what compiling costs",
        "rows": "in memory",
    }
    assert Path("kept.keras").exists()


def test_divergence_leaves_no_model(training_project: Path) -> None:
    settings = ["model.units=[]", *SGD, "+train.optimizer.learning_rate=1e6"]
    assert re.fullmatch(
        r"training diverged: loss is (nan|inf) in epoch 1; "
        r"lower the learning rate or set train\.optimizer\.clipnorm",
        refusal(train_network, "california_housing", "mlp", *settings),
    )
    assert not list(Path().glob("models/**/*.*"))


def test_loss_is_weighted_by_output(trainings: Path) -> None:
    history = Outputs(trainings / "models/california_housing/wide_deep").history
    expected = 0.9 * history["main_output_loss"] + 0.1 * history["aux_output_loss"]
    np.testing.assert_allclose(history["loss"], expected, rtol=1e-5)
