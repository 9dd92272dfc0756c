"""What tests of trainings share: data, networks of a user's own, and refusals."""

import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from conftest import copy_settings, prepare, train_network, work_in_copy
from stages import build_once

from fathom.artifacts.training_log import TrainingLog
from fathom.base import paths
from fathom.base.errors import FathomError

ray_installed = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("ray", "jax"))), reason="Ray or JAX is not installed"
)
ENGINE = "train.engine=ray"
IRIS = """# @package _global_
dataset:
  source: {_target_: fathom.download.sources.scikit_learn, loader: load_iris}
  task: classification
  target: target
  auxiliary: petal width (cm)
"""
SGD = ["train.optimizer._target_=keras.optimizers.SGD", "train.schedule=null"]
# As numbers are, without features made of them.
PLAIN = "model.numbers={piecewise: null, fourier: null, periodic: null}"
FULL_BATCH = "train.batch_size=100000"
IN_PYTHON = """
import keras
import tensorflow as tf


@keras.saving.register_keras_serializable("in_python")
class InPython(keras.layers.Layer):
    def call(self, inputs):
        outputs = tf.numpy_function(lambda values: values, [inputs], inputs.dtype)
        return tf.ensure_shape(outputs, inputs.shape)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def build(problem):
    return keras.Sequential([keras.Input(problem.shape), InPython(), keras.layers.Dense(1)])
"""


def refusal(function: Callable[..., Any], *arguments: Any) -> str:
    """Return the message of the error that a call raises."""
    with pytest.raises(FathomError) as refused:
        function(*arguments)
    return str(refused.value)


def add_network(folder: Path, name: str, code: str) -> None:
    """Write a module with a function `build`, and the settings of its network."""
    (folder / f"{name}.py").write_text(code)
    Path(f"conf/model/{name}.yaml").write_text(f"_target_: {name}.build\nlearning_rate: 0.001\n")


def training_log(dataset: str, model: str) -> TrainingLog:
    return TrainingLog.read_file(paths.training_log(dataset, model), "train")


def ray_refusal(*overrides: str, model: str = "mlp", dataset: str = "digits") -> str:
    return refusal(train_network, dataset, model, ENGINE, *overrides)


@pytest.fixture(scope="session")
def training_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose data sets are ready to be trained on. Only read it."""

    def build_data(folder: Path) -> None:
        copy_settings(folder)
        (folder / "conf/dataset/iris.yaml").write_text(IRIS)
        datasets = ["digits", "california_housing", "iris"]
        prepare(folder, datasets, "split.test=0.5", "split.valid=0.3")

    return build_once(tmp_path_factory, "training-data", build_data)


@pytest.fixture
def training_project(training_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of that project as the working folder, from which modules are imported."""
    monkeypatch.syspath_prepend(tmp_path)
    return work_in_copy(training_data, tmp_path, monkeypatch)
