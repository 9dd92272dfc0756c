"""Projects of shell stages, which run in milliseconds, and `fathom repro` on them."""

import subprocess
import sys
from pathlib import Path

import yaml
from conftest import ROOT, commit, run_in

FATHOM = ["env", f"PYTHONPATH={ROOT / 'src'}", sys.executable, "-m", "fathom", "repro"]
# until a file is there
WAIT = "i=0; until [ -e {} ]; do i=$((i+1)); [ $i -lt 300 ] || exit 7; sleep .1; done"
IGNORED = "/logs/\n/runs\n/*-here\n/pid\n/made-*\n/long\n/short\n/join\n"

Stages = dict[str, dict[str, object]]


def stage(command: str, *deps: str, out: str) -> dict[str, object]:
    return {"cmd": command, "deps": list(deps), "outs": [out]}


def chain() -> Stages:
    """Return two branches of stages, which note each run in the file `runs`, and their join."""
    stages: Stages = {
        "make": {
            "matrix": {"name": ["a", "b"]},
            "cmd": "echo make-${item.name} >> runs; cat seed > made-${item.name}",
            "deps": ["seed"],
            "params": ["${item.name}"],
            "outs": ["made-${item.name}"],
        },
        "long": stage("echo long >> runs; sleep .3; sort made-a > long", "made-a", out="long"),
        "short": stage("echo short >> runs; mkdir short; cp made-b short", "made-b", out="short"),
    }
    stages["join"] = stage(
        "echo join >> runs; cat long short/* > join", "long", "short", out="join"
    )
    return stages


def make_project(folder: Path, stages: Stages) -> Path:
    folder.mkdir(exist_ok=True)
    run_in(folder, "git", "init", "-q", "-b", "main")
    run_in(folder, "dvc", "init", "-q")
    for key, value in (("user.email", "test@example.com"), ("user.name", "test")):
        run_in(folder, "git", "config", key, value)
    write_stages(folder, stages)
    (folder / "params.yaml").write_text("a: 1\nb: 1\n")
    (folder / "seed").write_text("some rows\n")
    (folder / ".gitignore").write_text(IGNORED)
    commit(folder)
    return folder


def write_stages(folder: Path, stages: Stages) -> None:
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))


def fathom(folder: Path, *arguments: str, status: int = 0) -> subprocess.CompletedProcess[str]:
    done = run_in(folder, *FATHOM, *arguments, check=False)
    assert done.returncode == status, done.stdout + done.stderr
    return done


def runs(folder: Path) -> list[str]:
    """Return the commands that have run since the last call, in alphabetical order."""
    file = folder / "runs"
    lines = file.read_text().split() if file.exists() else []
    file.unlink(missing_ok=True)
    return sorted(lines)


def contents(folder: Path) -> dict[str, bytes]:
    names = ["dvc.lock", "made-a", "made-b", "long", "short/made-b", "join"]
    return {name: (folder / name).read_bytes() for name in names}
