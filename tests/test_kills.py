"""`make repro` killed at any moment, again and again, ends with the figures of one that was not."""

import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import clone, commit, edit, run_in

KILLS = 20
PR_SET_CHILD_SUBREAPER = 36
REPRO = ["make", "--silent", "--assume-old=setup", "repro"]  # with what runs the tests


def project(folder: Path) -> Path:
    """Return a clone whose trainings take some seconds and write checkpoints all the time."""
    folder.mkdir()
    clone(folder)
    edit(folder / "params.yaml", "datasets=[digits]", "models=[mlp, wide_deep]")
    edit(
        folder / "params.yaml",
        "train.epochs=120",
        "train.early_stopping=null",
        "train.batch_size=16",
        "train.checkpoint=0.05",
    )
    commit(folder)
    return folder


def outcome(folder: Path) -> dict[str, bytes]:
    """Return the metrics files, the models and what DVC keeps of the training's other outputs."""
    files = [*folder.glob("metrics/*/*.json"), *folder.glob("models/*/*/**/*.keras")]
    files += folder.glob("models/*/*/history.csv")
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}


def bury(group: int) -> None:
    """Wait for what is left of a process group, as a system's first process does."""
    with contextlib.suppress(ChildProcessError):
        while True:
            os.waitpid(-group, 0)


def kill_after(seconds: float, folder: Path, log: Path, stage_alone: bool) -> bool:
    """Start the pipeline and kill it, or its stage alone; tell whether it still ran."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    environment = os.environ | {"PATH": path, "DVC_NO_ANALYTICS": "1"}
    with log.open("ab") as output:
        started = subprocess.Popen(
            REPRO, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        try:
            status = started.wait(seconds)
        except subprocess.TimeoutExpired:
            running = psutil.Process(started.pid).children(recursive=True)
            stages = [process for process in running if process.name().startswith("python")]
            if stage_alone and stages:
                stages[0].kill()
            else:
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()
            bury(started.pid)
            return True
    assert status == 0, log.read_text()
    return False


@pytest.fixture
def burying() -> Iterator[None]:
    """Have orphans handed to this process, as in a container nobody else may wait for them, and
    DVC takes a dead process that nobody waited for as one that still holds its locks.
    """
    libc = ctypes.CDLL(None)
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1)
    yield
    if hasattr(libc, "prctl"):
        libc.prctl(PR_SET_CHILD_SUBREAPER, 0)


@pytest.mark.usefixtures("burying")
def test_killed_at_any_moment(tmp_path: Path) -> None:
    undisturbed = project(tmp_path / "undisturbed")
    began = time.perf_counter()
    run_in(undisturbed, *REPRO)
    whole = time.perf_counter() - began
    wanted = outcome(undisturbed)
    assert len(wanted) == 12  # 4 files of metrics; of 2 networks 3 models and a history
    moments = random.Random(4)
    killed = project(tmp_path / "killed")
    kills = going_on = 0
    while kills < KILLS:
        log = tmp_path / f"log-{kills}"
        alone = kills % 4 == 3  # as by a system that is out of memory
        if kill_after(moments.uniform(0.5, whole / 3), killed, log, alone):
            kills += 1
            going_on += "goes on from epoch" in log.read_text()
            continue
        assert outcome(killed) == wanted
        run_in(killed, "git", "clean", "-qxdf")
        run_in(killed, "git", "checkout", "-q", ".")
    run_in(killed, *REPRO)
    assert outcome(killed) == wanted
    assert going_on > 2
    assert not list(killed.glob("checkpoints/*/*/*"))
