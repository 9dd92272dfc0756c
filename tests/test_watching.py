"""Lines of a training on a terminal, and `fathom watch`. Fast."""

import importlib.util
import io
import subprocess
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from stages import run_command

from fathom.messages.training import epoch_line

LINES = [
    "seed 7  epoch 1/3  best val_rmse 0.9  about 0 s left  val_rmse 0.9",
    "seed 7  epoch 2/3  best val_rmse 0.5  about 0 s left  val_rmse 0.5",
    "seed 7  epoch 3/3  val_rmse 0.7",
]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def print_epochs(stream: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what a training of three epochs prints to a stream."""
    from fathom.train import callbacks

    monkeypatch.setattr("sys.stdout", stream)
    monkeypatch.setattr(callbacks, "TERMINAL_SECONDS", 0.0)
    monkeypatch.setenv("COLUMNS", "200")
    lines = callbacks.EpochLines(7, "val_rmse")
    history: list[float] = []
    model: Any = SimpleNamespace(
        history=SimpleNamespace(history={"val_rmse": history}), stop_training=False
    )
    lines.set_params({"epochs": 3})
    lines._model = model
    lines.on_train_begin()
    for epoch, value in enumerate((0.9, 0.5, 0.7)):
        lines.on_epoch_begin(epoch)
        history.append(value)
        lines.on_epoch_end(epoch, {"val_rmse": value, "main_output_loss": 1.0})
    return stream.getvalue()


def test_a_line_of_a_terminal_takes_the_place_of_the_one_before(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    printed = print_epochs(Terminal(), monkeypatch)
    assert printed.endswith("\n")
    first, *shown = printed.rstrip("\n").split("\r\x1b[K")
    assert first == ""
    assert [line.rpartition("  ")[0] for line in shown] == LINES


def test_no_line_of_a_file_is_replaced(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of short epochs, only the last one has a line."""
    printed = print_epochs(io.StringIO(), monkeypatch)
    assert [line.rpartition("  ")[0] for line in printed.splitlines()] == LINES[-1:]


def test_time_left() -> None:
    line = epoch_line((1, 2, 90), {"loss": 0.25}, 4.0, ("val_rmse", 0.5), 352.0)
    assert line == "seed 1  epoch 2/90  best val_rmse 0.5  about 6 min left  loss 0.25  4 s"


def test_watch_without_tensorboard(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    done = run_command("watch")
    assert (done.status, done.err) == (
        1,
        "fathom: TensorBoard is not installed: pip install tensorboard\n",
    )


def test_watch_starts_tensorboard_on_the_logs(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[list[str]] = []

    def run(command: list[str], **_: Any) -> SimpleNamespace:
        started.append(command)
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(subprocess, "run", run)
    done = run_command("watch", "--port", "7007")
    assert done.out.startswith("no logs yet: train with train.tensorboard=true")
    file = workspace / ".dvc/tmp/exps/abc/logs/digits/mlp/f/seed-42/train/events.out.tfevents.1"
    file.parent.mkdir(parents=True)
    file.touch()
    assert run_command("watch").out == ""
    folders = f"workspace:{workspace}/logs,experiments:{workspace}/.dvc/tmp/exps"
    assert started[0][1:] == [
        "-m", "tensorboard.main", "--logdir_spec", folders, "--host", "localhost", "--port", "7007",
    ]  # fmt: skip
