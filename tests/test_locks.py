"""One process at a time writes an output; another gets a line."""

import errno
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import shrunk
from stages import ROOT, run_stage
from trainings import refusal

from fathom.base import locks, paths
from fathom.base.locks import only_process

HOLD = """
import sys, time
from pathlib import Path
from fathom.base.locks import only_process
with only_process(Path(sys.argv[1]), "train@digits-mlp"):
    print("holds", flush=True)
    time.sleep(60)
"""
SINCE = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+\d\d:\d\d"


def take(file: Path, work: str = "train@digits-mlp") -> None:
    with only_process(file, work):
        pass


def test_two_trainings_of_a_network(workspace: Path) -> None:
    arguments = ["dataset=digits", "model=mlp", *shrunk("mlp")]
    with only_process(paths.lock("train@digits-mlp"), "train@digits-mlp"):
        second = run_stage("train", *arguments)
        other = run_stage("split", "dataset=digits")
    assert second.status == 1
    assert re.fullmatch(
        rf"train\.py: train@digits-mlp runs already: in process {os.getpid()}, since {SINCE}; wait "
        rf"until it ends, or stop it with `kill {os.getpid()}`\n",
        second.err,
    )
    assert other.err == (
        "split.py: data/raw/digits/schema.json is missing: make it with `dvc repro "
        "download@digits`\n"
    )


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM], ids=["kill -9", "kill"])
def test_a_killed_process_has_no_lock(tmp_path: Path, number: signal.Signals) -> None:
    file = tmp_path / "locks/one.lock"
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(file)], stdout=subprocess.PIPE, env=environment
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holds\n"
        line = refusal(take, file)
        assert line.startswith(f"train@digits-mlp runs already: in process {holder.pid}, since ")
        holder.send_signal(number)
    take(file)


def test_a_process_of_another_host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = tmp_path / "one.lock"
    with only_process(file, "train@digits-mlp"):
        monkeypatch.setattr("socket.gethostname", lambda: "other")
        assert re.fullmatch(
            rf"train@digits-mlp runs already: in process {os.getpid()} on \S+, since {SINCE}; wait "
            "until it ends",
            refusal(take, file),
        )
        file.write_text("")
        expected = "train@digits-mlp runs already: in another process; wait until it ends"
        assert refusal(take, file) == expected


def test_a_file_system_without_locks(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def no_locks(*arguments: object) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(locks, "flock", no_locks)
    with only_process(tmp_path / "one.lock", "train@digits-mlp"):
        take(tmp_path / "one.lock")
    assert capsys.readouterr().err.splitlines()[0] == (
        f"the file system of {tmp_path} has no locks (No locks available): do not start "
        "train@digits-mlp twice at once"
    )


def test_a_process_that_waits(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "one.lock"
    command = [sys.executable, "-c", HOLD.replace("60", "0.5"), str(file)]
    environment = os.environ | {"PYTHONPATH": str(ROOT / "src")}
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"holds\n"
        with only_process(file, "a large training", wait=True):
            assert json.loads(file.read_text())["pid"] == os.getpid()
    assert re.fullmatch(
        rf"a large training runs already: in process {holder.pid}, since {SINCE}; waits until it "
        r"ends\n",
        capfd.readouterr().out,
    )
