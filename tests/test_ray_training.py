"""One network trained by several processes of a Ray cluster together."""

import importlib.util
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any

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
    ray_nodes,
    run_in,
    train_network,
)
from stages import make_stage

from fathom.base.errors import FathomError
from fathom.train.ray.shares import Share

ray_installed = pytest.mark.skipif(
    not all(map(importlib.util.find_spec, ("ray", "jax"))), reason="Ray or JAX is not installed"
)
ENGINE = "train.engine=ray"
# Weighted classes; batches of an odd size, the last of them smaller.
DIGITS = [
    "train.epochs=5", "train.batch_size=125", "train.class_weight=balanced",
    "train.checkpoint=0.000001", "model.dropout=0.0",
]  # fmt: skip
KILL = """
import os
import signal
from pathlib import Path

import jax
import keras


class Kill(keras.callbacks.Callback):
    '''Kills the process of each rank in the middle of one epoch, once.'''

    def __init__(self, epochs, folder):
        super().__init__()
        self.epochs, self.folder = epochs, Path(folder)

    def on_epoch_begin(self, epoch, logs=None):
        self.epoch = epoch + 1

    def on_train_batch_end(self, batch, logs=None):
        rank = jax.process_index()
        mark = self.folder / f"killed-{rank}"
        if batch == 1 and self.epoch == self.epochs[rank] and not mark.exists():
            mark.touch()
            os.kill(os.getpid(), signal.SIGKILL)


class Die(keras.callbacks.Callback):
    def on_train_begin(self, logs=None):
        os.kill(os.getpid(), signal.SIGKILL)
"""
STRANGE = """
import keras
import tensorflow as tf


class InPython(keras.layers.Layer):
    def call(self, inputs):
        return tf.numpy_function(lambda values: values, [inputs], inputs.dtype)

    def compute_output_spec(self, inputs):
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def build(problem):
    return keras.Sequential([keras.Input(problem.shape), InPython(), keras.layers.Dense(1)])
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which networks can be trained, with the project's code."""
    folder = tmp_path_factory.mktemp("shared")
    copy_settings(folder)
    (folder / "src").symlink_to(ROOT / "src")
    (folder / "lib").mkdir()
    (folder / "lib/killing.py").write_text(KILL)
    (folder / "lib/strange.py").write_text(STRANGE)
    (folder / "conf/model/strange.yaml").write_text(
        "_target_: strange.build\nlearning_rate: 0.001\n"
    )
    prepare(folder, ["digits", "california_housing"], "split.test=0.5", "split.valid=0.3")
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder / "lib"))
    return folder


@pytest.fixture(scope="module")
def nodes() -> Iterator[Any]:
    """Return a cluster of two nodes with one core each, of processes on this machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # a process for each training
        patch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
        with ray_nodes(2) as started:
            yield started


def by_workers(count: int, nodes: Any) -> list[str]:
    return [ENGINE, f"train.ray.workers={count}", f"train.ray.address={nodes.address}"]


def run_of(dataset: str, model: str) -> Any:
    return json.loads(Path("models", dataset, model, "run.json").read_text())


@pytest.fixture(scope="module")
def by_two(folder: Path, nodes: Any) -> pd.DataFrame:
    """Return the history of a training by two workers."""
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return train_network("digits", "mlp", *DIGITS, *by_workers(2, nodes)).history


@pytest.mark.ray
@ray_installed
def test_two_workers_train_as_one_process_on_tensorflow(here: Path, by_two: pd.DataFrame) -> None:
    by_fit = train_network("digits", "mlp", *DIGITS, "train.engine=fit").history
    assert by_fit["loss"].is_monotonic_decreasing
    pd.testing.assert_frame_equal(by_two, by_fit, rtol=1e-4, check_like=True)


@pytest.mark.ray
@ray_installed
def test_wide_and_deep(here: Path, nodes: Any) -> None:
    """Two outputs, two optimisers and dropout; of rows that are read from disk."""
    settings = ["train.epochs=2", "train.batch_size=125", "train.memory=0.004"]
    one, two = (
        train_network("california_housing", "wide_deep", *settings, *by_workers(count, nodes))
        for count in (1, 2)
    )
    assert {"aux_output_loss", "val_aux_output_rmse"} < set(two.history)
    pd.testing.assert_frame_equal(two.history, one.history, rtol=1e-4)
    for found, wanted in zip(two.model.get_weights(), one.model.get_weights(), strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    run = run_of("california_housing", "wide_deep")
    assert run["engine"] == {
        "name": "ray",
        "workers": 2,
        "xla": True,
        "why": "as train.engine says",
        "rows": "read from disk",
    }
    assert {"jax", "ray"} < set(run["versions"])


@pytest.mark.ray
@ray_installed
def test_workers_are_killed(
    here: Path, nodes: Any, by_two: pd.DataFrame, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """First the second one, then the first, each in mid-epoch."""
    kill = f"+train.callbacks.kill={{_target_: killing.Kill, epochs: [4, 3], folder: {tmp_path}}}"
    capsys.readouterr()
    training = train_network("digits", "mlp", *DIGITS, *by_workers(2, nodes), kill)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["killed-0", "killed-1"]
    lines = capsys.readouterr().out.splitlines()
    gone_on = [line for line in lines if "resumes" in line]
    assert gone_on == ["seed 42  resumes at epoch 3", "seed 42  resumes at epoch 4"]
    assert training.best.kills == run_of("digits", "mlp")["runs"][0]["kills"] == 2
    assert list(training.history["epoch"]) == [1, 2, 3, 4, 5]
    pd.testing.assert_frame_equal(training.history, by_two, rtol=1e-6)
    assert not Path("checkpoints").exists()
    settings = ["dataset=digits", "model=mlp", *SHRUNK, *SHRUNK_MODELS["mlp"], *DIGITS]
    make_stage("evaluate", *settings, *by_workers(2, nodes))
    valid = json.loads(Path("metrics/digits/mlp.json").read_text())["valid"]
    assert valid["accuracy"] == pytest.approx(training.best.value)


@pytest.mark.ray
@ray_installed
def test_the_driver_is_killed(here: Path, nodes: Any) -> None:
    shutil.rmtree("models", ignore_errors=True)
    more = ["train.epochs=40", "train.early_stopping=null"]
    settings = ["dataset=digits", "model=mlp", *SHRUNK, *DIGITS, *by_workers(1, nodes), *more]
    command = [sys.executable, "src/train.py", *settings]
    killed = subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    while not list(here.glob("checkpoints/digits/mlp/*/seed-42.npz")):
        assert killed.poll() is None, killed.communicate()[0]
        time.sleep(0.05)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    assert not Path("models/digits/mlp/run.json").exists()
    done = run_in(here, *command)
    assert done.stdout.startswith("seed 42  resumes at epoch ")
    run = run_of("digits", "mlp")
    assert (run["epochs"], run["runs"][0]["kills"]) == (40, 1)
    history = pd.read_csv("models/digits/mlp/history.csv")
    assert list(history["epoch"]) == list(range(1, 41))


def refusal(*given: str, model: str = "mlp", dataset: str = "digits") -> str:
    with pytest.raises(FathomError) as told:
        train_network(dataset, model, ENGINE, *given)
    return str(told.value)


@pytest.mark.ray
@ray_installed
def test_worker_after_worker_is_lost(
    here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fathom.train.ray.driver.MAX_LOSSES", 0)
    told = refusal(*by_workers(1, nodes), "+train.callbacks.die={_target_: killing.Die}")
    lost, _, rest = told.partition(" (")
    assert lost == "lost a worker once"
    assert rest.endswith("); the same command resumes from the last checkpoint")
    assert "\n" not in told


@pytest.mark.ray
@ray_installed
def test_what_only_tensorflow_can_build(
    here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(here / "lib")
    told = refusal(*by_workers(1, nodes), model="strange", dataset="california_housing")
    assert told.rpartition(": ")[0] == (  # the rest is Keras' or JAX's
        "conf/model/strange.yaml: _target_: train.engine ray trains on JAX, which cannot train "
        "strange.build"
    )


@pytest.mark.parametrize(("package", "name"), [("ray", "Ray"), ("jax", "JAX")])
def test_not_installed(
    trainable: Path, monkeypatch: pytest.MonkeyPatch, package: str, name: str
) -> None:
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util,
        "find_spec",
        lambda asked, *more: None if asked == package else find(asked, *more),
    )
    told = refusal()
    assert told == (
        f"command line: train.engine: {name} is not installed: `make setup RAY=1`, or "
        "`python -m pip install --require-hashes -r requirements-ray.txt`"
    )


@ray_installed
@pytest.mark.parametrize(
    ("given", "message"),
    [
        (
            "train.xla=false",
            "train.xla: train.engine ray trains on JAX, which always compiles with XLA; set it to "
            "auto",
        ),
        (
            "gpus=[0,1]",
            "gpus: train.engine ray uses the GPUs of train.ray.resources; set it to auto",
        ),
    ],
)
def test_settings_of_tensorflow_alone(trainable: Path, given: str, message: str) -> None:
    assert refusal(given) == f"command line: {message}"


@pytest.mark.ray
@ray_installed
def test_no_room(here: Path, nodes: Any) -> None:
    assert refusal(*by_workers(3, nodes), "train.ray.resources={cpu: 1, gpu: 0}") == (
        "command line: train.ray.workers: the cluster has room for 2 workers of 1 CPU, 0 GPU, "
        "not for 3"
    )


@ray_installed
def test_nobody_there(trainable: Path) -> None:
    with closing(socket.socket()) as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    assert refusal(f"train.ray.address={address}") == (
        f"command line: train.ray.address: {address}: [Errno 111] Connection refused"
    )


@pytest.mark.ray
@ray_installed
def test_folder_that_a_host_does_not_see(
    here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fathom.train.ray.driver.isfile", lambda path: False)
    told = refusal(*by_workers(2, nodes))
    assert told == (
        f"command line: train.engine: {socket.gethostname()} does not see {here}: all hosts must "
        "have the project under the same path, in a shared folder"
    )


def test_for_the_stage_alone(trainable: Path) -> None:
    from fathom.train.runs import train_run

    trainer: Any = SimpleNamespace(model=None, config=network_config("digits", "mlp", ENGINE))
    with pytest.raises(FathomError) as told:
        train_run(trainer, 42, None, [])
    assert str(told.value) == (
        "command line: train.engine: only the stage train trains with ray; set it to fit"
    )


@pytest.mark.parametrize("processes", [1, 2, 3])
@pytest.mark.parametrize("devices", [1, 2])  # of each
@pytest.mark.parametrize("sizes", [{32, 31}, {32}, {7}, {3, 1}, {5, 6, 7, 8}])
def test_shares(processes: int, devices: int, sizes: set[int]) -> None:
    shares = [
        Share(
            sizes,
            SimpleNamespace(
                num_model_replicas=processes * devices, num_processes=processes, data_shard_id=place
            ),
        )
        for place in range(processes)
    ]
    step = shares[0].without_padding(lambda state, batch: batch)
    for size in sizes:
        batch = np.random.default_rng(0).permutation(size).astype(np.int32)
        found = [share.rows_of(batch) for share in shares]
        assert len({len(part) for part in found}) == 1
        assert len(found[0]) % devices == 0
        inputs, weights = step(None, (np.concatenate(found), None))
        np.testing.assert_array_equal(inputs, batch)
        assert weights is None
