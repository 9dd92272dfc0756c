"""Real, short trainings do what the settings say, write what they should, and can be repeated."""

import io
import json
import math
import re
import shutil
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import (
    ROOT,
    SHRUNK,
    SHRUNK_MODELS,
    copy_settings,
    network_config,
    prepare,
    run_in,
    train_network,
    work_in_copy,
)  # fmt: skip
from sklearn.utils.class_weight import compute_class_weight
from stages import build_once, make_stage

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData, read_scalers, read_subset
from fathom.base.errors import FathomError
from fathom.evaluate.evaluate import evaluate
from fathom.train import build as building
from fathom.train.build import build
from fathom.train.callbacks import direction, early_stopping, make_callbacks
from fathom.train.feeds import sample_weights
from fathom.train.train import Training

IRIS = """# @package _global_
dataset:
  source: {_target_: fathom.download.sources.scikit_learn, loader: load_iris}
  task: classification
  target: target
  auxiliary: petal width (cm)
"""
SGD = [
    "train.optimizer._target_=keras.optimizers.SGD",
    "train.optimizer.clipnorm=null",
    "train.optimizer.weight_decay=null",
    "train.schedule=null",
]
FULL_BATCH = "train.batch_size=100000"
PLAIN = ["model.units=[8]", "model.dropout=0.0", "model.learning_rate=0.1"]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose data sets are ready to be trained on. Read it alone."""

    def build_data(folder: Path) -> None:
        copy_settings(folder)
        (folder / "conf/dataset/iris.yaml").write_text(IRIS)
        datasets = ["digits", "california_housing", "iris"]
        prepare(folder, datasets, "split.test=0.5", "split.valid=0.3")

    return build_once(tmp_path_factory, "training-data", build_data)


@pytest.fixture
def project(prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the prepared project, made the working folder."""
    return work_in_copy(prepared, tmp_path, monkeypatch)


def refusal(dataset: str, model: str, *overrides: str) -> str:
    with pytest.raises(FathomError) as refused:
        train_network(dataset, model, *overrides)
    return str(refused.value)


def weights(training: Training) -> Any:
    return np.concatenate([np.ravel(values) for values in training.model.get_weights()])


HOUSING = [
    "train.epochs=8",
    "model.learning_rate=0.2",
    "train.optimizer.weight_decay=0.0",
    "train.batch_size=32",
    "train.schedule=null",
    "train.early_stopping=null",
    "train.tensorboard=true",
    "+train.callbacks.rows={_target_: keras.callbacks.CSVLogger, filename: rows.csv}",
    "+train.callbacks.none=null",
]
STOPPED = [
    "train.epochs=50",
    "train.early_stopping.patience=2",
    "train.early_stopping.min_delta=10",
    "train.keep=last",
]
PLATEAU = "{_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, patience: 1, factor: 0.5"
DIGITS = [
    "train.epochs=4",
    "train.monitor=val_accuracy",
    "train.schedule=null",
    "model.learning_rate=0.008",
    f"+train.callbacks.plateau={PLATEAU}, min_delta: 1000.0}}",
    "+train.callbacks.kept={_target_: keras.callbacks.ModelCheckpoint, filepath: kept.keras}",
    "+train.callbacks.rate={_target_: keras.callbacks.SwapEMAWeights, swap_on_epoch: false}",
    "+train.optimizer.use_ema=true",
]


@dataclass(frozen=True)
class Trained:
    """What a training left."""

    folder: Path

    @property
    def run(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder / "run.json").read_text())
        return found

    @property
    def history(self) -> pd.DataFrame:
        """Return the history of its one run."""
        return pd.read_csv(self.folder / "history.csv").drop(columns="seed")

    def predictions(self, part: str) -> Any:
        """Return what the model predicts for a part of the houses, on its own scale."""
        problem = Problem.read("california_housing")
        (features,) = read_subset(problem, part).inputs(["features"], problem)
        model = keras.saving.load_model(self.folder / "model.keras")
        return model.predict(features, verbose=0)


@pytest.fixture(scope="session")
def trainings(prepared: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with four trainings, each of which shows several things. Read it alone."""

    def train_all(folder: Path) -> None:
        shutil.copytree(prepared, folder, dirs_exist_ok=True)
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
def housing(trainings: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Return a training whose best epoch is not its last."""
    monkeypatch.chdir(trainings)
    training = Trained(Path("models/california_housing/mlp"))
    assert training.run["best_epoch"] < 8
    return training


@pytest.fixture
def stopped(trainings: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Return one that stopped early and kept the last epoch's weights."""
    monkeypatch.chdir(trainings)
    return Trained(Path("models/california_housing/selu"))


@pytest.fixture
def digits(trainings: Path, monkeypatch: pytest.MonkeyPatch) -> Trained:
    """Return one with callbacks of epochs, whose best epoch is that of the highest accuracy."""
    monkeypatch.chdir(trainings)
    return Trained(Path("models/digits/mlp"))


def test_outputs(housing: Trained) -> None:
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


def test_training_returns_what_it_writes(project: Path) -> None:
    training = train_network("california_housing", "mlp", "model.units=[]")
    written = Trained(Path("models/california_housing/mlp"))
    pd.testing.assert_frame_equal(training.history, written.history)
    assert training.best.best_epoch == written.run["best_epoch"]
    model = keras.saving.load_model(written.folder / "model.keras")
    for one, other in zip(training.model.get_weights(), model.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_history(housing: Trained) -> None:
    history = housing.history
    assert list(history["epoch"]) == list(range(1, 9))
    both = {"loss", "rmse", "mae"}
    assert set(history) == {"epoch", "loss_ratio"} | both | {f"val_{name}" for name in both}
    np.testing.assert_allclose(history["loss_ratio"], history["val_loss"] / history["loss"])


def test_early_stopping(stopped: Trained) -> None:
    assert (len(stopped.history), stopped.run["best_epoch"]) == (3, 1)


def test_the_last_epochs_weights_are_kept_if_asked(stopped: Trained) -> None:
    assert stopped.run["best_epoch"] < stopped.run["kept_epoch"] == 3
    problem = Problem.read("california_housing")
    scaler = read_scalers(problem.dataset).targets["main_output"]
    predicted = scaler.inverse(stopped.predictions("valid"))[:, 0]
    actual = read_subset(problem, "valid").target("main_output")
    rmse = np.sqrt(np.mean((predicted - actual) ** 2))
    assert rmse == pytest.approx(stopped.history["val_rmse"].iloc[-1], rel=1e-4)


def test_the_best_epochs_weights_are_kept(housing: Trained) -> None:
    history = housing.history
    assert housing.run["best_epoch"] == 1 + np.argmin(history["val_rmse"])
    problem = Problem.read("california_housing")
    scaler = read_scalers(problem.dataset).targets["main_output"]
    actual = scaler.transform(read_subset(problem, "valid").target("main_output")[:, None])
    np.testing.assert_allclose(
        np.mean((housing.predictions("valid") - actual) ** 2), history["val_loss"].min(), rtol=1e-4
    )


def test_errors_are_in_the_targets_own_unit(housing: Trained) -> None:
    valid = json.loads(Path("metrics/california_housing/mlp.json").read_text())["valid"]
    kept = housing.history.iloc[housing.run["best_epoch"] - 1]
    np.testing.assert_allclose(
        [kept["val_rmse"], kept["val_mae"]], [valid["rmse"], valid["mae"]], rtol=1e-4
    )


def test_extra_callbacks_see_what_the_history_keeps(housing: Trained) -> None:
    rows = pd.read_csv("rows.csv")
    names = ["loss", "loss_ratio", "mae", "rmse", "val_loss", "val_mae", "val_rmse"]
    np.testing.assert_allclose(rows[names], housing.history[names])


def test_tensorboard(housing: Trained) -> None:
    logs = Path("logs/california_housing/mlp/seed-42")
    assert list(logs.glob("train/events.*"))
    assert list(logs.glob("validation/events.*"))


def test_log_tells_the_last_epoch(housing: Trained) -> None:
    loss = f"{housing.history['loss'][7]:.4g}"
    last = Path("log.txt").read_text().splitlines()[-1]
    assert re.fullmatch(rf"seed 42  epoch 8/8  loss {loss}  mae .*  loss_ratio \S+  \S+ s", last)


@pytest.mark.parametrize(
    ("monitor", "better"),
    [
        ("val_loss", "min"),
        ("val_rmse", "min"),
        ("val_main_output_mae", "min"),
        ("val_accuracy", "max"),
        ("val_main_output_accuracy", "max"),
    ],
)
def test_direction(monitor: str, better: str) -> None:
    assert direction(monitor) == better


def test_accuracy_is_better_the_higher(digits: Trained) -> None:
    accuracy = digits.history["val_accuracy"]
    assert accuracy.min() < accuracy.max()
    assert digits.run["best_epoch"] == 1 + np.argmax(accuracy)


def test_callback_that_changes_the_learning_rate(digits: Trained) -> None:
    rates = digits.history["learning_rate"]
    np.testing.assert_allclose(rates, [0.008, 0.008, 0.004, 0.002])


def test_callbacks_of_epochs_run_compiled(digits: Trained) -> None:
    assert digits.run["engine"]["name"] == "compiled"
    assert Path("kept.keras").exists()


def test_run_tells_what_was_chosen(digits: Trained) -> None:
    steps = 4 * math.ceil(len(read_subset(Problem.read("digits"), "train").rows) / 128)
    assert digits.run["engine"] == {
        "name": "compiled",
        "xla": False,
        "why": f"{steps} steps would not gain back what compiling costs",
        "rows": "in memory",
    }


def test_monitor_that_is_not_recorded(project: Path) -> None:
    assert refusal("california_housing", "mlp", "train.monitor=val_los") == (
        "command line: train.monitor: 'val_los' is not recorded; these are: loss, mae, rmse, "
        "val_loss, val_mae, val_rmse"
    )


def test_divergence_leaves_no_model(project: Path) -> None:
    rate = "+train.optimizer.learning_rate=1e6"
    message = refusal("california_housing", "mlp", "model.units=[]", *SGD, rate)
    assert re.fullmatch(
        r"training diverged: loss is (nan|inf) in epoch 1; "
        r"lower the learning rate or set train\.optimizer\.clipnorm",
        message,
    )
    assert not list(Path().glob("models/**/*.*"))


@pytest.mark.parametrize(
    ("overrides", "rates"),
    [
        # Over all epochs, from the model's learning rate to 0.
        ([], {0: 0.2, 5: 0.1, 10: 0.0}),
        (["+train.schedule.decay_epochs=4"], {0: 0.2, 2: 0.1, 4: 0.0}),
        (["+train.schedule.alpha=0.5"], {0: 0.2, 10: 0.1}),
        (
            [
                "train.schedule._target_=keras.optimizers.schedules.ExponentialDecay",
                "+train.schedule.decay_epochs=3",
                "+train.schedule.decay_rate=0.5",
            ],
            {0: 0.2, 3: 0.1, 6: 0.05},
        ),
        (
            [
                "+train.schedule.warmup_epochs=2",
                "+train.schedule.warmup_target=0.4",
                "+train.schedule.decay_epochs=6",
            ],
            {0: 0.0, 2: 0.4, 5: 0.2, 8: 0.0},
        ),
        # Up from 0 in 2 epochs, then down to 0 in the other 8.
        (["+train.schedule.warmup_epochs=2"], {0: 0.0, 1: 0.1, 2: 0.2, 6: 0.1, 10: 0.0}),
        (["+train.optimizer.learning_rate=0.6"], {0: 0.6, 5: 0.3, 10: 0.0}),
    ],
)
def test_schedule_counts_in_epochs(
    workspace: Path, overrides: list[str], rates: dict[int, float]
) -> None:
    settings = ["train.epochs=10", "model.learning_rate=0.2", "train.batch_size=32"]
    config = network_config("digits", "mlp", *settings, *overrides)
    optimizer = building.make_optimizer(config, rows=1000)
    steps = 32  # 1,000 rows by 32 make 31 full batches and one of 8
    for epoch, rate in rates.items():
        optimizer.iterations.assign(epoch * steps)
        assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-6)


@pytest.mark.parametrize(
    ("overrides", "rate"),
    [
        (["model.learning_rate=0.02"], 0.02),
        (["model.learning_rate=0.02", "+train.optimizer.learning_rate=0.5"], 0.5),
    ],
)
def test_learning_rate_of_the_optimizer_goes_before_the_models(
    workspace: Path, overrides: list[str], rate: float
) -> None:
    config = network_config("digits", "mlp", "train.schedule=null", *overrides)
    assert float(building.make_optimizer(config, 1000).learning_rate) == pytest.approx(rate)


def test_two_schedules_are_refused(workspace: Path) -> None:
    own = "{_target_: keras.optimizers.schedules.CosineDecay, initial_learning_rate: 1.0}"
    config = network_config("digits", "mlp", f"+train.optimizer.learning_rate={own}")
    with pytest.raises(FathomError) as refused:
        building.make_optimizer(config, 1000)
    assert str(refused.value) == (
        "params.yaml: train.schedule: train.optimizer.learning_rate is a schedule already; "
        "set one of the two to null"
    )


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("SGD", {"momentum": 0.9, "nesterov": True}),
        ("Adam", {"beta_1": 0.8, "clipnorm": 2.0}),
        ("AdamW", {"weight_decay": 0.02}),
        ("RMSprop", {"rho": 0.8, "centered": True}),
    ],
)
def test_optimizer_takes_its_arguments(
    workspace: Path, name: str, arguments: dict[str, float]
) -> None:
    overrides = [f"++train.optimizer.{key}={value}" for key, value in arguments.items()]
    target = f"train.optimizer._target_=keras.optimizers.{name}"
    optimizer = building.make_optimizer(network_config("digits", "mlp", target, *overrides), 1000)
    assert type(optimizer) is getattr(keras.optimizers, name)
    assert {key: optimizer.get_config()[key] for key in arguments} == arguments


@pytest.mark.parametrize(
    ("override", "message"),
    [
        (
            "train.optimizer._target_=keras.optimizers.SDG",
            "train.optimizer._target_: keras.optimizers has no 'SDG'; did you mean SGD?",
        ),
        (
            "+train.optimizer.clipnrm=1.0",
            "train.optimizer.clipnrm is no argument of keras.optimizers.AdamW; "
            "did you mean clipnorm?",
        ),
        (
            "+train.schedule.decay_epoch=3",
            "train.schedule.decay_epoch is no argument of "
            "keras.optimizers.schedules.CosineDecay; did you mean decay_steps?",
        ),
        (
            "train.loss=categorical_crosentropy",
            "train.loss: Keras has no loss 'categorical_crosentropy'; "
            "did you mean categorical_crossentropy?",
        ),
        (
            "train.class_weight={three: 2.0}",
            "train.class_weight: digits has no class 'three'; "
            "there are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        (
            "+model.loss_weights={main_outptu: 1.0}",
            "model.loss_weights.main_outptu: the network has no such output; "
            "did you mean main_output?",
        ),
        (
            "+train.callbacks.mine={_target_: keras.callbacks.CSVLoger}",
            "train.callbacks.mine._target_: keras.callbacks has no 'CSVLoger'; "
            "did you mean CSVLogger?",
        ),
    ],
)
def test_refused(project: Path, override: str, message: str) -> None:
    assert refusal("digits", "mlp", override) == f"command line: {message}"


def test_class_weights_are_refused_for_regression(project: Path) -> None:
    assert refusal("california_housing", "mlp", "train.class_weight=balanced") == (
        "command line: train.class_weight: california_housing is a regression and has no classes"
    )


def test_one_step_of_gradient_descent_is_that_by_hand(project: Path) -> None:
    linear = ["model.units=[]", "train.epochs=1", FULL_BATCH, *SGD, "model.learning_rate=0.1"]
    config = network_config("california_housing", "mlp", *linear)
    problem = Problem.read("california_housing")
    keras.utils.set_random_seed(config.seed)
    before = build(config, problem).get_weights()[0].astype(np.float64)
    part = read_subset(problem, "train")
    actual = part.target("main_output")[:, None]
    scaled = (actual - actual.mean()) / actual.std()
    (features,) = part.inputs(["features"], problem)
    residuals = features @ before - scaled
    after = before - 0.1 * 2 * features.T @ residuals / len(actual)
    bias = -0.1 * 2 * residuals.mean()
    found = train_network("california_housing", "mlp", *linear).model.get_weights()
    np.testing.assert_allclose(found[0], after, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(found[1], [bias], rtol=1e-4, atol=1e-6)


def test_sparse_and_one_hot_labels_train_alike(project: Path) -> None:
    sparse = train_network("digits", "mlp", "model.units=[]")
    one_hot = train_network(
        "digits", "mlp", "model.units=[]", "train.loss=categorical_crossentropy"
    )
    np.testing.assert_allclose(one_hot.history, sparse.history, rtol=1e-4)


def keep_training_rows(dataset: str, keep: Any) -> None:
    """Leave out the other training rows of the scaled data."""
    folder = Path("data/scaled", dataset)
    targets = pd.read_parquet(folder / "train_targets.parquet")
    targets[keep].to_parquet(folder / "train_targets.parquet", index=False)
    table = folder / "train_features.parquet"
    if table.exists():
        pd.read_parquet(table)[keep].to_parquet(table, index=False)
    else:
        np.save(folder / "train_features.npy", np.load(folder / "train_features.npy")[keep])
    file = Path("data/problem", f"{dataset}.json")
    problem = json.loads(file.read_text())
    problem["rows"]["train"] = int(np.sum(keep))
    file.write_text(json.dumps(problem))


def test_rows_of_weight_0_are_as_if_left_out(project: Path) -> None:
    # Full batches, so that the other rows' weights make up for the larger divisor of the mean.
    settings = [FULL_BATCH, *SGD, *PLAIN, "train.epochs=3"]
    unweighted = train_network("california_housing", "mlp", *settings)
    file = Path("data/scaled/california_housing/train_targets.parquet")
    targets = pd.read_parquet(file)
    keep = np.random.default_rng(0).random(len(targets)) < 0.4
    targets.assign(weight=np.where(keep, len(keep) / keep.sum(), 0.0)).to_parquet(file, index=False)
    weighted = train_network("california_housing", "mlp", *settings)
    targets.to_parquet(file, index=False)
    keep_training_rows("california_housing", keep)
    left_out = train_network("california_housing", "mlp", *settings)
    np.testing.assert_allclose(weights(weighted), weights(left_out), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(weighted.history["loss"], left_out.history["loss"], rtol=1e-4)
    assert not np.allclose(weights(weighted), weights(unweighted), atol=1e-3)


def test_class_of_weight_0_is_as_if_left_out(project: Path) -> None:
    labels = read_subset(Problem.read("digits"), "train").target("main_output")
    keep = labels != 3
    share = len(keep) / keep.sum()
    by_name = ", ".join(f"{digit}: {0.0 if digit == 3 else share}" for digit in range(10))
    settings = [FULL_BATCH, *SGD, *PLAIN, "train.epochs=3"]
    weighted = train_network("digits", "mlp", *settings, f"train.class_weight={{{by_name}}}")
    keep_training_rows("digits", keep)
    left_out = train_network("digits", "mlp", *settings)
    np.testing.assert_allclose(weights(weighted), weights(left_out), rtol=1e-3, atol=1e-5)
    np.testing.assert_allclose(weighted.history["loss"], left_out.history["loss"], rtol=1e-4)


def test_balanced_class_weights_are_scikit_learns(project: Path) -> None:
    problem = Problem.read("digits")
    part = read_subset(problem, "train")
    rows = np.flatnonzero(part.target("main_output") <= 8)[:100]  # unbalanced, and no 9
    labels = part.target("main_output")[rows]
    config = network_config("digits", "mlp", "train.class_weight=balanced")
    data: Any = SimpleNamespace(problem=problem, main_targets=lambda subset: labels)
    found = building.class_weights(config, data)
    assert found is not None
    # scikit-learn counts the classes that are there; here are 10.
    by_hand = compute_class_weight("balanced", classes=np.arange(9), y=labels) * 9 / 10
    np.testing.assert_allclose([found[str(digit)] for digit in range(9)], by_hand)


def test_class_weights_are_the_main_targets_alone(project: Path) -> None:
    problem = Problem.read("iris")
    part = read_subset(problem, "train")
    model = build(network_config("iris", "wide_deep"), problem)
    main, aux = sample_weights(model, part, problem, {"setosa": 3.0, "virginica": 0.5})
    names = np.array(["setosa", "versicolor", "virginica"])[part.target("main_output")]
    np.testing.assert_array_equal(
        main, pd.Series(names).map({"setosa": 3.0, "virginica": 0.5}).fillna(1)
    )
    np.testing.assert_array_equal(aux, np.ones(len(names)))


def test_loss_weights_of_the_models_file(trainings: Path) -> None:
    history = Trained(trainings / "models/california_housing/wide_deep").history
    by_hand = 0.9 * history["main_output_loss"] + 0.1 * history["aux_output_loss"]
    np.testing.assert_allclose(history["loss"], by_hand, rtol=1e-5)


@pytest.mark.parametrize(
    ("overrides", "main", "aux"),
    [
        ([], 0.9, 0.1),
        (["model.loss_weights.main_output=2.0", "model.loss_weights.aux_output=0.5"], 2.0, 0.5),
        (["model.loss_weights=null"], 1.0, 1.0),
    ],
)
def test_loss_weights(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], main: float, aux: float
) -> None:
    monkeypatch.chdir(prepared)
    config = network_config("california_housing", "wide_deep", *overrides)
    problem = Problem.read("california_housing")
    model = build(config, problem)
    building.compile_model(model, problem, config)
    model.run_eagerly = True
    part = read_subset(problem, "valid")
    inputs = part.inputs([tensor.name for tensor in model.inputs], problem)
    target = part.target("main_output")[:, None]
    found = model.test_on_batch(inputs, [target, target], return_dict=True)
    by_hand = main * found["main_output_loss"] + aux * found["aux_output_loss"]
    np.testing.assert_allclose(found["loss"], by_hand, rtol=1e-5)


OF_BATCHES = {
    "TerminateOnNaN": "",
    "ModelCheckpoint": ", filepath: kept.keras, save_freq: 5",
    "TensorBoard": ", update_freq: batch",
    "BackupAndRestore": ", backup_dir: backup, save_freq: 5",
}


def of_batches(callback: str) -> str:
    settings = f"{{_target_: keras.callbacks.{callback}{OF_BATCHES[callback]}}}"
    return f"+train.callbacks.{callback}={settings}"


@pytest.mark.parametrize("callback", OF_BATCHES)
def test_callbacks_of_batches_need_fit(
    prepared: Path, monkeypatch: pytest.MonkeyPatch, callback: str
) -> None:
    monkeypatch.chdir(prepared)
    config, problem = network_config("digits", "mlp", of_batches(callback)), Problem.read("digits")
    stopping, data = early_stopping(config, problem), ScaledData.read("digits")
    with pytest.raises(FathomError) as refused:
        make_callbacks(config, data, stopping, 42, "compiled")
    assert str(refused.value) == (
        f"command line: train.callbacks.{callback}: {callback} acts on batches, but "
        "train.engine compiled calls callbacks only at epochs; set train.engine to fit"
    )


def test_callbacks_of_batches_train_by_fit(project: Path) -> None:
    overrides = ["model.units=[]", "train.epochs=1", *(of_batches(name) for name in OF_BATCHES)]
    assert "TerminateOnNaN acts on batches" in refusal("digits", "mlp", *overrides)
    assert not Path("models").exists()
    train_network("digits", "mlp", *overrides, "train.engine=fit")
    assert Path("models/digits/mlp/model.keras").exists()


def engines(dataset: str, model: str, weighted: bool, fast: bool = False) -> Any:
    return pytest.param(dataset, model, weighted, marks=[] if fast else pytest.mark.slow)


@pytest.mark.parametrize(
    ("dataset", "model", "weighted"),
    [
        engines("digits", "mlp", True, fast=True),
        engines("digits", "selu", False),
        engines("digits", "deep_relu", True),
        engines("digits", "wide_deep", False),
        engines("california_housing", "mlp", False),
        engines("california_housing", "selu", True),
        engines("california_housing", "deep_relu", False, fast=True),
        engines("california_housing", "wide_deep", True),
        engines("iris", "mlp", False),
        engines("iris", "selu", True),
        engines("iris", "deep_relu", False),
        engines("iris", "wide_deep", True, fast=True),
    ],
)
def test_engines_agree(project: Path, dataset: str, model: str, weighted: bool) -> None:
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
    np.testing.assert_allclose(weights(compiled), weights(by_fit), rtol=1e-3, atol=1e-5)
    pd.testing.assert_frame_equal(compiled.history, by_fit.history, rtol=1e-4)
    run = json.loads(Path("models", dataset, model, "run.json").read_text())
    why = "as train.engine says"
    assert run["engine"] == {"name": "fit", "xla": False, "why": why, "rows": "in memory"}


STRANGE = """
import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("strange")
class InPython(keras.layers.Layer):
    def call(self, inputs):
        outputs = tf.numpy_function(lambda values: values, [inputs], inputs.dtype)
        return tf.ensure_shape(outputs, inputs.shape)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def build(problem):
    layers = [keras.Input(problem.shape), InPython(), keras.layers.Dense(1)]
    return keras.Sequential(layers)
"""


def test_what_xla_does_not_take_trains_as_a_graph(
    project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (project / "strange.py").write_text(STRANGE)
    (project / "conf/model/strange.yaml").write_text(
        "_target_: strange.build\nlearning_rate: 0.001\n"
    )
    monkeypatch.syspath_prepend(project)
    train_network("california_housing", "strange", "train.batch_size=1", "train.epochs=1")
    run = json.loads(Path("models/california_housing/strange/run.json").read_text())
    assert (run["engine"]["xla"], run["engine"]["why"]) == (False, "XLA does not take the network")


SAME = [
    ("digits", "mlp", "auto"),
    ("digits", "selu", "true"),  # AlphaDropout
    ("digits", "deep_relu", "true"),  # batch normalisation
    ("california_housing", "wide_deep", "false"),  # embeddings, FTRL, Dropout
    ("california_housing", "wide_deep", "true"),
]
OF_TRAINING = ("model.keras", "history.csv", "repeats/seed-42.keras", "repeats/seed-43.keras")
IN_ANOTHER_PROCESS = f"""
import sys
sys.path[:0] = [{str(ROOT / "src")!r}, {str(ROOT / "tests")!r}]
from test_training import train_same
train_same()
"""


def train_same() -> None:
    """Train networks from two seeds each in the working folder."""
    settings = [*SHRUNK, "train.repeats=2", "train.at_once=1"]
    for dataset, model, xla in SAME:
        shrunk = ["model.depth=1"] if model in ("selu", "deep_relu") else SHRUNK_MODELS[model]
        overrides = [*settings, *shrunk, f"train.xla={xla}"]
        make_stage("train", f"dataset={dataset}", f"model={model}", *overrides)
        Path("models", dataset, model).rename(Path(f"{dataset}-{model}-{xla}"))


@pytest.mark.slow
def test_same_seed_same_bytes(project: Path, prepared: Path) -> None:
    other = Path(shutil.copytree(prepared, project / "other"))
    run_in(other, "python", "-c", IN_ANOTHER_PROCESS)
    train_same()
    for case in SAME:
        folder = "-".join(case)
        for name in (
            "model.keras",
            "history.csv",
            "repeats/seed-42.keras",
            "repeats/seed-43.keras",
        ):
            file = Path(folder, name)
            assert file.read_bytes() == (other / file).read_bytes(), file
        first, second = sorted(Path(folder, "repeats").iterdir())
        assert first.read_bytes() != second.read_bytes()


OWN = """
import keras


@keras.saving.register_keras_serializable("own")
class Ramp(keras.initializers.Initializer):
    def __init__(self, top):
        self.top = top

    def __call__(self, shape, dtype=None):
        return keras.ops.cast(keras.ops.linspace(0.5, self.top, shape[0]), dtype)

    def get_config(self):
        return {"top": self.top}


@keras.saving.register_keras_serializable("own")
class Gate(keras.layers.Layer):
    def build(self, shape):
        self.gate = self.add_weight(shape=(shape[-1],), initializer=Ramp(2.0), name="gate")

    def call(self, x):
        return x * self.gate


@keras.saving.register_keras_serializable("own")
class Net(keras.Model):
    def __init__(self, width, classes, **others):
        super().__init__(**others)
        self.settings = {"width": width, "classes": classes}
        self.stack = [
            keras.layers.Flatten(),
            keras.layers.Dense(width, activation="tanh"),
            Gate(),
            keras.layers.Dense(classes, activation="softmax"),
        ]

    def call(self, x):
        for layer in self.stack:
            x = layer(x)
        return x

    def get_config(self):
        return super().get_config() | self.settings


def build(problem, width):
    return Net(width, problem.main.units)


def sequential(problem, width):
    layers = [keras.layers.Flatten(), keras.layers.Dense(width, activation="elu")]
    return keras.Sequential([*layers, keras.layers.Dense(1)])


def sequential_with_input(problem, width):
    layers = [keras.Input(problem.shape), keras.layers.Dense(width, activation="elu")]
    return keras.Sequential([*layers, keras.layers.Dense(1)])
"""
OWN_SETTINGS = "_target_: own_net.{}\nwidth: 12\nlearning_rate: 0.01\n"


@pytest.fixture
def own(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Write a module of the user's own where Python finds it."""
    folder = project / "lib"
    folder.mkdir()
    (folder / "own_net.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)


@pytest.mark.usefixtures("own")
def test_own_classes_train_and_are_evaluated(project: Path) -> None:
    Path("conf/model/own.yaml").write_text(OWN_SETTINGS.format("build"))
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=digits", "model=own", *SHRUNK)
    metrics = json.loads(Path("metrics/digits/own.json").read_text())
    run = json.loads(Path("models/digits/own/run.json").read_text())
    history = pd.read_csv("models/digits/own/history.csv")
    assert list(metrics) == ["train", "valid", "test", "calibrated"]
    assert run["parameters"] == (64 * 12 + 12) + 12 + (12 * 10 + 10)
    assert metrics["valid"]["accuracy"] == pytest.approx(
        history["val_accuracy"][run["best_epoch"] - 1]
    )


@pytest.mark.usefixtures("own")
@pytest.mark.parametrize("builder", ["sequential", "sequential_with_input"])
def test_own_function(project: Path, builder: str) -> None:
    Path("conf/model/own.yaml").write_text(OWN_SETTINGS.format(builder))
    training = train_network("california_housing", "own")
    metrics = evaluate(network_config("california_housing", "own"))
    assert training.model.count_params() == (8 * 12 + 12) + (12 + 1)
    kept = training.history.iloc[training.best.best_epoch - 1]
    assert kept["val_rmse"] == pytest.approx(metrics["valid"]["rmse"], rel=1e-4)
