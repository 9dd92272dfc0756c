"""Times DVC when there is nothing to do:

python bench/idle.py [--runs 5] [--project FOLDER]

Compares this project with one that has as many stages, each with one dep and one output. FOLDER is
a copy in which `dvc repro` has run; without it, one is built with small settings, which takes
minutes. The runs are interleaved. Prints Markdown: the lowest and the highest seconds of processor
time, which other processes hardly change, and of the clock.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import yaml
from project_copy import ENVIRONMENT, ROOT, copy_project, markdown_table, run

COMMANDS = (("dvc", "repro"), ("dvc", "status"), ("make", "repro"))
SMALL = {"epochs": 1, "repeats": 1}

Seconds = tuple[float, float]  # of processor time, and of the clock


def build_project(folder: Path) -> None:
    copy_project(folder)
    file = folder / "params.yaml"
    params = yaml.safe_load(file.read_text(encoding="utf-8"))
    params["train"] |= SMALL
    file.write_text(yaml.safe_dump(params), encoding="utf-8")
    (folder / ".venv").symlink_to(ROOT / ".venv")
    for name in ("Makefile", "requirements.txt"):
        os.utime(folder / name, (0, 0))  # older than .venv: make installs nothing
    run(folder, "dvc", "repro")


def build_plain_project(folder: Path, stages: int) -> None:
    """Make a project whose stages copy one file each."""
    folder.mkdir()
    run(folder, "git", "init", "-q")
    run(folder, "dvc", "init", "-q")
    copies = {}
    for number in range(stages):
        source, copy = f"in-{number}", f"out-{number}"
        (folder / source).write_text(source, encoding="utf-8")
        copies[source] = {"cmd": f"cp {source} {copy}", "deps": [source], "outs": [copy]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": copies}), encoding="utf-8")
    run(folder, "dvc", "repro")


def measure(folder: Path, command: tuple[str, ...]) -> Seconds:
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=folder, env=ENVIRONMENT, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        sys.exit(f"{' '.join(command)}: exit status {process.returncode}")
    return usage.ru_utime + usage.ru_stime, time.perf_counter() - started


def span(values: list[float]) -> str:
    return f"{min(values):.2f}-{max(values):.2f}"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--project", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        project: Path = options.project or Path(temporary, "project")
        if options.project is None:
            project.mkdir()
            build_project(project)
        lock = yaml.safe_load((project / "dvc.lock").read_text(encoding="utf-8"))
        plain, count = Path(temporary, "plain"), len(lock["stages"])
        build_plain_project(plain, count)
        cases = [(f"{' '.join(each)}, project", project, each) for each in COMMANDS]
        cases += [(f"{' '.join(each)}, plain", plain, each) for each in COMMANDS if "dvc" in each]
        seconds: dict[str, list[Seconds]] = {name: [] for name, _, _ in cases}
        for _ in range(options.runs):
            for name, folder, command in cases:
                seconds[name].append(measure(folder, command))
    print(f"{count} stages, {options.runs} runs:\n")
    rows = [[name, *map(span, map(list, zip(*of, strict=True)))] for name, of in seconds.items()]
    print(markdown_table(("command", "processor, s", "clock, s"), rows))
    for name in ("dvc repro", "dvc status"):
        of_project, of_plain = (min(seconds[f"{name}, {of}"]) for of in ("project", "plain"))
        print(f"\n`{name}`: {of_project[0] / of_plain[0]:.2f} times the plain project's time")


if __name__ == "__main__":
    main()
