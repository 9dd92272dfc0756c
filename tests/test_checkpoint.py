"""Checkpoints: when they are written, what they hold, and which training they belong to."""

import time
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from conftest import ROOT, network_config

from fathom.artifacts.scaled_data import ScaledData
from fathom.messages import training
from fathom.train.build import build
from fathom.train.checkpoint import Checkpoint, pack, pack_attributes, unpack
from fathom.train.feeds import make_feeds
from fathom.train.fingerprint import fingerprint, imported_code

ALWAYS = "train.checkpoint=0.000001"


@pytest.mark.parametrize(
    ("overrides", "same"),
    [
        (["train.optimizer.weight_decay=0.1"], False),
        (["model.learning_rate=0.003"], False),
        (["seed=43"], False),
        (["train.checkpoint=0.000002", "train.repeats=5", "train.ensemble=false"], True),
        (["train.memory=5.0", "memory_limit=8"], True),  # all rows are in memory
        (["train.memory=0.0004"], False),
        (["train.memory=0.0003"], False),
        ([], True),
    ],
)
def test_fingerprint_depends_on_settings(
    scaled: Path, monkeypatch: pytest.MonkeyPatch, overrides: list[str], same: bool
) -> None:
    monkeypatch.chdir(scaled)
    data = ScaledData.read("digits")

    def fingerprint_of(*overrides: str) -> str:
        config = network_config("digits", "mlp", "train.epochs=3", ALWAYS, *overrides)
        return fingerprint(config, make_feeds(build(config, data.problem), config, data), None)

    assert (fingerprint_of(*overrides) == fingerprint_of()) is same


def test_checkpoints_come_by_the_clock_and_at_best_epochs(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr(time, "perf_counter", lambda: now)
    stopping = keras.callbacks.EarlyStopping()
    stopping.best_epoch = -1
    writer = Checkpoint(tmp_path / "state.npz", 30, [], stopping)
    written: list[tuple[int, int]] = []
    monkeypatch.setattr(writer, "write", lambda file, epoch, step: written.append((epoch, step)))
    now = 29
    writer.write_if_due(0, 8)
    writer.on_epoch_end(0)
    assert written == []
    now = 31
    writer.write_if_due(1, 8)
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
    packed = pack(value, arrays)
    np.savez(tmp_path / "arrays.npz", **arrays)
    with np.load(tmp_path / "arrays.npz") as saved:
        found = unpack(packed, saved)
    assert type(found) is type(value)
    np.testing.assert_equal(found, value)


def test_attributes_that_json_does_not_hold_are_left_out() -> None:
    callback = keras.callbacks.Callback()
    values = {"kept": [1], "pair": (1, 2), "by_number": {1: 2}, "function": len, "set": {1}}
    vars(callback).update(values)
    assert {name for name in pack_attributes(callback, {}) if name in values} == {"kept"}


def test_fingerprint_leaves_out_messages() -> None:
    """Better wording discards no checkpoint."""
    code = {str(file.relative_to(ROOT / "src")) for file in imported_code()}
    assert {"fathom/train/checkpoint.py", "fathom/base/files.py"} <= code
    assert Path(training.__file__) == ROOT / "src/fathom/messages/training.py"
    assert not any(name.startswith("fathom/messages/") for name in code)
