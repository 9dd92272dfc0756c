"""Paths of a new data set in the project, and `dvc add` of its data."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import yaml

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.download.own_files import file_suffix

DVC = Path(".dvc")


@dataclass(frozen=True)
class Placement:
    """Paths of a data set's settings and data. `in_place` data is in `data/own/` already."""

    settings: Path
    data: Path
    in_place: bool

    @property
    def pointer(self) -> Path:
        """Return the file that tells DVC about the data."""
        return self.data.with_name(f"{self.data.name}.dvc")

    @property
    def ignore(self) -> Path:
        return self.data.parent / ".gitignore"


def is_name(text: str) -> bool:
    """Tell whether a text can name a data set. YAML and Hydra must read it as text."""
    return (
        re.fullmatch("[a-z][a-z0-9_]*", text) is not None
        and text not in ("nan", "inf")
        and isinstance(yaml.safe_load(text), str)
    )


def make_name(file: Path) -> str:
    """Make the name of a data set from its file's name."""
    stem = file.name if file.is_dir() else file.name[: -len(file_suffix(file)) or None]
    plain = unicodedata.normalize("NFKD", stem.replace("ß", "ss")).encode("ascii", "ignore")
    name = re.sub("[^a-z0-9]+", "_", plain.decode().lower()).strip("_")
    return name if is_name(name) else f"data_{name}".rstrip("_")


def choose_placement(file: Path, name: str, force: bool) -> Placement:
    """Return the paths of a new data set.

    Raises:
        FathomError: a path exists and `force` is false, or the file contains `data/own/`.
    """
    own, source = paths.OWN.resolve(), file.resolve()
    if own.is_relative_to(source):
        raise FathomError(f"{paths.OWN} lies in {file}: move the data to a folder of its own")
    settings = paths.CONF / "dataset" / f"{name}.yaml"
    if source.is_relative_to(own):
        placement = Placement(settings, source.relative_to(Path.cwd().resolve()), True)
        new = [settings]
    else:
        suffix = "" if file.is_dir() else file_suffix(file)
        placement = Placement(settings, paths.OWN / f"{name}{suffix}", False)
        new = [settings, placement.data, placement.pointer]
    for path in new:
        if path.exists() and not force:
            raise FathomError(
                f"{path} exists already: choose another --name, or replace it with --force"
            )
    return placement


@contextmanager
def track(file: Path, placement: Placement) -> Iterator[None]:
    """Have DVC copy a file or folder to its place and track it. Undo that if the block raises.

    Raises:
        FathomError: `dvc add` fails.
    """
    data, pointer, in_place = placement.data, placement.pointer, placement.in_place
    before = {p: p.read_bytes() if p.exists() else None for p in (pointer, placement.ignore)}
    (DVC / "tmp").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DVC / "tmp") as folder:
        old = Path(folder, data.name)
        try:
            if not in_place:  # `dvc add --force --out` of a folder would copy it into the old one
                paths.OWN.mkdir(parents=True, exist_ok=True)
                pointer.unlink(missing_ok=True)
                if data.exists():
                    shutil.move(data, old)
            dvc_add(file.resolve(), None if in_place else data)
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


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
