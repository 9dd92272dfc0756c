"""One network trained by several processes of a Ray cluster together."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import (
    ROOT,
    SHRUNK,
    SHRUNK_MODELS,
    ray_nodes,
    run_in,
    shrunk,
    train_network,
)
from stages import make_stage
from trainings import (
    ENGINE,
    IN_PYTHON,
    add_network,
    ray_installed,
    ray_refusal,
    training_log,
)

ALWAYS = "train.checkpoint=0.000001"
# Weighted classes, averaged weights; batches of an odd size, the last of them smaller.
DIGITS = [
    "train.epochs=5", "train.batch_size=125", "train.class_weight=balanced",
    ALWAYS, "model.dropout=0.0", "+train.optimizer.use_ema=true",
]  # fmt: skip
KILL = """
import os
import signal
import time
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
            self.end()

    def end(self):
        os.kill(os.getpid(), signal.SIGKILL)


class Wait(Kill):
    '''Has a process wait to be killed.'''

    def end(self):
        time.sleep(600)
"""


class Killing:
    """Ends the process that unpickles it."""

    def __reduce__(self) -> Any:
        return os.abort, ()


@pytest.fixture(scope="module")
def folder(training_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder in which networks can be trained, with the project's code."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(training_data, folder, dirs_exist_ok=True)
    (folder / "src").symlink_to(ROOT / "src")
    (folder / "lib").mkdir()
    (folder / "lib/killing.py").write_text(KILL)
    return folder


@pytest.fixture
def here(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PYTHONPATH", str(folder / "lib"))
    return folder


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """Return a cluster of two nodes with one core each, of processes on this machine.

    Workers compile a program that another has compiled no more, which takes most of their time.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("JAX_COMPILATION_CACHE_DIR", str(tmp_path_factory.mktemp("programs")))
        patch.setenv("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0")
        patch.setenv("RAY_TRAIN_ENABLE_PREEMPTION_WATCHER", "0")  # a process for each training
        patch.setenv("RAY_TRAIN_HEALTH_CHECK_INTERVAL_S", "0.2")
        with ray_nodes(2) as started:
            yield started


def by_workers(count: int, nodes: Any) -> list[str]:
    return [ENGINE, f"train.ray.workers={count}", f"train.ray.address={nodes.address}"]


@pytest.mark.ray
@ray_installed
def test_two_workers_train_as_one_process_on_tensorflow(
    here: Path, nodes: Any, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Though the second one is killed in mid-epoch; `test_wide_and_deep` kills the driver."""
    by_fit = train_network("digits", "mlp", *DIGITS, "train.engine=fit").history
    assert by_fit["loss"].is_monotonic_decreasing
    kill = f"+train.callbacks.kill={{_target_: killing.Kill, epochs: [6, 3], folder: {tmp_path}}}"
    capsys.readouterr()
    training = train_network("digits", "mlp", *DIGITS, *by_workers(2, nodes), kill)
    assert [path.name for path in tmp_path.iterdir()] == ["killed-1"]
    lines = capsys.readouterr().out.splitlines()
    gone_on = [line for line in lines if "resumes" in line]
    assert gone_on == ["seed 42  resumes at epoch 3"]
    assert training.best.kills == training_log("digits", "mlp").runs[0].kills == 1
    assert list(training.history["epoch"]) == [1, 2, 3, 4, 5]
    pd.testing.assert_frame_equal(training.history, by_fit, rtol=1e-4, check_like=True)
    assert not Path("checkpoints/digits/mlp").exists()
    settings = ["dataset=digits", "model=mlp", *SHRUNK, *SHRUNK_MODELS["mlp"], *DIGITS]
    make_stage("evaluate", *settings, *by_workers(2, nodes))
    valid = json.loads(Path("metrics/digits/mlp.json").read_text())["valid"]
    assert valid["accuracy"] == pytest.approx(training.best.value)


@pytest.mark.ray
@ray_installed
def test_wide_and_deep(here: Path, nodes: Any, tmp_path: Path) -> None:
    """Two outputs, two optimisers and dropout; of rows that are read from disk.

    One worker, whose driver is killed in the second epoch and goes on, trains as two.
    """
    chosen = ["dataset=california_housing", "model=wide_deep", *shrunk("wide_deep")]
    settings = ["train.epochs=2", "train.batch_size=125", "train.memory=0.004", ALWAYS]
    wait = f"+train.callbacks.wait={{_target_: killing.Wait, epochs: [2], folder: {tmp_path}}}"
    command = [sys.executable, "src/train.py", *chosen, *settings, *by_workers(1, nodes), wait]
    killed = subprocess.Popen(command, cwd=here, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    checkpoints = Path("checkpoints/california_housing/wide_deep")
    while not ((tmp_path / "killed-0").exists() and list(checkpoints.rglob("seed-42.npz"))):
        assert killed.poll() is None, killed.communicate()[0]
        time.sleep(0.05)
    killed.kill()
    killed.communicate()
    folder = Path("models/california_housing/wide_deep")
    assert not (folder / "run.json").exists()
    assert "seed 42  resumes at epoch 2" in run_in(here, *command).stdout.splitlines()
    assert training_log("california_housing", "wide_deep").runs[0].kills == 1
    one = pd.read_csv(folder / "history.csv").drop(columns="seed")
    weights = keras.saving.load_model(folder / "model.keras", compile=False).get_weights()

    two = train_network("california_housing", "wide_deep", *settings, *by_workers(2, nodes))
    assert {"aux_output_loss", "val_aux_output_rmse"} < set(two.history)
    pd.testing.assert_frame_equal(two.history, one, rtol=1e-4)
    for found, wanted in zip(two.model.get_weights(), weights, strict=True):
        np.testing.assert_allclose(found, wanted, rtol=1e-3, atol=1e-4)
    run = json.loads((folder / "run.json").read_text())
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
def test_worker_after_worker_is_lost(
    here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fathom.train.ray.driver.MAX_LOSSES", 0)
    monkeypatch.setattr("fathom.train.ray.driver.get_arrays", lambda _: [Killing()])
    message = ray_refusal(*by_workers(1, nodes))
    lost, _, rest = message.partition(" (")
    assert lost == "lost a worker once"
    assert rest.endswith("); the same command resumes from the last checkpoint")
    assert "\n" not in message


@pytest.mark.ray
@ray_installed
def test_what_only_tensorflow_can_build(
    here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(here / "lib")
    add_network(here / "lib", "in_python", IN_PYTHON)
    message = ray_refusal(*by_workers(1, nodes), model="in_python", dataset="california_housing")
    assert message.rpartition(": ")[0] == (  # the rest is Keras' or JAX's
        "conf/model/in_python.yaml: _target_: train.engine ray trains on JAX, which cannot train "
        "in_python.build"
    )


@pytest.mark.ray
@ray_installed
def test_no_room(here: Path, nodes: Any) -> None:
    assert ray_refusal(*by_workers(3, nodes), "train.ray.resources={cpu: 1, gpu: 0}") == (
        "command line: train.ray.workers: the cluster has room for 2 workers of 1 CPU, 0 GPU, "
        "not for 3"
    )


@pytest.mark.ray
@ray_installed
def test_folder_that_a_host_does_not_see(
    here: Path, nodes: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fathom.train.ray.driver.isfile", lambda path: False)
    message = ray_refusal(*by_workers(2, nodes))
    assert message == (
        f"command line: train.engine: {socket.gethostname()} does not see {here}: all hosts must "
        "have the project under the same path, in a shared folder"
    )
