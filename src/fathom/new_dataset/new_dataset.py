"""`fathom new-dataset`: adds a user's file to the project as a data set."""

import shlex
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
from omegaconf import OmegaConf
from omegaconf.errors import OmegaConfBaseException
from pydantic import ValidationError

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import remove, write_text
from fathom.download.own_files import file_suffix, path_in_own, pointer
from fathom.download.parquet_files import is_parquet
from fathom.download.table_files import Part, check_part
from fathom.messages.dvc import require_dvc
from fathom.messages.git import git_problem
from fathom.new_dataset.column_guess import Check
from fathom.new_dataset.dataset_file import Arguments
from fathom.new_dataset.describe_images import describe_images
from fathom.new_dataset.describe_table import describe_table
from fathom.new_dataset.printing import printable
from fathom.settings.compose import one_line
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.fields import Task
from fathom.settings.file_names import make_name

DVC = Path(".dvc")


@dataclass(frozen=True)
class Options:
    """Options of the command.

    `header` tells whether a CSV file has one, or is None. `sheet`, `table` and `query` name a part
    of the file.
    """

    target: str | None = None
    task: Task | None = None
    name: str | None = None
    header: bool | None = None
    force: bool = False
    yes: bool = False
    strict: bool = False
    sheet: str | None = None
    table: str | None = None
    query: str | None = None

    @property
    def part(self) -> Part:
        return Part(self.sheet, self.table, self.query)


def new_dataset(
    file: Path, options: Options, snapshot: Arguments | None = None, next_steps: bool = True
) -> None:
    """Describe a file, track it with DVC in `data/own/`, and write its settings, or change nothing.

    For a table without a target, the program prints the columns and ends with status 2. `snapshot`
    has arguments of the source if the file is the result of a query of a database. `next_steps`
    prints how to train on it.

    Raises:
        FathomError: no network can be trained on the file, it cannot be added, or there is
            something to check and the user does not accept it.
    """
    for path in (paths.CONF / "config.yaml", paths.PARAMS, DVC / "config"):
        if not path.is_file():
            raise FathomError(
                f"there is no {path} in {Path.cwd()}: run this in the project's folder"
            )
    require_dvc()
    part = Part() if snapshot else options.part
    check_part(file, file_suffix(file), part)
    name = options.name or name_of(file)
    settings, data = choose_paths(file, name, options.force)
    if has_images(file):
        refuse_table_options(options)
        text, checks = describe_images(file, name, data, options.target), list[Check]()
    else:
        given = snapshot or {key: (value, "") for key, value in vars(part).items() if value}
        text, checks = describe_table(
            file, name, data, options.target, options.task, options.header, part, given
        )
    check_settings(text, name)
    print_checks(checks)
    if checks:
        accept(settings, options)
    with track(file, data):
        write_text(settings, text)
    print(f"wrote {settings}; DVC tracks {data.as_posix()}")
    for old in other_data(name, data) if path_in_own(file) != data else []:
        untrack(old)
        print(f"removed {old.as_posix()}, which it replaces")
    if next_steps:
        print_next_steps(name, [settings, pointer(data), data.parent / ".gitignore"])


def has_images(file: Path) -> bool:
    """Tell whether a file or a folder has images, not tables."""
    if file.is_dir():
        return not any(map(is_parquet, file.rglob("*")))
    return file.suffix.lower() == ".npz"


def refuse_table_options(options: Options) -> None:
    for option, given in {
        "--task regression": options.task == "regression",
        "--header": options.header is True,
        "--no-header": options.header is False,
    }.items():
        if given:
            raise FathomError(f"{option} is for tables: images have classes")


def print_checks(checks: list[Check]) -> None:
    """Print each ambiguity with its evidence and the line that changes it."""
    if checks:
        print("please check:")
    for check in checks:
        print(f"  {printable(check.column)}: {printable(check.evidence)}")
        print(f"    to change it: {check.change}")


def accept(settings: Path, options: Options) -> None:
    """Raise a FathomError if the user does not accept what there is to check."""
    if options.strict:
        raise FathomError(
            "--strict: please check the list above; nothing is written. Without --strict it is "
            f"written into {settings}, where you can change it"
        )
    if options.yes or not is_terminal():
        return
    if not click.confirm(f"write {settings}, where you can change it?", default=True):
        raise FathomError("nothing is written")


def is_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def print_next_steps(name: str, new: list[Path]) -> None:
    if git_problem():  # experiments need a commit
        print(f"next, check that file, set `datasets: [{name}]` in {paths.PARAMS} and train:")
        print("  fathom repro")
        return
    run = f"-S 'datasets=[{name}]'"
    print("next, check that file and train all networks:")
    print(f"  dvc exp run {run}")
    print("or train in a copy, which keeps the outputs of other data sets:")
    print(f"  git add {shlex.join(path.as_posix() for path in new)}")
    print(f"  dvc exp run --temp {run}")


def name_of(file: Path) -> str:
    """Make the name of a data set from its file's name."""
    stem = file.name if file.is_dir() else file.name[: -len(file_suffix(file)) or None]
    return make_name(stem, "data").lower()


def choose_paths(file: Path, name: str, force: bool) -> tuple[Path, Path]:
    """Return the paths of the settings and of the data, which may be in `data/own/` already."""
    if paths.OWN.resolve().is_relative_to(file.resolve()):
        raise FathomError(f"{paths.OWN} lies in {file}: move the data to a folder of its own")
    settings = paths.CONF / "dataset" / f"{name}.yaml"
    new = [settings]
    data = path_in_own(file)
    if data is None:
        data = paths.OWN / f"{name}{'' if file.is_dir() else file_suffix(file)}"
        new += [data, pointer(data)]
    for path in new:
        if path.exists() and not force:
            raise FathomError(
                f"{path} exists already: choose another --name, or replace it with --force"
            )
    return settings, data


def other_data(name: str, data: Path) -> list[Path]:
    """Return what a data set of this name had before, with another suffix."""
    tracked = (file.with_suffix("") for file in paths.OWN.glob("*.dvc"))
    return [old for old in tracked if old != data and old.name == f"{name}{file_suffix(old)}"]


def untrack(data: Path) -> None:
    """Delete data that DVC tracks, and have DVC forget it. Its cache keeps the content."""
    remove(data)
    ignored = data.parent / ".gitignore"
    if ignored.exists():
        lines = ignored.read_text(encoding="utf-8").splitlines(keepends=True)
        kept = [line for line in lines if line.strip() != f"/{data.name}"]
        write_text(ignored, "".join(kept))
    pointer(data).unlink()


def check_settings(text: str, name: str) -> None:
    """Refuse what OmegaConf cannot hold, such as a column called ???."""
    try:
        tree: Any = OmegaConf.to_container(
            OmegaConf.create(text), resolve=True, throw_on_missing=True
        )
        DatasetSettings.model_validate(tree["dataset"] | {"name": name})
    except (OmegaConfBaseException, ValidationError) as error:
        raise FathomError(
            f"settings cannot hold the name or a value of a column, rename it: {one_line(error)}"
        ) from error


@contextmanager
def track(file: Path, data: Path) -> Iterator[None]:
    """Have DVC copy a file or folder to its place and track it. Undo that if the block raises."""
    in_place = path_in_own(file) == data
    files = (pointer(data), data.parent / ".gitignore")
    before = {path: path.read_bytes() if path.exists() else None for path in files}
    (DVC / "tmp").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DVC / "tmp") as folder:
        old = Path(folder, data.name)
        try:
            if not in_place:  # `dvc add --force --out` of a folder would copy it into the old one
                paths.OWN.mkdir(parents=True, exist_ok=True)
                pointer(data).unlink(missing_ok=True)
                if data.exists():
                    shutil.move(data, old)
            if in_place:
                dvc_add(data, None)
            else:
                dvc_add(file.resolve(), data)
            yield
        except BaseException:
            if not in_place:
                remove(data)
                if old.exists():
                    shutil.move(old, data)
            for path, content in before.items():
                path.unlink(missing_ok=True)
                if content is not None:
                    path.write_bytes(content)
            raise


def dvc_add(file: Path, out: Path | None) -> None:
    command = [sys.executable, "-m", "dvc", "add", *(["--out", str(out)] if out else []), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        error = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise FathomError(f"dvc add {file.name}: {error.removeprefix('ERROR: ').rstrip('.')}")
