"""A training that is killed goes on, and ends with the bits of one that was not."""

import json
import shutil
import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from conftest import trained

from fathom.training import compiled
from fathom.training.checkpoint import Checkpoint, pack, unpack

PLATEAU = (
    "+train.callbacks.plateau={_target_: keras.callbacks.ReduceLROnPlateau, monitor: loss, "
    "factor: 0.5, patience: 1, min_delta: 0.5, cooldown: 1}"
)
# One run after the other: what stands for a kill here ends one thread alone, not all as a real one.
LONG = ["train.epochs=4", "train.repeats=2", "train.at_once=1", "train.schedule=null"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing in the training handles it."""


def results(dataset: str, model: str) -> dict[str, bytes]:
    """Return what stages behind the training read, byte by byte."""
    folder = Path("models", dataset, model)
    files = [folder / "model.keras", folder / "history.csv", *(folder / "repeats").iterdir()]
    return {file.name: file.read_bytes() for file in files}


class Kill:
    """Kills a training right behind one of its checkpoints."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.places: list[tuple[int, int]] = []
        self.after = 0
        write = Checkpoint.write

        def write_and_die(callback: Checkpoint, epoch: int, step: int) -> None:
            write(callback, epoch, step)
            self.places.append((epoch, step))
            self.after -= 1
            if self.after == 0:
                raise Killed

        monkeypatch.setattr(Checkpoint, "write", write_and_die)


@pytest.fixture
def kill(monkeypatch: pytest.MonkeyPatch) -> Kill:
    """Have checkpoints written after every batch and epoch."""
    monkeypatch.setattr(compiled, "LOOK_SECONDS", 0.0)
    return Kill(monkeypatch)


COSINE = "train.schedule={_target_: keras.optimizers.schedules.CosineDecay}"
LARGE = "train.batch_size=4000"
STOPPING = "train.early_stopping={patience: 2, min_delta: 10.0}"  # after the third epoch


@pytest.mark.parametrize(
    ("engine", "dataset", "model", "overrides"),
    [
        ("compiled", "digits", "mlp", [PLATEAU]),  # dropout, a rate that a callback lowers
        ("compiled", "digits", "selu", [COSINE]),
        ("compiled", "digits", "deep_relu", ["+train.optimizer.use_ema=true"]),
        (
            "compiled",
            "california_housing",
            "wide_deep",
            ["train.batch_size=4000", "train.xla=true"],
        ),
        ("compiled", "digits", "mlp", [STOPPING]),
        ("compiled", "digits", "mlp", ["train.memory=0.0004"]),  # streamed
        ("fit", "digits", "mlp", [PLATEAU]),
        ("fit", "digits", "deep_relu", ["+train.optimizer.use_ema=true"]),
        ("fit", "digits", "mlp", [STOPPING]),
        ("fit", "digits", "mlp", ["train.memory=0.0004"]),
    ],
)
def test_ends_with_the_bits_of_an_undisturbed_training(
    trainable: Path, kill: Kill, engine: str, dataset: str, model: str, overrides: list[str]
) -> None:
    settings = [*LONG, f"train.engine={engine}", *overrides]
    trained(dataset, model, *settings, "train.checkpoint=null")
    undisturbed = results(dataset, model)
    shutil.rmtree("models")
    assert kill.places == []
    kills = 0
    while True:
        kill.after = 1 + 5 * kills if engine == "compiled" else 1 + kills
        try:
            training = trained(dataset, model, *settings, "train.checkpoint=0.000001")
        except Killed:
            kills += 1
            assert not Path("models").exists()
        else:
            break
    assert kills > 2
    assert sum(run.kills for run in training.runs) == kills
    assert results(dataset, model) == undisturbed
    assert any(step > 0 for _, step in kill.places) is (engine == "compiled")
    assert not list(Path("checkpoints").rglob("*.*"))


def test_goes_on_where_it_was(
    trainable: Path, kill: Kill, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = ["train.epochs=4", "train.engine=fit", "train.checkpoint=0.000001"]
    kill.after = 3
    with pytest.raises(Killed):
        trained("digits", "mlp", *settings)
    capsys.readouterr()
    trained("digits", "mlp", *settings)
    assert capsys.readouterr().out.splitlines()[0] == "seed 42  goes on from epoch 4"
    assert kill.places == [(1, 0), (2, 0), (3, 0), (4, 0)]
    run = json.loads(Path("models/digits/mlp/run.json").read_text())
    assert run["runs"][0]["kills"] == 1


def test_finished_runs_are_not_trained_again(trainable: Path, kill: Kill) -> None:
    settings = ["train.epochs=2", "train.repeats=3", "train.engine=fit"]
    kill.after = 5  # in the last run
    with pytest.raises(Killed):
        trained("digits", "mlp", *settings, "train.checkpoint=0.000001")
    (folder,) = Path("checkpoints/digits/mlp").iterdir()
    assert {path.name for path in folder.iterdir()} == {"seed-42", "seed-43", "seed-44.npz"}
    del kill.places[:]
    trained("digits", "mlp", *settings, "train.checkpoint=0.000001")
    assert kill.places == [(2, 0)]


@pytest.mark.parametrize(
    "change", ["setting", "model", "seed", "data", "checkpoint interval", "nothing"]
)
def test_a_checkpoint_is_that_of_its_settings_and_data(
    trainable: Path, kill: Kill, capsys: pytest.CaptureFixture[str], change: str
) -> None:
    kill.after = 2
    settings = ["train.epochs=3", "train.checkpoint=0.000001"]
    with pytest.raises(Killed):
        trained("digits", "mlp", *settings)
    (before,) = Path("checkpoints/digits/mlp").iterdir()
    changed = {
        "setting": ["train.optimizer.weight_decay=0.1"],
        "model": ["model.learning_rate=0.003"],
        "seed": ["seed=43"],
        "checkpoint interval": ["train.checkpoint=0.000002"],
    }
    if change == "data":
        file = Path("data/scaled/digits/train_features.npy")
        features = np.load(file)
        features[0, 0, 0] += 1
        np.save(file, features)
    kill.after = 1
    capsys.readouterr()
    with pytest.raises(Killed):
        trained("digits", "mlp", *settings, *changed.get(change, []))
    (after,) = Path("checkpoints/digits/mlp").iterdir()  # the old one is gone
    kept = change in ("checkpoint interval", "nothing")
    assert (after == before) is kept
    assert ("goes on" in capsys.readouterr().out) is kept


def test_no_checkpoints_if_none_are_wanted(trainable: Path, kill: Kill) -> None:
    trained("digits", "mlp", "train.epochs=2", "train.checkpoint=null")
    assert kill.places == []


def test_checkpoints_come_by_the_clock_and_at_best_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    stopping = keras.callbacks.EarlyStopping()
    stopping.best_epoch = -1
    writer = Checkpoint(tmp_path / "state.npz", 30, [], stopping)
    written: list[tuple[int, int]] = []
    monkeypatch.setattr(writer, "write", lambda epoch, step: written.append((epoch, step)))
    now = 29
    writer.paused(0, 8)
    writer.on_epoch_end(0)
    assert written == []
    now = 31
    writer.paused(1, 8)
    assert written == [(1, 8)]
    now = 32.5
    writer.on_epoch_end(1)
    assert written == [(1, 8)]
    stopping.best_epoch = 2
    writer.on_epoch_end(2)
    assert written == [(1, 8), (3, 0)]
    now = 33  # not again within a second
    stopping.best_epoch = 3
    writer.on_epoch_end(3)
    assert len(written) == 2


@pytest.mark.parametrize(
    "value",
    [
        None, True, 3, 2.5, float("inf"), "text", [], [1, [2.0, None]], {"a": {"b": [1]}},
        np.float32(1.5), np.arange(6.0).reshape(2, 3), [np.ones(2), np.zeros((1, 2))],
        {"w": np.ones(1)},
    ],
    ids=str,
)  # fmt: skip
def test_values_of_callbacks_come_back(value: Any, tmp_path: Path) -> None:
    arrays: dict[str, Any] = {}
    packed = json.loads(json.dumps(pack(value, arrays)))
    np.savez(tmp_path / "arrays.npz", **arrays)
    with np.load(tmp_path / "arrays.npz") as saved:
        found = unpack(packed, saved)
    assert type(found) is type(value)
    np.testing.assert_equal(found, value)
