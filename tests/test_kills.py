"""`fathom repro` killed at any moment, again and again, ends with the metrics of one that was not.

Here are real signals; test_resume.py interrupts a training at each of its writes.
"""

import contextlib
import ctypes
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import clone, command_environment, commit, edit, run_in

pytestmark = pytest.mark.slow

KILLS = 4
PR_SET_CHILD_SUBREAPER = 36
# The stages that follow have no more to lose than these.
REPRO = ["env", "PYTHONPATH=src", sys.executable, "-m", "fathom", "repro", "compare@digits"]


def project(folder: Path) -> Path:
    """Return a clone whose training takes some seconds and writes checkpoints all the time."""
    folder.mkdir()
    clone(folder)
    edit(folder / "params.yaml", "datasets=[digits]", "models=[mlp]", "gates={}")
    edit(
        folder / "params.yaml",
        "train.epochs=120",
        "train.repeats=2",
        "train.at_once=auto",
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


def kill_when(ready: Callable[[], bool], folder: Path, log: Path, stage_alone: bool) -> bool:
    """Start the pipeline and, when ready, kill it or its stage alone; tell whether it still ran."""
    environment = command_environment()
    with log.open("ab") as output:
        started = subprocess.Popen(
            REPRO, cwd=folder, env=environment, stdout=output, stderr=output, start_new_session=True
        )
        while started.poll() is None:
            if not ready():
                time.sleep(0.01)
                continue
            running = psutil.Process(started.pid).children(recursive=True)
            stages = [process for process in running if is_stage(process)]
            if stage_alone and stages:
                stages[0].kill()
            else:
                os.killpg(started.pid, signal.SIGKILL)
            started.wait()
            bury(started.pid)
            return True
    assert started.returncode == 0, log.read_text()
    return False


def is_stage(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return any(part.startswith("src/") for part in process.cmdline())
    return False


def after(seconds: float) -> Callable[[], bool]:
    """Return whether so many seconds have gone by since now."""
    end = time.monotonic() + seconds
    return lambda: time.monotonic() >= end


def in_training(folder: Path, seconds: float) -> Callable[[], bool]:
    """Return whether so many seconds have gone by since the first checkpoint from now on."""
    began = time.time()
    over: Callable[[], bool] | None = None

    def ready() -> bool:
        nonlocal over
        if over is None and any(changed(file) > began for file in checkpoints(folder)):
            over = after(seconds)
        return over is not None and over()

    return ready


def checkpoints(folder: Path) -> list[Path]:
    """Return the complete checkpoints of the project in a folder."""
    return list(folder.glob("checkpoints/*/*/**/seed-*.npz"))


def changed(file: Path) -> float:
    """Return when a file was last written, 0 if it is gone by now."""
    with contextlib.suppress(FileNotFoundError):
        return file.stat().st_mtime
    return 0.0


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
    assert len(wanted) == 7  # 3 files of metrics, 3 models and a history
    moments = random.Random(4)
    killed = project(tmp_path / "killed")
    kills = 0
    while kills < KILLS or not checkpoints(killed):  # the last kill leaves a checkpoint
        log = tmp_path / f"log-{kills}"
        alone = kills % 4 == 3  # as by a system that is out of memory
        anywhere = kills % 2 == 0 and kills < KILLS
        seconds = moments.uniform(0.5, whole / 6) if anywhere else moments.uniform(0, 1)
        ready = after(seconds) if anywhere else in_training(killed, seconds)
        if kill_when(ready, killed, log, alone):
            kills += 1
            continue
        assert outcome(killed) == wanted
        run_in(killed, "git", "clean", "-qxdf")
        run_in(killed, "git", "checkout", "-q", ".")
    run_in(killed, *REPRO)
    assert outcome(killed) == wanted
    assert "resumes at epoch" in (killed / "logs/repro/train@digits-mlp.log").read_text()
    assert not list(killed.glob("checkpoints/*/*/*"))
