"""What trainings compute: by hand, by both engines, with weights, and again from the same seed."""

import json
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, SHRUNK, SHRUNK_MODELS, network_config, run_in, train_network
from stages import make_stage
from trainings import FULL_BATCH, PLAIN, SGD

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset
from fathom.train.build import build
from fathom.train.train import Training

KERAS_LOSSES = "keras.losses"
ONE_HOT = f"{{_target_: {KERAS_LOSSES}.CategoricalCrossentropy, label_smoothing: 0.0}}"
SPARSE = f"{{_target_: {KERAS_LOSSES}.SparseCategoricalCrossentropy}}"


def test_one_step_of_gradient_descent_is_that_by_hand(training_project: Path) -> None:
    linear = [
        "model.units=[]",
        PLAIN,
        "train.epochs=1",
        FULL_BATCH,
        *SGD,
        "model.learning_rate=0.1",
    ]
    config = network_config("california_housing", "mlp", *linear)
    problem = Problem.read("california_housing")
    keras.utils.set_random_seed(config.seed)
    before = build(config, problem).get_weights()[0].astype(np.float64)
    subset = read_subset(problem, "train")
    actual = subset.target("main_output")[:, None]
    (features,) = subset.inputs(["features"], problem)
    residuals = features @ before - (actual - actual.mean()) / actual.std()
    after = before - 0.1 * 2 * features.T @ residuals / len(actual)
    bias = -0.1 * 2 * residuals.mean()
    kernel, biases = train_network("california_housing", "mlp", *linear).model.get_weights()
    np.testing.assert_allclose(kernel, after, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(biases, [bias], rtol=1e-4, atol=1e-6)


def test_sparse_and_one_hot_labels_train_alike(training_project: Path) -> None:
    sparse, *others = (
        train_network("digits", "mlp", "model.units=[]", f"train.loss={loss}").history
        for loss in ("auto", "categorical_crossentropy", ONE_HOT, SPARSE)
    )
    for other in others:
        np.testing.assert_allclose(other, sparse, rtol=1e-4)


def test_a_loss_has_arguments(training_project: Path) -> None:
    """Huber's, by hand from the predictions in scaled units."""
    huber = "train.loss={_target_: keras.losses.Huber, delta: 0.4}"
    training = train_network("california_housing", "mlp", "model.units=[]", huber)
    folder = Path("models/california_housing/mlp/predictions/seed-42")
    predicted = np.load(folder / "valid_main_output.npy")
    problem = Problem.read("california_housing")
    scale = read_subset(problem, "train").target("main_output").std()
    error = np.abs(predicted - read_subset(problem, "valid").target("main_output")) / scale
    by_hand = np.where(error <= 0.4, error**2 / 2, 0.4 * error - 0.4**2 / 2).mean()
    found = training.history["val_loss"].iloc[training.best.kept_epoch - 1]
    assert found == pytest.approx(by_hand, rel=1e-5)


def test_a_loss_of_ones_own_trains_an_ensemble(training_project: Path) -> None:
    code = "def loss(factor):\n    return lambda y, p: factor * (y - p) ** 2\n"
    (training_project / "my_loss.py").write_text(code)
    two = ["model.units=[]", "train.repeats=2"]
    loss = "train.loss={_target_: my_loss.loss, factor: 1.0}"
    own = train_network("california_housing", "mlp", *two, loss)
    built_in = train_network("california_housing", "mlp", *two)
    np.testing.assert_allclose(own.history, built_in.history, rtol=1e-4)


def keep_training_rows(dataset: str, keep: Any) -> None:
    """Drop the other training rows from the scaled data."""
    folder, file = Path("data/scaled", dataset), Path("data/problem", f"{dataset}.json")
    for table in folder.glob("train_*.parquet"):
        pd.read_parquet(table)[keep].to_parquet(table, index=False)
    for array in folder.glob("train_*.npy"):
        np.save(array, np.load(array)[keep])
    problem = json.loads(file.read_text())
    problem["rows"]["train"] = int(np.sum(keep))
    file.write_text(json.dumps(problem))


def assert_same_training(one: Training, other: Training) -> None:
    np.testing.assert_allclose(all_weights(one), all_weights(other), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(one.history["loss"], other.history["loss"], rtol=1e-4)


def all_weights(training: Training) -> Any:
    return np.concatenate([np.ravel(values) for values in training.model.get_weights()])


# Full batches: the weights of the other rows make up for the larger divisor of the mean.
WEIGHTED = [
    FULL_BATCH, *SGD, "train.epochs=3", "model.units=[8]", "model.dropout=0.0",
    "model.learning_rate=0.1",
]  # fmt: skip


def test_rows_of_weight_0_are_as_if_left_out(training_project: Path) -> None:
    unweighted = train_network("california_housing", "mlp", *WEIGHTED)
    file = Path("data/scaled/california_housing/train_targets.parquet")
    targets = pd.read_parquet(file)
    keep = np.random.default_rng(0).random(len(targets)) < 0.4
    targets.assign(weight=np.where(keep, len(keep) / keep.sum(), 0.0)).to_parquet(file, index=False)
    weighted = train_network("california_housing", "mlp", *WEIGHTED)
    targets.to_parquet(file, index=False)
    keep_training_rows("california_housing", keep)
    assert_same_training(weighted, train_network("california_housing", "mlp", *WEIGHTED))
    assert not np.allclose(all_weights(weighted), all_weights(unweighted), atol=1e-3)


def test_class_of_weight_0_is_as_if_left_out(training_project: Path) -> None:
    keep = read_subset(Problem.read("digits"), "train").target("main_output") != 3
    share = len(keep) / keep.sum()
    by_name = ", ".join(f"{digit}: {0.0 if digit == 3 else share}" for digit in range(10))
    weighted = train_network("digits", "mlp", *WEIGHTED, f"train.class_weight={{{by_name}}}")
    keep_training_rows("digits", keep)
    assert_same_training(weighted, train_network("digits", "mlp", *WEIGHTED))


def slow(*case: Any) -> Any:
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("dataset", "model", "weighted"),
    [
        ("iris", "wide_deep", True),
        slow("digits", "mlp", True),
        slow("digits", "wide_deep", False),
        slow("california_housing", "selu", True),
        slow("california_housing", "deep_relu", False),
        slow("california_housing", "wide_deep", True),
    ],
)
def test_engines_agree(training_project: Path, dataset: str, model: str, weighted: bool) -> None:
    settings = ["train.deterministic=false", "train.xla=false", "train.epochs=1"]
    if weighted:
        file = Path(f"data/scaled/{dataset}/train_targets.parquet")
        targets = pd.read_parquet(file)
        random = np.random.default_rng(1).uniform(0.2, 3, len(targets))
        targets.assign(weight=random).to_parquet(file, index=False)
        if dataset != "california_housing":
            settings.append("train.class_weight=balanced")
    compiled, by_fit = (
        train_network(dataset, model, f"train.engine={engine}", *settings)
        for engine in ("compiled", "fit")
    )
    np.testing.assert_allclose(all_weights(compiled), all_weights(by_fit), rtol=1e-3, atol=1e-5)
    pd.testing.assert_frame_equal(compiled.history, by_fit.history, rtol=1e-4)
    run = json.loads(Path("models", dataset, model, "run.json").read_text())
    why = "as train.engine says"
    assert run["engine"] == {"name": "fit", "xla": False, "why": why, "rows": "in memory"}


# Without XLA test_two_clones_give_identical_bytes trains again.
SAME = {
    ("digits", "selu"): ["model.depth=1"],  # AlphaDropout
    ("california_housing", "wide_deep"): [  # embeddings, Dropout, batch normalization
        *SHRUNK_MODELS["wide_deep"], "model.deep.batch_normalization=true"
    ],
}  # fmt: skip
IN_ANOTHER_PROCESS = f"""
import sys
sys.path[:0] = [{str(ROOT / "src")!r}, {str(ROOT / "tests")!r}]
from test_training_results import train_same
train_same()
"""


def train_same() -> None:
    """Train networks from two seeds each in the working folder."""
    settings = [*SHRUNK, "train.repeats=2", "train.at_once=1", "train.xla=true"]
    for (dataset, model), shrunk in SAME.items():
        make_stage("train", f"dataset={dataset}", f"model={model}", *settings, *shrunk)
        Path("models", dataset, model).rename(Path(f"{dataset}-{model}"))


@pytest.mark.slow
def test_same_seed_same_bytes(training_project: Path, training_data: Path) -> None:
    other = Path(shutil.copytree(training_data, training_project / "other"))
    run_in(other, "python", "-c", IN_ANOTHER_PROCESS)
    train_same()
    repeats = ["repeats/seed-42.keras", "repeats/seed-43.keras"]
    for case in SAME:
        folder = Path("-".join(case))
        for name in ("model.keras", "history.csv", *repeats):
            assert (folder / name).read_bytes() == (other / folder / name).read_bytes(), name
        first, second = ((folder / name).read_bytes() for name in repeats)
        assert first != second
