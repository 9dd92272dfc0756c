"""A small repository with metrics written by hand, and commands in it."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest
from conftest import edit
from stages import run_command

VALUES = {"houses": ("rmse", "mae"), "digits": ("accuracy",)}
MODELS = {"mlp": 0.0, "selu": 0.25}  # what selu has more than mlp


def git(*arguments: str) -> str:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com"]
    command = ["git", *identity, *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def write_metrics(shift: float = 0, **more: Any) -> None:
    """Write metrics of houses and digits for the models of params.yaml, with ± 0.25 over runs."""
    for dataset, metrics in VALUES.items():
        folder = Path("metrics", dataset)
        folder.mkdir(parents=True, exist_ok=True)
        networks = {}
        for model, added in MODELS.items():
            values = dict.fromkeys(metrics, 4 + shift + added)
            spread = {
                metric: {"mean": value, "sd": 0.25, "n": 3} for metric, value in values.items()
            }
            written = {"valid": values, "test": values, "spread": {"test": spread}} | more
            (folder / f"{model}.json").write_text(json.dumps(written))
            networks[model] = {"difference": values[metrics[0]] - 5, "verdict": "better"}
        baseline = {
            "linear": {"valid": {}, "test": dict.fromkeys(metrics, 5.0), "trained_rows": 1000}
        }
        comparison = {"baseline": {"name": "linear", "figure": 5.0}, "networks": networks}
        (folder / "baseline.json").write_text(json.dumps(baseline))
        (folder / "comparison.json").write_text(json.dumps(comparison))


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a repository with two commits, and two experiments on the second one."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("COLUMNS", raising=False)
    git("init", "-q", "-b", "main")
    commit_project()
    return tmp_path


def commit_project() -> None:
    """Make a project in the working folder, two commits of it, and two experiments."""
    Path("conf/model").mkdir(parents=True)
    Path("conf/model/mlp.yaml").write_text("units: [300, 100]\n")
    Path("src").mkdir()
    Path("src/train.py").write_text("")
    Path("params.yaml").write_text(
        "datasets: [houses, digits]\nmodels: [mlp, selu]\ntrain: {epochs: 60, schedule: null}\n"
    )
    write_metrics(shift=-1)
    commit("start")
    write_metrics()
    commit("better digits")
    experiment("three-epochs", "params.yaml", "train.epochs=3", shift=1)
    experiment("small-mlp", "conf/model/mlp.yaml", "units=[64]", shift=0.125)


def commit(message: str) -> None:
    git("add", "-A")
    git("commit", "-q", "--allow-empty", "-m", message)


def experiment(name: str, file: str, setting: str, shift: float) -> None:
    """Make what `dvc exp run -n NAME -S FILE:SETTING` leaves in Git."""
    start = git("rev-parse", "HEAD")
    edit(Path(file), setting)
    write_metrics(shift)
    commit(name)
    git("update-ref", f"refs/exps/{start[:2]}/{start[2:]}/{name}", "HEAD")
    git("update-ref", "refs/exps/exec/EXEC_BASELINE", start)
    git("reset", "-q", "--hard", start)


def lines_of(*arguments: str, status: int = 0) -> list[str]:
    """Run `fathom <arguments>` and return what it prints, with one space between words."""
    finished = run_command(*arguments)
    assert finished.status == status, finished
    lines = [" ".join(line.split()) for line in (finished.out + finished.err).splitlines()]
    return [line for line in lines if line.strip("─ ")]
