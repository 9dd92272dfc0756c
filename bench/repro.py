"""Times `fathom repro` from nothing, and its trainings as plain Keras scripts:

python bench/repro.py

In a copy of the project, with its uncommitted changes but without a cache and outputs, the pipeline
runs up to the metrics, and then its rest: baselines, comparison, explanations and report. Then
`plain_keras.py` does the former for each data set and network. Prints Markdown.
"""

import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from project_copy import copy_project, markdown_table, run


def run_plain_keras(folder: Path, dataset: str, model: str) -> dict[str, Any]:
    """Return the seconds of a script; `total` excludes those of composing the settings."""
    script = (sys.executable, "bench/plain_keras.py", dataset, model)
    total, printed = run(folder, *script, PYTHONPATH="src")
    seconds: dict[str, Any] = json.loads(printed)
    return seconds | {"total": total - seconds["settings"]}


def rows(
    repro: float, rest: float, training: float, scripts: dict[str, dict[str, Any]]
) -> Iterator[list[str]]:
    for name, seconds in scripts.items():
        trainings = " + ".join(f"{each:.1f}" for each in seconds["trainings"])
        cells = [f"{seconds[key]:.1f}" for key in ("total", "imports")]
        yield [f"script, {name}", *cells, trainings]
    total = sum(seconds["total"] for seconds in scripts.values())
    yield ["all scripts", f"{total:.1f}", "", ""]
    yield ["`fathom repro evaluate` from nothing", f"{repro:.1f}", "", f"{training:.1f}"]
    yield ["`fathom repro` of the rest", f"{rest:.1f}", "", ""]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        folder = Path(temporary)
        copy_project(folder)
        repro, _ = run(folder, "fathom", "repro", "evaluate")
        rest, _ = run(folder, "fathom", "repro")
        logs = folder.glob("logs/trainings/*/*.json")
        training = sum(json.loads(file.read_text())["seconds"] for file in logs)
        params = yaml.safe_load((folder / "params.yaml").read_text())
        scripts = {
            f"{dataset} {model}": run_plain_keras(folder, dataset, model)
            for dataset in params["datasets"]
            for model in params["models"]
        }
    print(f"{os.cpu_count()} cores.\n")
    head = ("", "s", "of which imports", "of which trainings")
    print(markdown_table(head, rows(repro, rest, training, scripts)))
    total = sum(seconds["total"] for seconds in scripts.values())
    print(f"\n`fathom repro evaluate` / all scripts: {repro / total:.2f}")
    print(f"The whole `fathom repro` / all scripts: {(repro + rest) / total:.2f}")


if __name__ == "__main__":
    main()
