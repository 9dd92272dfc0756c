"""Compares networks with gradient boosting on tables that nobody prepared:

python bench/tables.py [--folder FOLDER] [--only TABLE...] [--set SETTING=VALUE...]

Each table of the folder goes through `fathom new-dataset --yes` in a copy of the project; the
embedded data sets have the project's settings. A file `targets.json` in the folder names the target
of each table: {"abalone": "rings"}. Prints metrics on validation rows, and what differs from the
last run; writes the metrics, on test rows, too, to `bench/tables.json`, and `docs/tables.md`.
Boosting is read from a cache if data, versions and settings are the same. With other seeds, models
or settings, or without boosting, only the file that `--json` names is written.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
from project_copy import ENVIRONMENT, ROOT, copy_project, markdown_table
from table_report import report
from table_results import Entry, differences, make_entry

from fathom.base.environment import cache_folder
from fathom.base.files import write_json, write_text
from fathom.download.own_files import file_suffix
from fathom.new_dataset.new_dataset import name_of

EMBEDDED = ("diabetes", "bike", "california_housing", "adult_census")
FOLDER, TARGETS = ROOT.parent / "shared/tables", ROOT / "bench/targets.json"
RESULTS = ROOT / "bench/tables.json"
SEEDS, MODELS = [42, 43, 44], ["mlp", "selu", "wide_deep"]


def find_tables(folder: Path, taken: Iterable[str]) -> dict[str, tuple[Path, str]]:
    """Return the files of a folder and their targets by the names of the tables, small ones first.

    The keys of `targets.json` are names of files, with or without their endings. `taken` are names
    of other data sets.
    """
    file = folder / "targets.json"
    targets = json.loads((file if file.exists() else TARGETS).read_text())
    tables: dict[str, tuple[Path, str]] = {}
    for path in sorted(folder.glob("*.csv*"), key=lambda path: (path.stat().st_size, path.name)):
        stem = path.name[: -len(file_suffix(path))]
        target = targets.get(path.name, targets.get(stem))
        if target is None:
            print(f"{path}: skipped, since targets.json has no target of it", file=sys.stderr)
            continue
        name = name_of(path)
        while name in tables or name in taken:
            name += "_file"
        tables[name] = path, target
    return tables


def add_table(project: Path, name: str, file: Path, target: str) -> bool:
    """Add a table to a project by `fathom new-dataset`."""
    options = ["--target", target, "--name", name, "--yes"]
    command = [sys.executable, "-m", "fathom", "new-dataset", str(file.resolve()), *options]
    return run_quietly(project, command, subprocess.DEVNULL)


def run_quietly(project: Path, command: list[str], stdout: int | None = None) -> bool:
    python_path = os.pathsep.join(["src", *filter(None, [os.environ.get("PYTHONPATH")])])
    environment = ENVIRONMENT | {"PYTHONPATH": python_path}
    done = subprocess.run(command, cwd=project, env=environment, stdout=stdout, check=False)
    return done.returncode == 0


def measure(project: Path, table: str, options: argparse.Namespace) -> Entry | None:
    """Train and compare all competitors on a table; return None if that fails."""
    folder = project / "bench/results"
    command = [sys.executable, "bench/table_runs.py", str(folder), table]
    command += ["--seeds", *map(str, options.seeds), "--models", *options.models]
    command += ["--set", *options.set]
    if not options.no_boosting:
        command += ["--cache", str(options.cache.resolve())]
    if not run_quietly(project, command):
        return None
    splits = {}
    for seed in options.seeds:
        description = json.loads((folder / table / f"{seed}.json").read_text())
        splits[seed] = description, pd.read_parquet(folder / table / f"{seed}.parquet")
    return make_entry(splits)


def measure_all(options: argparse.Namespace) -> Iterator[tuple[str, Entry | None]]:
    """Yield the entry of each table, or None for one that fails."""
    tables = find_tables(options.folder, [path.stem for path in ROOT.glob("conf/dataset/*.yaml")])
    if not tables:
        print(f"{options.folder}: no tables, only the embedded data sets", file=sys.stderr)
    names = [*tables, *EMBEDDED]
    for name in options.only or ():
        if name not in names:
            sys.exit(f"--only {name}: there is no such table; there are: {', '.join(names)}")
    with tempfile.TemporaryDirectory(prefix="fathom-bench-") as temporary:
        project = Path(temporary)
        copy_project(project)
        for name in names:
            if name in (options.only or names):
                ready = name not in tables or add_table(project, name, *tables[name])
                yield name, measure(project, name, options) if ready else None


def read_results(file: Path) -> dict[str, Entry]:
    return dict(json.loads(file.read_text())) if file.exists() else {}


def parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--folder", type=Path, default=FOLDER)
    parser.add_argument("--only", nargs="+", metavar="TABLE")
    parser.add_argument("--seeds", type=int, nargs="+", default=SEEDS, help="of the split")
    parser.add_argument("--models", nargs="*", default=MODELS)
    parser.add_argument(
        "--set", nargs="+", default=[], metavar="SETTING=VALUE", help="of the networks"
    )
    parser.add_argument("--no-boosting", action="store_true")
    parser.add_argument("--cache", type=Path, default=cache_folder() / "boosting")
    parser.add_argument("--json", type=Path, help="where to write the metrics")
    parser.add_argument("--test", action="store_true", help="print metrics on test rows, too")
    return parser.parse_args()


def main() -> None:
    options = parse_options()
    given: dict[str, Any] = {"seeds": SEEDS, "models": MODELS, "set": [], "no_boosting": False}
    usual = all(getattr(options, name) == value for name, value in given.items())
    output = options.json or (RESULTS if usual else None)
    before = read_results(output) if output and output.exists() else read_results(RESULTS)
    merged = read_results(output) if output else {}
    entries: dict[str, Entry] = {}
    failed: list[str] = []
    for name, entry in measure_all(options):
        if entry is None:
            failed.append(name)
            continue
        entries[name] = merged[name] = entry
        if output:  # a run takes hours
            write_json(output, dict(sorted(merged.items())))
    for subset, label in {"valid": "validation", "test": "test"}.items():
        if subset == "valid" or options.test:
            changes = differences(before, entries, subset)
            print(markdown_table(("table", "competitor", f"{label} before", "now"), changes))
    if usual and output == RESULTS and entries:
        write_text(ROOT / "docs/tables.md", report(dict(sorted(merged.items()))))
    if entries and options.test and not options.no_boosting and options.models:
        print(report(entries))
    if failed:
        sys.exit(f"failed, see above: {', '.join(failed)}")


if __name__ == "__main__":
    main()
