"""`fathom repro` killed, stopped, twice at once and on a full disk."""

import contextlib
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import pytest
from conftest import command_environment, repro, run_in
from shell_stages import (
    FATHOM,
    WAIT,
    Stages,
    chain,
    fathom,
    make_project,
    runs,
    stage,
    write_stages,
)

pytestmark = pytest.mark.slow


def wait_for(path: Path) -> None:
    for _ in range(600):
        if path.exists() and path.read_text().strip():
            return
        time.sleep(0.05)
    raise AssertionError(f"{path} does not appear")


def wait_for_end(pid: int) -> None:
    for _ in range(600):
        with contextlib.suppress(psutil.NoSuchProcess):
            if psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
                time.sleep(0.05)
                continue
        return
    raise AssertionError(f"{pid} does not end")


@contextlib.contextmanager
def running(folder: Path, *arguments: str) -> Iterator[subprocess.Popen[str]]:
    with subprocess.Popen(
        [*FATHOM, *arguments], cwd=folder, env=command_environment(), text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    ) as started:  # fmt: skip
        yield started


def waiting_chain() -> Stages:
    """Return the chain with a stage that waits for a file, unless it is there."""
    stages = chain()
    stages["long"]["cmd"] = f"echo $$ > pid; {WAIT.format('go-here')}; {stages['long']['cmd']}"
    return stages


@pytest.mark.parametrize("victim", ["$$", "$PPID"], ids=["stage", "its DVC"])
def test_a_killed_stage(tmp_path: Path, victim: str) -> None:
    stages = chain()
    kill = f"if [ -e once-here ]; then kill -9 {victim}; echo $$ > pid; sleep 60; fi; "
    stages["long"]["cmd"] = f"{kill}{stages['long']['cmd']}"
    project = make_project(tmp_path / "project", stages)
    (project / "once-here").touch()
    done = fathom(project, status=1)
    text = "exited with -9" if victim == "$$" else "its process was killed (exit status -9)"
    assert text in done.stderr.splitlines()[0]
    if (project / "pid").exists():
        wait_for_end(int((project / "pid").read_text()))
    assert runs(project) == ["make-a", "make-b", "short"]
    (project / "once-here").unlink()
    fathom(project)
    assert runs(project) == ["join", "long"]
    assert repro(project) == []


@pytest.mark.parametrize(
    ("number", "status"),
    [(signal.SIGKILL, -9), (signal.SIGINT, 130), (signal.SIGTERM, 143)],
    ids=["SIGKILL", "SIGINT", "SIGTERM"],
)
def test_a_stopped_runner(tmp_path: Path, number: signal.Signals, status: int) -> None:
    project = make_project(tmp_path / "project", waiting_chain())
    with running(project) as started:
        wait_for(project / "pid")
        started.send_signal(number)
        _, errors = started.communicate(timeout=30)
    assert started.returncode == status
    assert errors == ("fathom: interrupted\n" if number == signal.SIGINT else "")
    wait_for_end(int((project / "pid").read_text()))
    assert "make@a:" in (project / "dvc.lock").read_text()
    runs(project)
    (project / "go-here").touch()
    fathom(project)
    assert {"join", "long"} <= set(runs(project)) <= {"join", "long", "make-b", "short"}
    assert repro(project) == []


def test_two_runners_at_once(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", waiting_chain())
    with running(project) as one:
        wait_for(project / "pid")
        with running(project) as other:
            assert other.stdout is not None
            line = other.stdout.readline()
            holder = rf"process {one.pid}, since [-\d: +]+"
            assert re.fullmatch(
                f"fathom repro runs already: in {holder}; waits until it ends\n", line
            )
            (project / "go-here").touch()
            assert one.communicate(timeout=60)[0].endswith(": 5 ran\n")
            assert other.communicate(timeout=60)[0].endswith(": 5 unchanged\n")
    assert runs(project) == ["join", "long", "make-a", "make-b", "short"]


def test_data_that_is_not_here(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", chain())
    (project / "own.csv").write_text("a\n")
    run_in(project, "dvc", "add", "-q", "own.csv")
    (project / "own.csv").unlink()
    stages = chain()
    stages["own"] = stage("cp own.csv own", "own.csv", out="own")
    write_stages(project, stages)
    first = fathom(project, "own", status=1).stderr.splitlines()[0]
    assert ": missing data 'source': own.csv: `dvc pull own.csv.dvc` brings it (" in first
    run_in(project, "dvc", "pull", "own.csv.dvc")
    fathom(project, "own")


def test_a_project_without_git(tmp_path: Path) -> None:
    project = make_project(tmp_path / "project", chain())
    shutil.rmtree(project / ".git")
    assert fathom(project, status=1).stderr == (
        "fathom: this folder is in no Git repository: run `git init`, `git add -A` and `git commit "
        "-m start`, or `dvc config core.no_scm true` to work without experiments\n"
    )
    run_in(project, "dvc", "config", "core.no_scm", "true")
    fathom(project)


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "project"
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(folder)]
    try:
        done = subprocess.run(mount, capture_output=True, check=False)
    except FileNotFoundError:
        pytest.skip("there is no command mount")
    if done.returncode:
        pytest.skip("a file system cannot be mounted here")
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_a_full_disk(small_disk: Path) -> None:
    stages = chain()
    stages["large"] = stage("head -c 9m /dev/zero > large", out="large")
    project = make_project(small_disk, stages)
    done = fathom(project, status=1)
    assert "No space left on device" in done.stderr
    resize = ["mount", "-o", "remount,size=40m", str(small_disk)]
    subprocess.run(resize, check=True)
    fathom(project)
    assert repro(project) == []
