"""Measures the processor time of every stage: imports, settings, and its own work.

python bench/stage_costs.py FOLDER [--dataset california_housing] [--model mlp] [--runs 3]

FOLDER is a copy of the project in which `dvc repro` has run; the stages write their outputs again.
Prints Markdown: the lowest seconds of some runs, and the most memory in MiB.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from project_copy import ENVIRONMENT, markdown_table

OF_DATASETS = ("download", "split", "check", "scale", "baseline", "compare", "explain")
OF_NETWORKS = ("train", "evaluate", "export")
OF_ALL = ("report", "gate")
# Runs a script, or composes settings, and writes the seconds of all imports to a file.
TIME_IMPORTS = """
import atexit, builtins, runpy, sys, time
run_import, depth, seconds = builtins.__import__, 0, 0.0
def timed_import(*arguments, **named):
    global depth, seconds
    started, depth = time.process_time(), depth + 1
    try:
        return run_import(*arguments, **named)
    finally:
        depth -= 1
        seconds += 0 if depth else time.process_time() - started
def write():
    with open(file, "w") as output:
        output.write(str(seconds))
builtins.__import__ = timed_import
atexit.register(write)
_, file, script, *overrides = sys.argv
sys.argv = [script, *overrides]
sys.path.insert(0, "src")
if script == "settings":
    from fathom.settings.compose import compose
    from fathom.settings.config import NetworkConfig
    compose(overrides, NetworkConfig)
else:
    runpy.run_path(script, run_name="__main__")
"""
MIB = 2**20 if sys.platform == "darwin" else 2**10  # per unit of ru_maxrss

Cost = tuple[float, float, float]  # seconds of processor time, of which imports; MiB


def measure(folder: Path, *arguments: str) -> Cost:
    with tempfile.NamedTemporaryFile() as imports:
        command = [sys.executable, "-c", TIME_IMPORTS, imports.name, *arguments]
        output = subprocess.DEVNULL
        process = subprocess.Popen(
            command, cwd=folder, env=ENVIRONMENT, stdout=output, stderr=output
        )
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            sys.exit(f"{' '.join(arguments)}: exit status {process.returncode}")
        seconds = usage.ru_utime + usage.ru_stime
        return seconds, float(Path(imports.name).read_text()), usage.ru_maxrss / MIB


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--dataset", default="california_housing")
    parser.add_argument("--model", default="mlp")
    parser.add_argument("--runs", type=int, default=3)
    options = parser.parse_args()
    of_dataset = [f"dataset={options.dataset}"]
    of_network = [*of_dataset, f"model={options.model}"]
    overrides = dict.fromkeys(OF_DATASETS, of_dataset) | dict.fromkeys(OF_NETWORKS, of_network)

    def cost(script: str, *arguments: str) -> Cost:
        return min(measure(options.folder, script, *arguments) for _ in range(options.runs))

    total, imports, _ = cost("settings", *of_network)
    settings = total - imports
    rows = []
    for stage in (*OF_DATASETS, *OF_NETWORKS, *OF_ALL):
        total, imports, memory = cost(f"src/{stage}.py", *overrides.get(stage, []))
        work = max(total - imports - settings, 0)
        seconds = [f"{value:.1f}" for value in (imports, settings, work)]
        rows.append([stage, *seconds, f"{memory:,.0f}"])
    print(markdown_table(("stage", "imports, s", "settings, s", "work, s", "MiB"), rows))


if __name__ == "__main__":
    main()
