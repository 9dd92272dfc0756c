"""`fathom fit`: plans within a time, lists of params.yaml, input that it refuses, and all of it.

Fast, but for the last test.
"""

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import clone, command_environment, run_in
from stages import run_command
from trainings import refusal

from fathom.artifacts.search_result import SearchResult
from fathom.fit import plan
from fathom.fit.lists import read_lists, write_lists
from fathom.fit.plan import Pace, plan_search, plan_training
from fathom.fit.processes import EpochPace
from fathom.fit.progress import Progress

QUIET = Pace(start=8, run=10, epochs=50, rows=1_000, cores=2)
BUSY = Pace(start=30, run=60, epochs=50, rows=20_000, cores=2)


def test_search_gets_what_training_and_the_rest_leave() -> None:
    planned = plan_search(QUIET, left=500, total=600, most=8)
    rest = plan.training_seconds(QUIET, QUIET.run, 8) + plan.reserve(QUIET, lean=False)
    assert 60 * planned.minutes == pytest.approx(500 - rest - 2 * QUIET.start - 30)
    assert planned.cv == plan.CV_FOLDS  # few rows, and time for many trials
    assert plan_search(QUIET, left=260, total=600, most=8).cv is None
    assert plan_search(BUSY, left=500, total=600, most=5).minutes == 0


def test_baselines_that_take_long_leave_less_to_the_search() -> None:
    """Those of the first look have no shares of the rows."""
    slow = replace(QUIET, baseline=20.0)
    planned = [plan_search(pace, left=500, total=600, most=8).minutes for pace in (QUIET, slow)]
    assert 60 * (planned[0] - planned[1]) == pytest.approx(20.0 * plan.SHARES)
    assert plan_training(slow, 10, left=170, total=600, most=8) == plan.TrainingPlan(8, lean=True)


@pytest.mark.parametrize(
    ("pace", "left", "expected"),
    [
        (QUIET, 170, plan.TrainingPlan(8, lean=False)),
        (QUIET, 140, plan.TrainingPlan(5, lean=False)),
        (BUSY, 520, plan.TrainingPlan(5, lean=False)),
        (BUSY, 430, plan.TrainingPlan(4, lean=False)),
        (BUSY, 400, plan.TrainingPlan(4, lean=True)),
        (BUSY, 350, plan.TrainingPlan(None, lean=True)),
    ],
)
def test_training_has_as_many_folds_as_there_is_time(
    pace: Pace, left: float, expected: plan.TrainingPlan
) -> None:
    most = 8 if pace is QUIET else 5
    assert plan_training(pace, pace.run, left, total=600, most=most) == expected


def test_pace_of_a_training_follows_from_its_log(workspace: Path) -> None:
    log = Path("logs/repro/train@made-mlp.log")
    log.parent.mkdir(parents=True)
    log.write_text("seed 42  epoch 90/100  loss 1  0.1 s\n")
    os.utime(log, (1, 1))  # of an earlier training
    pace = EpochPace("train@made-mlp")
    pace.look()
    assert pace.seconds is None
    assert not pace.will_exceed(0)
    log.write_text("seed 42  epoch 1/100  about 9 s left  loss 1  0.1 s\n")
    os.utime(log, (pace.wall + 1, pace.wall + 1))
    pace.look()
    assert pace.first is not None
    pace.first = pace.first[0] - 20.0, 1
    log.write_text("seed 42  epoch 1/100  loss 1  0.1 s\nseed 42  epoch 11/100  loss 1  0.1 s\n")
    os.utime(log, (pace.wall + 1, pace.wall + 1))
    pace.look()
    assert pace.seconds == pytest.approx(2.0, rel=0.01)
    assert pace.will_exceed(170)  # 89 epochs are to come
    assert not pace.will_exceed(190)
    assert plan.fewer_epochs(100, 2.0, 50) == 25
    assert plan.fewer_epochs(100, 90.0, 50) == plan.LEAST_EPOCHS


@pytest.mark.parametrize("style", ["flow", "block", "lines"])
def test_lists_change_and_nothing_else(workspace: Path, style: str) -> None:
    params = Path("params.yaml")
    before = params.read_text()
    lists = {
        "flow": "datasets: [california_housing, digits]  # two",
        "block": "datasets:\n  - california_housing\n  - digits",
        "lines": "datasets: [california_housing,\n  digits]",
    }
    params.write_text(before.replace("datasets: [california_housing, digits]", lists[style]))
    given = read_lists()
    assert given["datasets"] == ["california_housing", "digits"]
    write_lists({"datasets": ["houses"], "models": ["mlp"], "experiment": "houses"})
    expected = before.replace("datasets: [california_housing, digits]", "datasets: [houses]")
    expected = expected.replace("models: [mlp, selu, wide_deep]", "models: [mlp]")
    assert params.read_text() == expected.replace("experiment: none", "experiment: houses")
    write_lists(given)
    assert params.read_text() == before


def test_lists_in_one_line_are_refused(workspace: Path) -> None:
    tree = yaml.safe_load(Path("params.yaml").read_text())
    Path("params.yaml").write_text(json.dumps(tree))
    assert refusal(write_lists, {"datasets": ["houses"]}) == (
        "params.yaml: datasets are not on lines of their own: write them so, such as "
        "`datasets: [digits]`"
    )


def test_progress_counts_the_time_of_all_processes(workspace: Path) -> None:
    file = Path("logs/fit/houses.json")
    first = Progress(file, {"file": "houses.csv"}, {}, minutes=2.0)
    first.saved -= 30
    first.finish("added", True)
    first.leave_out("the search")
    first.leave_out("the search")
    first.tick(force=True)
    second = Progress.read(file)
    assert second is not None
    assert (second.state, second.left_out) == ({"added": True}, ["the search"])
    assert second.left == pytest.approx(90, abs=1)


TABLE = {"size": range(40), "town": list("abcd") * 10, "price": range(100, 140)}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["missing.csv", "--target", "price"], "missing.csv is missing"),
        (["houses.csv", "--target", "prise"], "did you mean price?"),
        (["houses.csv", "--target", "price", "--model", "mpl"], "did you mean mlp?"),
        (
            ["houses.csv", "--target", "price", "--name", "quick"],
            "quick.yaml exists already",
        ),
    ],
)
def test_bad_input_costs_one_line_and_leaves_nothing(
    arguments: list[str], message: str, workspace: Path
) -> None:
    pd.DataFrame(TABLE).to_csv("houses.csv", index=False)
    run_in(workspace, "git", "init", "-q")
    run_in(workspace, "dvc", "init", "-q")
    before = {path: path.stat().st_mtime for path in Path().rglob("*") if ".git" not in path.parts}
    done = run_command("fit", *arguments)
    assert done.status == 1
    assert message in done.err
    assert done.err.startswith("fathom: ")
    assert done.err.count("\n") == 1
    new = {p for p in Path().rglob("*") if ".git" not in p.parts} - set(before)
    assert {path for path in new if ".dvc" not in path.parts and "logs" not in path.parts} == set()
    assert not list(Path("logs").rglob("*.json"))


def test_another_fit_of_the_same_name(workspace: Path) -> None:
    asked = {"target": "price", "task": None, "model": None, "file": "other.csv"}
    Progress(Path("logs/fit/houses.json"), asked, {}, 10.0).finish("added", True)
    done = run_command("fit", "houses.csv", "--target", "price")
    assert done.err == (
        "fathom: houses is the name of another `fathom fit`, of other.csv: choose another --name, "
        "or replace it with --force\n"
    )


def start_fit(folder: Path, *arguments: str) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "fathom", "fit", *arguments],
        cwd=folder,
        env=command_environment() | {"PYTHONPATH": "src", "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_fit_from_a_file_to_an_export(tmp_path: Path) -> None:
    """Killed in its first look, it continues; afterwards there is nothing to do."""
    folder = clone(tmp_path / "project")
    rng = np.random.default_rng(0)
    size, town = rng.normal(size=600), rng.choice(list("abc"), 600)
    price = 3 * size + (town == "a") + 0.1 * rng.normal(size=600)
    pd.DataFrame({"size": size, "town": town, "price": price}).to_csv(
        folder / "houses.csv", index=False
    )
    command = ["houses.csv", "--target", "price", "--minutes", "60", "--trials", "3"]
    process = start_fit(folder, *command)
    while not (folder / "data/scaled/houses").exists():
        time.sleep(0.2)
        assert process.poll() is None
    os.killpg(process.pid, signal.SIGKILL)
    printed, _ = process.communicate()
    assert "wrote conf/dataset/houses.yaml" in printed
    assert "next, check" not in printed  # the command itself does that
    printed, _ = start_fit(folder, *command).communicate()
    assert "houses: continues" in printed, printed
    assert "houses/mlp: RMSE" in printed, printed
    assert (folder / "exports/houses/mlp/model.keras").is_file()
    assert len(SearchResult.read(folder / "searches/houses/mlp-tpe.json").trials) == 3
    assert "left out" not in printed
    lists = yaml.safe_load((folder / "params.yaml").read_text())
    chosen = {"datasets": ["houses"], "models": ["mlp"], "experiment": "houses"}
    assert {key: lists[key] for key in chosen} == chosen
    done = run_in(folder, "env", "PYTHONPATH=src", sys.executable, "-m", "fathom", "repro")
    assert "unchanged" in done.stdout
    assert "ran" not in done.stdout.splitlines()[-1]
