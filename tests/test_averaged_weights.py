"""With a moving average of weights, the validated weights are the kept ones."""

from pathlib import Path

import numpy as np
import pytest
from conftest import train_network, work_in_copy
from stages import build_once

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset
from fathom.train.train import Training

SETTINGS = [
    "model.units=[]", "train.epochs=3", "train.batch_size=200", "train.monitor=val_loss",
    "train.schedule=null",
]  # fmt: skip
EMA = ["+train.optimizer.use_ema=true", "+train.optimizer.ema_momentum=0.9"]
AT_THE_SECOND = "train.early_stopping={patience: 1, min_delta: 10.0}"


def train_digits(*overrides: str) -> Training:
    return train_network("digits", "mlp", *SETTINGS, *overrides)


@pytest.fixture(scope="module")
def raw_losses(training_data: Path, tmp_path_factory: pytest.TempPathFactory) -> list[float]:
    """Return the validation loss of each epoch without an average."""

    def build(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            work_in_copy(training_data, folder, patch)
            losses = train_digits("train.early_stopping=null").history["val_loss"]
            np.save("losses.npy", losses)

    losses: list[float] = np.load(
        build_once(tmp_path_factory, "raw", build) / "losses.npy"
    ).tolist()
    return losses


def kept_loss() -> float:
    """Return the validation loss of the weights that are kept."""
    classes = read_subset(Problem.read("digits"), "valid").target("main_output")
    predicted = np.load(Path("models/digits/mlp/predictions/seed-42/valid_main_output.npy"))
    return float(-np.mean(np.log(predicted[np.arange(len(classes)), classes])))


@pytest.mark.parametrize("engine", ["compiled", "fit"])
@pytest.mark.parametrize("stopping", ["train.early_stopping=null", AT_THE_SECOND])
@pytest.mark.parametrize("keep", ["best", "last"])
def test_the_value_is_that_of_the_kept_weights(
    raw_losses: list[float], training_project: Path, engine: str, stopping: str, keep: str
) -> None:
    settings = [f"train.engine={engine}", stopping, f"train.keep={keep}"]
    run = train_digits(*settings, *EMA).best
    assert run.value == pytest.approx(kept_loss(), rel=1e-5)
    assert run.epochs == (2 if stopping == AT_THE_SECOND else 3)
    assert run.kept_epoch == (1 if stopping == AT_THE_SECOND and keep == "best" else run.epochs)
    assert run.value > raw_losses[run.kept_epoch - 1] + 0.01  # the average lags behind
