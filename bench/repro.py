"""How long `dvc repro` takes from nothing, beside its trainings as plain Keras scripts:

python bench/repro.py

The project as it lies here is copied into a repository of its own, with no cache and nothing
built. There the pipeline runs: first up to the figures, which is what `plain_keras.py` does for
each data set and network, then baselines, comparison, explanations and report, which it leaves
out. Then the scripts run, one after the other. Prints Markdown.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}
GIT = ("git", "-c", "user.name=bench", "-c", "user.email=bench@example.com")


def run(folder: Path, *command: str, **variables: str) -> tuple[float, str]:
    """Run a command in a folder; return its seconds and what it printed."""
    began = time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT | variables, capture_output=True, text=True
    )
    seconds = time.perf_counter() - began
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{done.stdout}\n{done.stderr}")
    return seconds, done.stdout


def copy_project(folder: Path) -> None:
    """Copy what Git knows or would take in of the project, as it lies here."""
    _, files = run(ROOT, "git", "ls-files", "-co", "--exclude-standard")
    for name in files.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run(folder, "git", "init", "-q")
    run(folder, "git", "add", "-A")
    run(folder, *GIT, "commit", "-q", "-m", "as it lies here")


def networks(folder: Path) -> Iterator[tuple[str, str]]:
    """Return each data set with each network."""
    params = yaml.safe_load((folder / "params.yaml").read_text())
    for dataset in params["datasets"]:
        for model in params["models"]:
            yield dataset, model


def plain_keras(folder: Path, dataset: str, model: str) -> dict[str, Any]:
    """Return the seconds of a plain script; `whole` leaves out those for the settings."""
    script = (sys.executable, "bench/plain_keras.py", dataset, model)
    whole, printed = run(folder, *script, PYTHONPATH="src")
    seconds: dict[str, Any] = json.loads(printed)
    return seconds | {"whole": whole - seconds["settings"]}


def table(
    repro: float, rest: float, training: float, scripts: dict[str, dict[str, Any]]
) -> Iterator[str]:
    every = sum(seconds["whole"] for seconds in scripts.values())
    yield f"{os.cpu_count()} cores."
    yield ""
    yield "| | s | of which imports | of which trainings |"
    yield "|---|---|---|---|"
    for name, seconds in scripts.items():
        whole, imports = seconds["whole"], seconds["imports"]
        trainings = " + ".join(f"{each:.1f}" for each in seconds["trainings"])
        yield f"| script, {name} | {whole:.1f} | {imports:.1f} | {trainings} |"
    yield f"| all scripts | {every:.1f} | | |"
    yield f"| `dvc repro evaluate` from nothing | {repro:.1f} | | {training:.1f} |"
    yield f"| `dvc repro` of the rest | {rest:.1f} | | |"
    yield ""
    yield f"`dvc repro evaluate` / all scripts: {repro / every:.2f}"
    yield f"The whole `dvc repro` / all scripts: {(repro + rest) / every:.2f}"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        folder = Path(temporary)
        copy_project(folder)
        repro, _ = run(folder, "dvc", "repro", "evaluate")
        rest, _ = run(folder, "dvc", "repro")
        trained = (json.loads(file.read_text()) for file in folder.glob("models/*/*/run.json"))
        training = sum(run["seconds"] for run in trained)
        scripts = {
            f"{dataset} {model}": plain_keras(folder, dataset, model)
            for dataset, model in networks(folder)
        }
    print("\n".join(table(repro, rest, training, scripts)))


if __name__ == "__main__":
    main()
