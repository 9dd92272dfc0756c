"""A network is compiled as its settings say: learning rates, losses, weights, refusals."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import network_config, train_network
from networks import make_problem
from sklearn.utils.class_weight import compute_class_weight
from trainings import refusal

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData, read_subset
from fathom.train.build import build, class_weights, compile_model, make_optimizer
from fathom.train.callbacks import early_stopping, make_callbacks
from fathom.train.feeds import sample_weights

IMAGES = make_problem("digits").model_copy(update={"rows": {"train": 1000}})
SCHEDULES = "keras.optimizers.schedules"


@pytest.mark.parametrize(
    ("overrides", "rates"),
    [
        # Over all epochs, from the model's learning rate to 0.
        ([], {0: 0.2, 5: 0.1, 10: 0.0}),
        (["train.schedule.decay_epochs=4"], {0: 0.2, 2: 0.1, 4: 0.0}),
        (["train.schedule.alpha=0.5"], {0: 0.2, 10: 0.1}),
        (
            [
                f"train.schedule._target_={SCHEDULES}.ExponentialDecay",
                "train.schedule.decay_epochs=3", "train.schedule.decay_rate=0.5",
            ],
            {0: 0.2, 3: 0.1, 6: 0.05},
        ),
        (
            [
                "train.schedule.warmup_epochs=2", "train.schedule.warmup_target=0.4",
                "train.schedule.decay_epochs=6",
            ],
            {0: 0.0, 2: 0.4, 5: 0.2, 8: 0.0},
        ),
        # Up from 0 in 2 epochs, then down to 0 in the other 8.
        (["train.schedule.warmup_epochs=2"], {0: 0.0, 1: 0.1, 2: 0.2, 6: 0.1, 10: 0.0}),
        (
            [
                f"train.schedule._target_={SCHEDULES}.PiecewiseConstantDecay",
                "train.schedule.boundaries=[3, 5.5]", "train.schedule.values=[3, 0.2, 0.1]",
            ],
            {0: 3.0, 2.95: 3.0, 3: 0.2, 5: 0.2, 5.5: 0.1, 10: 0.1},
        ),
        (["train.optimizer.learning_rate=0.6"], {0: 0.6, 5: 0.3, 10: 0.0}),
        (["train.schedule=null"], {0: 0.2, 10: 0.2}),
        (["train.schedule=null", "train.optimizer.learning_rate=0.5"], {0: 0.5, 10: 0.5}),
    ],
)  # fmt: skip
def test_learning_rate_by_epoch(
    workspace: Path, overrides: list[str], rates: dict[float, float]
) -> None:
    settings = ["train.epochs=10", "model.learning_rate=0.2", "train.batch_size=32"]
    optimizer = make_optimizer(network_config("digits", "mlp", *settings, *overrides), IMAGES)
    steps = 32  # 1,000 rows by 32 make 31 full batches and one of 8
    for epoch, rate in rates.items():
        optimizer.iterations.assign(int(epoch * steps))
        assert float(optimizer.learning_rate) == pytest.approx(rate, abs=1e-6)


def test_two_schedules_are_refused(workspace: Path) -> None:
    own = f"{{_target_: {SCHEDULES}.CosineDecay, initial_learning_rate: 1.0}}"
    config = network_config("digits", "mlp", f"train.optimizer.learning_rate={own}")
    assert refusal(make_optimizer, config, IMAGES) == (
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
    overrides = [f"train.optimizer.{key}={value}" for key, value in arguments.items()]
    target = f"train.optimizer._target_=keras.optimizers.{name}"
    optimizer = make_optimizer(network_config("digits", "mlp", target, *overrides), IMAGES)
    assert type(optimizer) is getattr(keras.optimizers, name)
    assert {key: optimizer.get_config()[key] for key in arguments} == arguments


@pytest.mark.parametrize(
    ("dataset", "override", "message"),
    [
        (
            "digits", "train.optimizer._target_=keras.optimizers.SDG",
            "train.optimizer._target_: keras.optimizers has no 'SDG'; did you mean SGD?",
        ),
        (
            "digits", "train.optimizer.clipnrm=1.0",
            "train.optimizer.clipnrm is no argument of keras.optimizers.AdamW; "
            "did you mean clipnorm?",
        ),
        (
            "digits", "train.schedule.decay_epoch=3",
            "train.schedule.decay_epoch is no argument of "
            "keras.optimizers.schedules.CosineDecay; did you mean decay_steps?",
        ),
        (
            "digits", f"train.schedule={{_target_: {SCHEDULES}.PiecewiseConstantDecay, "
            "boundaries: [3], values: [a, 0.1]}",
            f"train.schedule: {SCHEDULES}.PiecewiseConstantDecay gives no rate: Cannot convert 0 "
            "to EagerTensor of dtype string",
        ),
        (
            "digits", "train.loss=categorical_crosentropy",
            "train.loss: Keras has no loss 'categorical_crosentropy'; "
            "did you mean categorical_crossentropy?",
        ),
        (
            "digits", "train.loss={_target_: keras.losses.CategoricalCrossentropy, smoothing: 0.1}",
            "train.loss.smoothing is no argument of keras.losses.CategoricalCrossentropy; "
            "did you mean label_smoothing?",
        ),
        (
            "digits", "train.loss={_target_: builtins.int}",
            "train.loss._target_: builtins.int returned int, not a loss",
        ),
        (
            "digits", "train.class_weight={three: 2.0}",
            "train.class_weight: digits has no class 'three'; "
            "there are: 0, 1, 2, 3, 4, 5, 6, 7, 8, 9",
        ),
        (
            "digits", "model.loss_weights={main_outptu: 1.0}",
            "model.loss_weights.main_outptu: the network has no such output; "
            "did you mean main_output?",
        ),
        (
            "digits", "train.callbacks.mine={_target_: keras.callbacks.CSVLoger}",
            "train.callbacks.mine._target_: keras.callbacks has no 'CSVLoger'; "
            "did you mean CSVLogger?",
        ),
        (
            "digits", "train.callbacks.mine={_target_: keras.callbacks.SwapEMAWeights}",
            "train.callbacks.mine: SwapEMAWeights is not needed: with train.optimizer.use_ema, the "
            "average of the weights is validated and kept; set it to null",
        ),
        (
            "california_housing", "train.class_weight=balanced",
            "train.class_weight: california_housing is a regression and has no classes",
        ),
        (
            "california_housing", "train.monitor=val_los",
            "train.monitor: 'val_los' is not recorded; these are: loss, mae, rmse, val_loss, "
            "val_mae, val_rmse",
        ),
    ],
)  # fmt: skip
def test_refused(training_project: Path, dataset: str, override: str, message: str) -> None:
    found = refusal(train_network, dataset, "mlp", "model.units=[]", override)
    assert found == f"command line: {message}"


def test_balanced_class_weights_are_scikit_learns(training_project: Path) -> None:
    subset = read_subset(Problem.read("digits"), "train")
    labels = subset.target("main_output")
    labels = labels[labels <= 8][:100]  # unbalanced, and no 9
    config = network_config("digits", "mlp", "train.class_weight=balanced")
    data: Any = SimpleNamespace(problem=Problem.read("digits"), main_targets=lambda name: labels)
    weights = class_weights(config, data)
    assert weights is not None
    # scikit-learn counts the classes that occur; here are 10.
    expected = compute_class_weight("balanced", classes=np.arange(9), y=labels) * 9 / 10
    np.testing.assert_allclose([weights[str(digit)] for digit in range(9)], expected)


def test_class_weights_are_the_main_targets_alone(training_project: Path) -> None:
    problem = Problem.read("iris")
    subset = read_subset(problem, "train")
    model = build(network_config("iris", "wide_deep"), problem)
    by_class = {"setosa": 3.0, "virginica": 0.5}
    main, aux = sample_weights(model, subset, problem, by_class)
    names = np.array(["setosa", "versicolor", "virginica"])[subset.target("main_output")]
    np.testing.assert_array_equal(main, pd.Series(names).map(by_class).fillna(1))
    np.testing.assert_array_equal(aux, np.ones(len(names)))


@pytest.mark.parametrize(
    ("overrides", "main", "aux"),
    [
        ([], 0.9, 0.1),
        (["model.loss_weights.main_output=2.0", "model.loss_weights.aux_output=0.5"], 2.0, 0.5),
        (["model.loss_weights=null"], 1.0, 1.0),
    ],
)
def test_loss_weights(
    training_project: Path, overrides: list[str], main: float, aux: float
) -> None:
    config = network_config("california_housing", "wide_deep", *overrides)
    problem = Problem.read("california_housing")
    model = build(config, problem)
    compile_model(model, problem, config)
    model.run_eagerly = True
    subset = read_subset(problem, "valid")
    inputs = subset.inputs([tensor.name for tensor in model.inputs], problem)
    target = subset.target("main_output")[:, None]
    found = model.test_on_batch(inputs, [target, target], return_dict=True)
    expected = main * found["main_output_loss"] + aux * found["aux_output_loss"]
    np.testing.assert_allclose(found["loss"], expected, rtol=1e-5)


BATCH_CALLBACKS = {
    "TerminateOnNaN": "",
    "ModelCheckpoint": ", filepath: kept.keras, save_freq: 5",
    "TensorBoard": ", update_freq: batch",
    "BackupAndRestore": ", backup_dir: backup, save_freq: 5",
}


def batch_callback(name: str) -> str:
    return f"train.callbacks.{name}={{_target_: keras.callbacks.{name}{BATCH_CALLBACKS[name]}}}"


@pytest.mark.parametrize("name", BATCH_CALLBACKS)
def test_callbacks_of_batches_need_fit(training_project: Path, name: str) -> None:
    config, data = network_config("digits", "mlp", batch_callback(name)), ScaledData.read("digits")
    stopping = early_stopping(config, data.problem)
    assert refusal(make_callbacks, config, data, stopping, 42, "compiled") == (
        f"command line: train.callbacks.{name}: {name} acts on batches, but train.engine compiled "
        "calls callbacks only at epochs; set train.engine to fit"
    )


def test_callbacks_of_batches_train_by_fit(training_project: Path) -> None:
    overrides = ["model.units=[]", "train.epochs=1", *map(batch_callback, BATCH_CALLBACKS)]
    train_network("digits", "mlp", *overrides, "train.engine=fit")
    assert Path("models/digits/mlp/model.keras").exists()
