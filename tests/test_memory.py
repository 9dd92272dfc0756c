"""What training takes in memory is bounded by train.memory, whatever the size of the data."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, copy_settings, network_config, prepare

from fathom.errors import FathomError
from fathom.files import write_table
from fathom.training import memory

TIMES = 500  # 5,805,000 rows, of which the network takes 200 MiB
MIB = 2**20


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a project whose training rows are there many times."""
    folder = tmp_path_factory.mktemp("large")
    copy_settings(folder)
    prepare(folder, ["california_housing", "digits"])
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


def peak(dataset: str, *overrides: str) -> float:
    """Train in a process of its own and return what it took at its peak, in MiB."""
    settings = ["train.repeats=1", "train.epochs=1", "train.batch_size=8192", "gpus=[]"]
    command = [
        sys.executable, str(ROOT / "src/train.py"), f"dataset={dataset}", "model=mlp",
        *settings, *overrides,
    ]  # fmt: skip
    measure = [sys.executable, "-c", MEASURE, *command]
    found = int(subprocess.run(measure, check=True, capture_output=True, text=True).stdout)
    return found / (MIB if sys.platform == "darwin" else 1024)


def test_memory_is_bounded(large: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(large)
    nothing = peak("digits")  # what TensorFlow takes by itself
    setting = 0.2 * 1024
    streamed = peak("california_housing", "train.memory=0.2") - nothing
    run = json.loads(Path("models/california_housing/mlp/run.json").read_text())
    assert run["engine"]["rows"] == "read from disk"
    assert streamed < 1.25 * setting
    whole = peak("california_housing", "train.memory=1.5") - nothing
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
    monkeypatch.setattr(memory, "machine", lambda: machine)
    assert memory.for_rows(network_config("digits", "mlp", *overrides)) == expected


def test_refuses_a_limit_that_leaves_nothing(workspace: Path) -> None:
    with pytest.raises(FathomError) as caught:
        memory.for_rows(network_config("digits", "mlp", "memory_limit=1"))
    assert str(caught.value) == (
        "command line: memory_limit: 1 GiB leave none for the rows of a training, since TensorFlow "
        "takes 1.25 by itself; set it to 2 or more"
    )


def test_a_container_has_what_it_may_take(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    whole = memory.machine()
    assert whole > 0.5
    allowed = tmp_path / "memory.max"
    monkeypatch.setattr(memory, "CONTROL_GROUP", allowed)
    allowed.write_text("268435456\n")
    assert memory.machine() == 0.25
    allowed.write_text("max\n")
    assert memory.machine() >= whole
