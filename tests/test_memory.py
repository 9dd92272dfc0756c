"""Memory is bounded, whatever the size of the data: that of training by train.memory."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import ROOT, edit, network_config
from trainings import refusal

from fathom.artifacts.problem import Output, Problem
from fathom.base import machine, paths
from fathom.base.blocks import MOST_ROWS
from fathom.base.files import write_json
from fathom.base.tables import write_table
from fathom.train import memory

TIMES = 300  # 3,483,000 rows, of which the network takes 120 MiB
MIB = 2**20


@pytest.fixture(scope="module")
def large(scaled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose training rows are there many times."""
    folder = tmp_path_factory.mktemp("large")
    shutil.copytree(scaled, folder, dirs_exist_ok=True)
    for kind in ("features", "targets"):
        file = folder / f"data/scaled/california_housing/train_{kind}.parquet"
        table = pd.read_parquet(file)
        write_table(file, pd.concat([table] * TIMES, ignore_index=True))
    file = folder / "data/problem/california_housing.json"
    problem = json.loads(file.read_text())
    problem["rows"]["train"] *= TIMES
    file.write_text(json.dumps(problem))
    return folder


# Starts a command and prints what that took at its peak: a process that pytest starts itself counts
# what pytest takes as its own.
MEASURE = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True, stdout=subprocess.DEVNULL)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def peak(stage: str, *overrides: str) -> float:
    """Run a stage in a process of its own and return what it took at its peak, in MiB."""
    command = [sys.executable, str(ROOT / f"src/{stage}.py"), *overrides]
    measure = [sys.executable, "-c", MEASURE, *command]
    found = int(subprocess.run(measure, check=True, capture_output=True, text=True).stdout)
    return found / (MIB if sys.platform == "darwin" else 1024)


def peak_of_training(dataset: str, *overrides: str) -> float:
    settings = ["train.repeats=1", "train.epochs=1", "train.batch_size=8192", "gpus=[]"]
    settings += ["model.units=[8]"]  # rows are what the bound is of
    return peak("train", f"dataset={dataset}", "model=mlp", *settings, *overrides)


@pytest.mark.slow
def test_memory_is_bounded(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(large)
    nothing = peak_of_training("digits")  # what TensorFlow takes by itself
    setting = 0.12 * 1024
    streamed = peak_of_training("california_housing", "train.memory=0.12") - nothing
    run = json.loads(Path("models/california_housing/mlp/run.json").read_text())
    assert run["engine"]["rows"] == "read from disk"
    assert streamed < 1.25 * setting
    whole = peak_of_training("california_housing", "train.memory=1.5") - nothing
    run = json.loads(Path("models/california_housing/mlp/run.json").read_text())
    assert run["engine"]["rows"] == "in memory"
    assert 2 * setting < whole < 1.5 * 1024


@pytest.mark.parametrize(
    ("machine", "overrides", "expected"),
    [
        (64, [], 4.0),
        (6, [], 1.75),
        (2, [], 0.1),
        (2, ["memory_limit=3"], 1.75),
        (64, ["memory_limit=3", "train.memory=1.0"], 1.0),
    ],
)
def test_rows_take_what_the_limit_leaves(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    machine: float,
    overrides: list[str],
    expected: float,
) -> None:
    monkeypatch.setattr(memory, "machine_memory", lambda: machine)
    assert memory.memory_for_rows(network_config("digits", "mlp", *overrides)) == expected


def test_refuses_a_limit_that_leaves_nothing(workspace: Path) -> None:
    config = network_config("digits", "mlp", "memory_limit=1")
    assert refusal(memory.memory_for_rows, config) == (
        "command line: memory_limit: 1 GiB leaves no memory for training rows: TensorFlow takes "
        "1.25 GiB; set it to 2 or more"
    )


@pytest.mark.parametrize(
    ("share", "machine_gib", "waits"),
    [("3.0", 16, True), ("5.3", 16, False), (None, 16, False), ("0.1", 1, False)],
)
def test_one_training_at_a_time_takes_more_than_its_share(
    workspace: Path,
    monkeypatch: pytest.MonkeyPatch,
    share: str | None,
    machine_gib: float,
    waits: bool,
) -> None:
    """Rows of 120 million values take 2.7 GiB with all copies, TensorFlow 1.25 GiB."""
    monkeypatch.setattr(memory, "machine_memory", lambda: machine_gib)
    if share is not None:
        monkeypatch.setenv("FATHOM_MEMORY", share)
    output, numbers = Output(column="y", task="regression"), [f"x{n}" for n in range(12)]
    rows = {"train": 8_000_000, "valid": 2_000_000, "test": 1}
    large = Problem(
        dataset="large", kind="table", shape=[12], numbers=numbers, rows=rows,
        outputs={"main_output": output},
    )  # fmt: skip
    small = large.model_copy(update={"rows": {"train": 1000, "valid": 1000, "test": 1}})
    config = network_config("digits", "mlp")
    lock = paths.lock("memory")
    with memory.share_memory(config, small):
        assert not lock.exists()
    with memory.share_memory(config, large):
        assert lock.exists() == waits


def test_the_share_of_memory_must_be_a_number(monkeypatch: pytest.MonkeyPatch) -> None:
    for wrong in ("0", "-1", "two", "", "nan"):
        monkeypatch.setenv("FATHOM_MEMORY", wrong)
        message = f"FATHOM_MEMORY={wrong}: must be a number of GiB above 0"
        assert refusal(machine.memory_share) == message


def test_a_container_has_what_it_may_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = machine.machine_memory()
    assert whole > 0.5
    allowed = tmp_path / "memory.max"
    monkeypatch.setattr(machine, "CONTROL_GROUP", allowed)
    allowed.write_text("268435456\n")
    assert machine.machine_memory() == 0.25
    allowed.write_text("max\n")
    assert machine.machine_memory() >= whole


def write_predicted(dataset: str, rows: int) -> None:
    """Write a test part of so many rows, what a network and a baseline predict of it, and small
    parts beside it.
    """
    output = Output(column="y", task="regression")
    problem = Problem(
        dataset=dataset, kind="table", shape=[1], numbers=["x"], wide=["x"], deep=["x"],
        rows={"train": 9, "valid": 9, "test": rows},
        outputs={"main_output": output, "aux_output": output},
    )  # fmt: skip
    problem.write(paths.problem(dataset))
    generator = np.random.default_rng(rows)
    of_model = paths.model(dataset, "mlp")
    predictions = of_model / "predictions" / paths.run(42)
    baseline = paths.predictions(dataset, "baseline").with_suffix("")
    for folder in (paths.scaled(dataset), predictions, baseline):
        folder.mkdir(parents=True)
    write_json(of_model / "run.json", {"runs": [{"seed": 42}], "ensemble": False, "seed": 42})
    for part, count in problem.rows.items():
        actual, predicted = generator.normal(size=(2, count))
        targets = pd.DataFrame({"row": np.arange(count), "main_output": actual})
        write_table(paths.scaled(dataset) / f"{part}_targets.parquet", targets)
        np.save(predictions / f"{part}_main_output.npy", predicted)
    table = targets.rename(columns={"main_output": "actual"}).assign(predicted=0.0)
    write_table(baseline / "mean.parquet", table)
    write_json(paths.metrics(dataset, "baseline"), {"mean": {"valid": {"rmse": 1.0}}})


@pytest.mark.slow
def test_memory_of_figures_does_not_grow_with_rows(workspace: Path) -> None:
    few, many = 2 * MOST_ROWS, 10 * MOST_ROWS  # a column of them takes 16 and 80 MiB
    write_predicted("diabetes", few)
    write_predicted("california_housing", many)
    edit(workspace / "params.yaml", "models=[mlp]")
    for stage, *more in (("evaluate", "model=mlp"), ("compare",)):
        of_few = peak(stage, "dataset=diabetes", *more)
        of_many = peak(stage, "dataset=california_housing", *more)
        assert of_many - of_few < 50
