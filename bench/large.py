"""Time and memory of every stage on tables of millions of rows:

python bench/large.py [--rows 2000000 20000000] [--folder FOLDER]

Makes tables of 9 columns (`large_table.py`), takes each through the whole pipeline in a copy of
the project, a stage a process, and the same rows through `pandas_scale.py`, which splits and scales
them in memory, where they fit. One network is trained for one epoch, with 2 GiB for a stage. Prints
Markdown: seconds and, in MiB, what a stage had in memory at its peak. FOLDER needs some 400 bytes a
row.
"""

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil  # type: ignore[import-untyped]
import yaml
from repro import copy_project

ROOT = Path(__file__).resolve().parent.parent
SIZES = [2_000_000, 20_000_000]
OF_PANDAS = 400  # bytes of memory that it takes for a row
STAGES = (
    "download", "split", "check", "scale", "train", "evaluate", "baseline", "compare", "explain",
    "export", "report",
)  # fmt: skip
OF_NETWORKS = ("train", "evaluate", "export")
SETTINGS = {"memory_limit": 2, "datasets": ["large"], "models": ["mlp"]}
TRAIN = {"epochs": 1, "batch_size": 4096, "repeats": 1, "schedule": None}
DATASET = """# @package _global_
dataset:
  source:
    _target_: fathom.download.sources.table_file
    file: data/own/large
  task: regression
  target: y
"""

# Its only child is the command, so that children's memory at its peak is the command's.
MEASURE = """
import json, resource, subprocess, sys, time
began = time.perf_counter()
code = subprocess.run(sys.argv[1:], stdout=subprocess.DEVNULL).returncode
seconds = time.perf_counter() - began
used = resource.getrusage(resource.RUSAGE_CHILDREN)
print(json.dumps([code, seconds, used.ru_utime + used.ru_stime, used.ru_maxrss]))
"""
MIB = 2**20 if sys.platform == "darwin" else 2**10  # in what ru_maxrss counts


@dataclass(frozen=True)
class Cost:
    """What a process took: seconds, those of all its cores together, and MiB at its peak."""

    seconds: float
    cpu: float
    memory: float


def measured(folder: Path, *command: str) -> Cost:
    """Run a command in a folder."""
    environment = os.environ | {"PYTHONPATH": "src", "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        [sys.executable, "-c", MEASURE, sys.executable, *command],
        cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    code, seconds, cpu, memory = json.loads(done.stdout)
    if code:
        raise SystemExit(f"{' '.join(command)}: exit status {code}")
    return Cost(seconds, cpu, memory / MIB)


def costs(rows: int, within: Path) -> dict[str, Cost]:
    """Return what each stage takes for so many rows, and what pandas takes."""
    with tempfile.TemporaryDirectory(dir=within) as folder:
        project = Path(folder, "project")
        copy_project(project)
        own = project / "data/own/large"
        subprocess.run(
            [sys.executable, str(ROOT / "bench/large_table.py"), str(own), str(rows)], check=True
        )
        (project / "conf/dataset/large.yaml").write_text(DATASET, encoding="utf-8")
        params = yaml.safe_load((project / "params.yaml").read_text())
        params |= SETTINGS | {"train": params["train"] | TRAIN}
        (project / "params.yaml").write_text(yaml.safe_dump(params), encoding="utf-8")
        pandas = str(project / "bench/pandas_scale.py")
        found = {}
        if rows * OF_PANDAS < psutil.virtual_memory().available:
            found["pandas"] = measured(project, pandas, str(own), str(project / "pandas"))
            shutil.rmtree(project / "pandas")
        for stage in STAGES:
            chosen = ["dataset=large", *(["model=mlp"] if stage in OF_NETWORKS else [])]
            if stage == "report":
                chosen = []
            found[stage] = measured(project, f"src/{stage}.py", *chosen)
        predict = [
            "-m",
            "fathom",
            "predict",
            "large/mlp",
            str(own / "0.parquet"),
            "-o",
            "out.parquet",
        ]
        found["predict, a tenth"] = measured(project, *predict)
    return found


def shown(cost: Cost | None) -> str:
    return "– | –" if cost is None else f"{cost.seconds:.1f} | {cost.memory:,.0f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=SIZES)
    parser.add_argument("--folder", type=Path)
    arguments = parser.parse_args()
    found = {rows: costs(rows, arguments.folder) for rows in arguments.rows}
    print("| stage |", " | ".join(f"{rows / 1e6:g} M rows, s | MiB" for rows in found), "|")
    print("|---" * (1 + 2 * len(found)) + "|")
    for stage in max(found.values(), key=len):
        each = [shown(of.get(stage)) for of in found.values()]
        print(f"| {stage} |", " | ".join(each), "|")
    for rows, of in found.items():
        if "pandas" not in of:
            continue
        ours = of["split"].seconds + of["scale"].seconds
        ratio = ours / of["pandas"].seconds
        print(f"\n{rows:,} rows: split and scale take {ratio:.2f} times as long as pandas")


if __name__ == "__main__":
    main()
