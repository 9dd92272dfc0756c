"""What training takes in memory is bounded by train.memory, whatever the size of the data."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest
from conftest import ROOT, copy_settings, prepare

from fathom.files import write_table

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
