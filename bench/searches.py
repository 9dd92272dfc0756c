"""Copies of the project in which `fathom search` is timed, and what it found there."""

import json
import shutil
import sys
from pathlib import Path
from typing import Any

from repro import copy_project, run

# The best trial alone is predicted with: what comes after a search is not searching.
ALONE = ("ensemble=1", "experiments=0")


def prepare_copy(folder: Path, dataset: str, experiment: str = "none") -> None:
    """Copy the project as it lies here, and have the pipeline make the data set's parts by the
    settings of an experiment.
    """
    copy_project(folder)
    params = folder / "params.yaml"
    text = params.read_text(encoding="utf-8")
    params.write_text(text.replace("experiment: none", f"experiment: {experiment}"), "utf-8")
    run(folder, "dvc", "repro", f"scale@{dataset}")


def search(folder: Path, *settings: str) -> tuple[float, int, dict[str, Any]]:
    """Search from nothing by `fathom search`.

    Returns:
        Its seconds, from the start of the process to its end; how many programs it compiled; what
        it wrote to `searches/`.
    """
    for made in ("studies", "searches"):
        shutil.rmtree(folder / made, ignore_errors=True)
    script = (sys.executable, "bench/counted_search.py")
    seconds, printed = run(folder, *script, "search", *settings, *ALONE, PYTHONPATH="src")
    (file,) = folder.glob("searches/*/*.json")
    return seconds, int(printed.split()[-1]), json.loads(file.read_text())
