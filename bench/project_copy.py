"""Copies of the project, commands that run in them, and tables of their results."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = os.environ | {
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    "TF_CPP_MIN_LOG_LEVEL": "3",
}


def run(folder: Path, *command: str, **variables: str) -> tuple[float, str]:
    """Run a command in a folder; return its seconds and what it printed."""
    started = time.perf_counter()
    process = subprocess.run(
        command, cwd=folder, env=ENVIRONMENT | variables, capture_output=True, text=True
    )
    seconds = time.perf_counter() - started
    if process.returncode != 0:
        sys.exit(f"{' '.join(command)}:\n{process.stdout}\n{process.stderr}")
    return seconds, process.stdout


def copy_project(folder: Path) -> None:
    """Copy all files that Git does not ignore, with their uncommitted changes, and commit them."""
    _, files = run(ROOT, "git", "ls-files", "-co", "--exclude-standard")
    for name in files.splitlines():
        if (ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, folder / name)
    run(folder, "git", "init", "-q")
    run(folder, "git", "add", "-A")
    author = ("-c", "user.name=bench", "-c", "user.email=bench@example.com")
    run(folder, "git", *author, "commit", "-q", "-m", "the project as it is here")


def copy_scaled_project(folder: Path, dataset: str, experiment: str = "none") -> None:
    """Copy the project, and run the pipeline up to the stage `scale` of a data set."""
    copy_project(folder)
    params = folder / "params.yaml"
    text = params.read_text(encoding="utf-8")
    params.write_text(text.replace("experiment: none", f"experiment: {experiment}"), "utf-8")
    run(folder, "dvc", "repro", f"scale@{dataset}")


def markdown_table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    return "\n".join([markdown_row(head), "|---" * len(head) + "|", *map(markdown_row, rows)])


def markdown_row(cells: Sequence[object]) -> str:
    return f"| {' | '.join(map(str, cells))} |"
