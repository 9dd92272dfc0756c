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
from stages import build_once
from trainings import PLAIN, SGD, refusal

from fathom.artifacts.model_file import save_model
from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Problem
from fathom.evaluate.evaluate import evaluate
from fathom.messages.training import last_line

HOUSING = [
    PLAIN,
    "train.epochs=8", "train.optimizer.weight_decay=0.0", "train.batch_size=32",
    "train.schedule={_target_: keras.optimizers.schedules.PiecewiseConstantDecay, boundaries: [7], "
    "values: [0.02, 2.0]}",
    "train.early_stopping=null",
    "train.tensorboard=true",
    "+train.callbacks.rows={_target_: keras.callbacks.CSVLogger, filename: rows.csv}",
    "+train.callbacks.none=null",
]  # fmt: skip
STOPPED = [
    "train.epochs=50", "train.early_stopping.patience=2", "train.early_stopping.min_delta=10",
    "train.keep=last", "model.depth=1",
]  # fmt: skip
PLATEAU = "{_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, patience: 1, factor: 0.5"
DIGITS = [
    "train.epochs=4", "train.monitor=val_accuracy", "train.schedule=null",
    "model.learning_rate=0.008",
    f"+train.callbacks.plateau={PLATEAU}, min_delta: 1000.0}}",
    "+train.callbacks.kept={_target_: keras.callbacks.ModelCheckpoint, filepath: kept.keras}",
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


HOUSES = Outputs(Path("models/california_housing/mlp"))  # whose best epoch is not its last
LAST = Outputs(Path("models/california_housing/selu"))  # with the weights of its last epoch
IMAGES = Outputs(Path("models/digits/mlp"))


@pytest.fixture
def trainings(
    training_data: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Work in a folder with these trainings. Only read it."""

    def train_all(folder: Path) -> None:
        shutil.copytree(training_data, folder, dirs_exist_ok=True)
        with pytest.MonkeyPatch.context() as patch, redirect_stdout(io.StringIO()) as log:
            patch.chdir(folder)
            train_network("california_housing", "mlp", *HOUSING)
            Path("log.txt").write_text(log.getvalue())
            evaluate(network_config("california_housing", "mlp", *HOUSING))
            train_network("california_housing", "selu", *STOPPED)
            train_network("digits", "mlp", *DIGITS)

    monkeypatch.chdir(build_once(tmp_path_factory, "trainings", train_all))


def test_outputs(trainings: None) -> None:
    folder, run = HOUSES.folder, HOUSES.run
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


def test_training_returns_and_prints_what_it_writes(
    training_project: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    training = train_network("california_housing", "mlp", "model.units=[]", PLAIN)
    outputs = Outputs(Path("models/california_housing/mlp"))
    best = outputs.run["best_epoch"]
    pd.testing.assert_frame_equal(training.history, outputs.history)
    assert training.best.best_epoch == best
    for one, other in zip(training.model.get_weights(), outputs.model().get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    line = rf"best epoch: {best} of 2 \(lowest val_rmse\); \d+ s, 9 parameters"
    assert re.fullmatch(line, capsys.readouterr().out.splitlines()[-1])


def test_the_learning_curve_grows_with_the_epochs(
    training_project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    curves = Path("plots/curves/california_housing/mlp")
    live: list[pd.DataFrame] = []

    def finish(*arguments: Any) -> None:
        live.append(pd.read_csv(curves / "seed-42.csv"))
        save_model(*arguments)

    monkeypatch.setattr("fathom.train.callbacks.CURVE_SECONDS", 0.0)
    monkeypatch.setattr("fathom.train.runs.save_model", finish)
    train_network("california_housing", "mlp", "model.units=[]", PLAIN)
    assert [path.name for path in curves.iterdir()] == ["loss.csv"]
    pd.testing.assert_frame_equal(live[0], pd.read_csv(curves / "loss.csv"))
    assert len(live[0]) == 2


def test_last_line() -> None:
    run = {
        "best_epoch": 3, "kept_epoch": 4, "epochs": 4, "monitor": "val_accuracy", "runs": [1, 2],
        "parameters": 1650, "ensemble": False,
    }  # fmt: skip
    assert last_line(run, 2.4, highest=True) == (
        "best epoch: 3 of 4 (highest val_accuracy); weights of epoch 4; best of 2 runs; "
        "2 s, 1,650 parameters"
    )


def test_history(trainings: None) -> None:
    history = HOUSES.history
    assert list(history["epoch"]) == list(range(1, 9))
    both = {"loss", "rmse", "mae"}
    assert set(history) == {"epoch", "loss_ratio"} | both | {f"val_{name}" for name in both}
    np.testing.assert_allclose(history["loss_ratio"], history["val_loss"] / history["loss"])


def test_early_stopping_keeps_the_weights_of_the_last_epoch(trainings: None) -> None:
    run = LAST.run
    assert (len(LAST.history), run["best_epoch"], run["kept_epoch"]) == (3, 1, 3)
    actual, predicted = Predictions.read(Problem.read("california_housing"), "selu").sample("valid")
    rmse = np.sqrt(np.mean((predicted - actual) ** 2))
    assert rmse == pytest.approx(LAST.history["val_rmse"].iloc[-1], rel=1e-4)


def test_the_best_epochs_errors_are_in_the_targets_own_unit(trainings: None) -> None:
    best = HOUSES.run["best_epoch"]
    assert best == 1 + np.argmin(HOUSES.history["val_rmse"]) < 8
    valid = json.loads(Path("metrics/california_housing/mlp.json").read_text())["valid"]
    found = HOUSES.history.iloc[best - 1][["val_rmse", "val_mae"]]
    np.testing.assert_allclose(found, [valid["rmse"], valid["mae"]], rtol=1e-4)


def test_extra_callbacks_see_the_values_of_the_history(trainings: None) -> None:
    rows = pd.read_csv("rows.csv")
    names = ["loss", "loss_ratio", "mae", "rmse", "val_loss", "val_mae", "val_rmse"]
    np.testing.assert_allclose(rows[names], HOUSES.history[names])


def test_tensorboard(trainings: None) -> None:
    for subset in ("train", "validation"):
        assert len(list(Path("logs/california_housing/mlp").glob(f"*/seed-42/{subset}/*"))) == 1


@pytest.mark.slow
def test_each_training_is_a_run_of_tensorboard(trainable: Path) -> None:
    """The second of the same settings replaces the first; one that is killed goes on in its run."""
    settings = ["train.tensorboard=true", "train.batch_size=1000", "train.epochs=2"]
    for rate in (0.1, 0.1, 0.2):
        train_network("digits", "mlp", *settings, f"model.learning_rate={rate}")
    runs = list(Path("logs/digits/mlp").glob("*/seed-42/train"))
    assert [len(list(run.iterdir())) for run in runs] == [1, 1]


def test_line_of_the_last_epoch(trainings: None) -> None:
    loss = f"{HOUSES.history['loss'][7]:.4g}"
    last = Path("log.txt").read_text().splitlines()[-2]
    assert re.fullmatch(rf"seed 42  epoch 8/8  loss {loss}  mae .*  loss_ratio \S+  \S+ s", last)


def test_best_epoch_has_the_highest_accuracy(trainings: None) -> None:
    accuracy = IMAGES.history["val_accuracy"]
    assert accuracy.min() < accuracy.max()
    assert IMAGES.run["best_epoch"] == 1 + np.argmax(accuracy)


def test_callbacks_of_epochs_train_by_compiled_programs(trainings: None) -> None:
    np.testing.assert_allclose(IMAGES.history["learning_rate"], [0.008, 0.008, 0.004, 0.002])
    assert Path("kept.keras").exists()
    steps = 4 * math.ceil(Problem.read("digits").rows["train"] / 128)
    assert IMAGES.run["engine"] == {
        "name": "compiled",
        "xla": False,
        "why": f"{steps} steps would not gain back what compiling costs",
        "rows": "in memory",
    }


def test_divergence_leaves_no_model(training_project: Path) -> None:
    settings = ["model.units=[]", *SGD, "+train.optimizer.learning_rate=1e6"]
    assert re.fullmatch(
        r"training diverged: loss is (nan|inf) in epoch 1; "
        r"lower the learning rate or set train\.optimizer\.clipnorm",
        refusal(train_network, "california_housing", "mlp", *settings),
    )
    assert not list(Path().glob("models/**/*.*"))
