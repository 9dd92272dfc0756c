"""Measures time and memory of every stage on tables of millions of rows:

python bench/large.py [--rows 2000000 20000000] [--folder FOLDER]

In a copy of the project, with its uncommitted changes, it makes a table of 9 columns
(`large_table.py`) and runs each stage in a process of its own. If the memory suffices,
pandas splits and scales the same rows in memory. One network is trained for one epoch,
and a stage may use 2 GiB. Prints Markdown: seconds, and peak memory in MiB. FOLDER, for the copies,
needs about 400 bytes for each row.
"""

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import yaml
from project_copy import ENVIRONMENT, copy_project, markdown_table, run

PANDAS_BYTES = 400  # of memory for each row
STAGES = (
    "download", "split", "check", "scale", "train", "evaluate", "baseline", "compare", "explain",
    "export", "report",
)  # fmt: skip
PER_MODEL = ("train", "evaluate", "export")
PARAMS = {"memory_limit": 2, "datasets": ["large"], "models": ["mlp"]}
TRAIN = {"epochs": 1, "batch_size": 4096, "repeats": 1, "schedule": None}
DATASET = """# @package _global_
dataset:
  source:
    _target_: fathom.download.sources.table_file
    file: data/own/large
  task: regression
  target: y
"""
MIB = 2**20 if sys.platform == "darwin" else 2**10  # per unit of ru_maxrss

Cost = tuple[float, float]  # seconds, and peak memory in MiB


def measure(folder: Path, *arguments: str) -> Cost:
    """Run Python in a folder."""
    started = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, *arguments],
        cwd=folder,
        env=ENVIRONMENT | {"PYTHONPATH": "src"},
        stdout=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(arguments)}: exit status {process.returncode}")
    return time.perf_counter() - started, usage.ru_maxrss / MIB


def make_project(folder: Path, rows: int) -> Path:
    """Copy the project with a data set of this many rows, and return the table's folder."""
    copy_project(folder)
    table = folder / "data/own/large"
    run(folder, sys.executable, "bench/large_table.py", "make", str(table), str(rows))
    (folder / "conf/dataset/large.yaml").write_text(DATASET, encoding="utf-8")
    file = folder / "params.yaml"
    params = yaml.safe_load(file.read_text())
    params |= PARAMS | {"train": params["train"] | TRAIN}
    file.write_text(yaml.safe_dump(params), encoding="utf-8")
    return table


def costs(rows: int, parent: Path | None) -> Iterator[tuple[str, Cost]]:
    """Yield the cost of pandas and of each stage."""
    with tempfile.TemporaryDirectory(dir=parent) as temporary:
        folder = Path(temporary)
        table = make_project(folder, rows)
        if rows * PANDAS_BYTES < psutil.virtual_memory().available:
            yield "pandas", measure(folder, "bench/large_table.py", "scale", str(table), "pandas")
            shutil.rmtree(folder / "pandas")
        for stage in STAGES:
            overrides = [] if stage == "report" else ["dataset=large"]
            overrides += ["model=mlp"] if stage in PER_MODEL else []
            yield stage, measure(folder, f"src/{stage}.py", *overrides)
        predict = ("-m", "fathom", "predict", "large/mlp", str(table / "0.parquet"))
        yield "predict, a tenth", measure(folder, *predict, "-o", "out.parquet")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[2_000_000, 20_000_000])
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    results = {rows: dict(costs(rows, options.folder)) for rows in options.rows}
    head = ["stage"]
    for rows in results:
        head += [f"{rows / 1e6:g} M rows, s", "MiB"]
    table = []
    for stage in max(results.values(), key=len):
        table.append([stage])
        for result in results.values():
            seconds, memory = result.get(stage, (None, None))
            table[-1] += ["–", "–"] if seconds is None else [f"{seconds:.1f}", f"{memory:,.0f}"]
    print(markdown_table(head, table))
    for rows, result in results.items():
        if "pandas" in result:
            ratio = (result["split"][0] + result["scale"][0]) / result["pandas"][0]
            print(f"\n{rows:,} rows: split and scale take {ratio:.2f} times as long as pandas")


if __name__ == "__main__":
    main()
