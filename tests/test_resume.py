"""A killed training resumes and ends with the bits of one that was not killed."""

import functools
import os
import shutil
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tensorflow as tf
from conftest import network_config, train_network
from trainings import training_log

from fathom.artifacts.scaled_data import ScaledData
from fathom.settings.config import NetworkConfig
from fathom.train import compiled_fit, train
from fathom.train.checkpoint import Checkpoint
from fathom.train.runs import finish_run, train_run
from fathom.train.trainer import Trainer, prepare

PLATEAU = (
    "+train.callbacks.plateau={_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, "
    "factor: 0.5, patience: 1, min_delta: 0.5, cooldown: 1}"
)
LONG = ["train.epochs=4", "train.batch_size=500", "train.schedule=null"]
ALWAYS = "train.checkpoint=0.000001"


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the training handles it."""


class Kill:
    """Kills a training just after one of its checkpoints."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places: list[tuple[int, int]] = []
        self.after = 0
        write = Checkpoint.write

        def write_and_die(callback: Checkpoint, file: Path, epoch: int, step: int) -> None:
            write(callback, file, epoch, step)
            self.places.append((epoch, step))
            self.after -= 1
            if self.after == 0:
                raise Killed

        monkeypatch.setattr(Checkpoint, "write", write_and_die)


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    """Have checkpoints written after every batch and epoch."""
    monkeypatch.setattr(compiled_fit, "LOOK_SECONDS", 0.0)
    return Kill(monkeypatch)


def prepared(config: NetworkConfig) -> Trainer:
    """Return a trainer to use several times: its programs take longer to trace than to run."""
    tf.config.experimental.enable_op_determinism()
    data = ScaledData.read(config.dataset.name)
    return prepare(config, data, tf.distribute.get_strategy())


def scramble(trainer: Trainer) -> None:
    """Overwrite the state of a trainer, of which a new process has nothing."""
    rng = np.random.default_rng(0)
    model = trainer.model
    for variable in (*model.variables, *model.optimizer.variables, *model.metrics_variables):
        variable.assign(rng.integers(1, 100, variable.shape).astype(variable.dtype))
    model.stop_training = True


def content(folder: Path) -> dict[str, bytes]:
    """Return the files and folders of a finished run; run.json says how long it took."""
    return {
        str(path.relative_to(folder)): b"" if path.is_dir() else path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.name != "run.json"
    }


COSINE = "train.schedule={_target_: keras.optimizers.schedules.CosineDecay}"
LARGE = "train.batch_size=4000"
STOPPING = "train.early_stopping={patience: 2, min_delta: 10.0}"  # after the third epoch
AUGMENTED = "model.augmentation={shift: 0.2, flip: true, cutout: 0.3}"
EMA = "+train.optimizer.use_ema=true"
STREAMED = ["train.memory=0.0004", "train.batch_size=128", "train.epochs=2"]


def slow(*case: Any) -> Any:
    return pytest.param(*case, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("engine", "dataset", "model", "overrides"),
    [
        # dropout, augmentation, a rate that a callback lowers, averaged weights
        ("compiled", "digits", "mlp", [PLATEAU, EMA, AUGMENTED]),
        ("compiled", "california_housing", "wide_deep", [LARGE, STOPPING]),
        slow("fit", "digits", "mlp", [PLATEAU, STOPPING]),
        slow("compiled", "digits", "selu", [COSINE, EMA]),
        slow("compiled", "california_housing", "wide_deep", [LARGE, "train.xla=true"]),
        slow("fit", "digits", "deep_relu", [EMA]),
        slow("compiled", "digits", "mlp", STREAMED),
        slow("fit", "digits", "mlp", STREAMED),
    ],
)
def test_ends_with_the_bits_of_an_undisturbed_training(
    trainable: Path, kill: Kill, engine: str, dataset: str, model: str, overrides: list[str]
) -> None:
    settings = [*LONG, f"train.engine={engine}", *overrides]
    undisturbed = network_config(dataset, model, *settings, "train.checkpoint=null")
    killed = network_config(dataset, model, *settings, ALWAYS)
    trainer = prepared(undisturbed)
    finish_run(trainer, 42, Path("undisturbed"), train_run)
    wanted = content(Path("undisturbed/seed-42"))
    trainer = replace(trainer, config=killed)
    assert kill.places == []
    for distance in (1, 3):  # of kills, in checkpoints
        folder, kills = Path(f"every-{distance}"), 0
        del kill.places[:]
        while True:
            scramble(trainer)
            kill.after = distance
            try:
                run = finish_run(trainer, 42, folder, train_run)
            except Killed:
                kills += 1
                assert [path.name for path in folder.iterdir()] == ["seed-42.npz"]
            else:
                break
        assert run.kills == kills
        assert kills == len(kill.places) // distance
        assert kill.places == sorted(set(kill.places))
        assert any(step > 0 for _, step in kill.places) is (engine == "compiled")
        assert content(folder / "seed-42") == wanted
        assert [path.name for path in folder.iterdir()] == ["seed-42"]
    assert len(kill.places) > 1


OUTPUTS = ("checkpoints", "models", "plots")
CHANGES = ("os.rename", "os.remove", "os.mkdir", "os.rmdir")


class Changes:
    """Calls a function before each change of a file or folder of a training's outputs."""

    def __init__(self) -> None:
        self.called: Callable[[], None] | None = None

    def __call__(self, event: str, arguments: tuple[Any, ...]) -> None:
        called = self.called
        if called is None:
            return
        writes = event == "open" and bool((arguments[2] or 0) & (os.O_WRONLY | os.O_RDWR))
        if (writes or event in CHANGES) and str(arguments[0]).startswith(OUTPUTS):
            self.called = None  # not while it is called
            called()
            self.called = called


@functools.cache
def changes() -> Changes:
    """Hook it in, for as long as this process lives: Python has no way back."""
    sys.addaudithook(hook := Changes())
    return hook


State = dict[str, bytes | None]  # files and, without content, folders by their paths


def outputs() -> State:
    every = [path for name in OUTPUTS for path in sorted(Path().glob(f"{name}/**/*"))]
    return {str(path): path.read_bytes() if path.is_file() else None for path in every}


def put_back(state: State) -> None:
    for name in OUTPUTS:
        shutil.rmtree(name, ignore_errors=True)
        Path(name).mkdir()
    for name, data in state.items():
        if data is None:
            Path(name).mkdir()
        else:
            Path(name).write_bytes(data)


@pytest.mark.parametrize("every", [20, pytest.param(1, marks=pytest.mark.slow)])
def test_killed_before_any_change_of_a_file(
    trainable: Path, monkeypatch: pytest.MonkeyPatch, every: int
) -> None:
    """Of one training all states of its files are kept; from each of them another one goes on."""
    settings = ["train.epochs=2", "train.repeats=2", "train.at_once=1", "train.ensemble=true"]
    config = network_config("digits", "mlp", *settings, "model.units=[]", ALWAYS)
    trainer = prepared(config)
    monkeypatch.setattr(train, "prepare", lambda *rest: trainer)
    strategy = tf.distribute.get_strategy()
    states: list[State] = []

    def keep() -> None:
        if (state := outputs()) not in states[-1:]:
            states.append(state)

    changes().called = keep
    try:
        train.train_seeds(train_run, config, strategy)
    finally:
        changes().called = None
    wanted = outputs()
    names = [" ".join(state) for state in states]
    for moment in (
        ".npz",  # a checkpoint is there,
        ".part.npz",  # another one under way,
        "/seed-42/predictions/",  # the first run finished,
        "/.seed-43.",  # the second one being written,
        "/.repeats.",  # and what comes of both
        "/dated-model.",
        "/.model.",
        "/.loss.",
    ):
        assert any(moment in name for name in names), moment
    monkeypatch.setattr("fathom.base.files.is_other_process", lambda pid: False)  # it was killed
    for state in states[::every]:
        put_back(state)
        scramble(trainer)
        train.train_seeds(train_run, config, strategy)
        assert outputs() == wanted, sorted(state)


@pytest.mark.parametrize("runs", [slow("train.repeats=2"), "train.folds=2"])
def test_goes_on_where_it_was(
    trainable: Path, kill: Kill, capsys: pytest.CaptureFixture[str], runs: str
) -> None:
    one_step = "train.batch_size=2000"  # an epoch: checkpoints are at epochs
    settings = ["train.epochs=2", runs, one_step, "model.units=[]", ALWAYS]
    kill.after = 1
    with pytest.raises(Killed):
        train_network("digits", "mlp", *settings)
    (of_other_data,) = Path("checkpoints/digits/mlp").iterdir()
    file = Path("data/scaled/digits/train_features.npy")
    features = np.load(file)
    features[0, 0, 0] += 1
    np.save(file, features)
    kill.after = 3  # in the last run
    with pytest.raises(Killed):
        train_network("digits", "mlp", *settings)
    assert "resumes" not in capsys.readouterr().out
    (folder,) = Path("checkpoints/digits/mlp").iterdir()  # the other one is gone
    assert folder != of_other_data
    assert {path.name for path in folder.iterdir()} == {"seed-42", "seed-43.npz"}
    del kill.places[:]
    train_network("digits", "mlp", *settings)
    assert capsys.readouterr().out.splitlines()[0] == "seed 43  resumes at epoch 2"
    assert kill.places == [(2, 0)]
    assert [run.kills for run in training_log("digits", "mlp").runs] == [0, 1]
    found = outputs()
    train_network("digits", "mlp", *settings)
    assert outputs() == found
