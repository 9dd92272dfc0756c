"""Taking a file or a folder of one's own into `data/own/`, where DVC keeps it."""

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

NAME = re.compile("[a-z][a-z0-9_]*")
DVC = Path(".dvc")


@dataclass(frozen=True)
class Place:
    """Where a data set's settings and its data lie in the project."""

    settings: Path
    data: Path

    @property
    def pointer(self) -> Path:
        """Return the file by which DVC knows the data."""
        return self.data.with_name(f"{self.data.name}.dvc")

    @property
    def ignore(self) -> Path:
        return self.data.parent / ".gitignore"


def is_name(text: str) -> bool:
    """Tell names of data sets from what YAML and Hydra take for something else."""
    return (
        NAME.fullmatch(text) is not None
        and text not in ("nan", "inf")
        and isinstance(yaml.safe_load(text), str)
    )


def name_of(file: Path) -> str:
    """Make a name for a data set of its file's."""
    stem = file.name if file.is_dir() else file.name[: -len(file_suffix(file)) or None]
    plain = unicodedata.normalize("NFKD", stem.replace("ß", "ss")).encode("ascii", "ignore")
    name = re.sub("[^a-z0-9]+", "_", plain.decode().lower()).strip("_")
    return name if is_name(name) else f"data_{name}".rstrip("_")


def place_of(file: Path, name: str, force: bool) -> Place:
    """Return where a data set is to lie.

    Raises:
        FathomError: something lies there already that must not be replaced.
    """
    suffix = "" if file.is_dir() else file_suffix(file)
    place = Place(paths.CONF / "dataset" / f"{name}.yaml", paths.OWN / f"{name}{suffix}")
    if paths.OWN.resolve().is_relative_to(file.resolve()):
        raise FathomError(f"{paths.OWN} lies in {file}: name what is to be learned from alone")
    inside = is_kept(file)
    if inside:
        place = Place(place.settings, file.resolve().relative_to(Path.cwd().resolve()))
    taken = [place.settings, *([] if inside else [place.data, place.pointer])]
    for path in taken:
        if path.exists() and not force:
            raise FathomError(
                f"{path} is there already: choose another --name, or replace it with --force"
            )
    return place


def is_kept(file: Path) -> bool:
    """Tell a file that lies in `data/own/` already."""
    return file.resolve().is_relative_to(paths.OWN.resolve())


@contextmanager
def taken_in(file: Path, place: Place) -> Iterator[None]:
    """Have DVC copy a file or folder to its place and keep it; undo that if the block raises.

    Raises:
        FathomError: DVC refuses it.
    """
    inside = is_kept(file)
    before = {p: p.read_bytes() if p.exists() else None for p in (place.pointer, place.ignore)}
    (DVC / "tmp").mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=DVC / "tmp") as folder:
        aside = Path(folder, place.data.name)
        try:
            if not inside:  # `dvc add --force --out` of a folder would go into the old one
                paths.OWN.mkdir(parents=True, exist_ok=True)
                place.pointer.unlink(missing_ok=True)
                if place.data.exists():
                    shutil.move(place.data, aside)
            add(file.resolve(), None if inside else place.data)
            yield
        except BaseException:
            if not inside:
                remove(place.data)
                if aside.exists():
                    shutil.move(aside, place.data)
            for path, content in before.items():
                path.unlink(missing_ok=True)
                if content is not None:
                    path.write_bytes(content)
            raise


def add(file: Path, out: Path | None) -> None:
    """Run `dvc add`."""
    command = [sys.executable, "-m", "dvc", "add", *(["--out", str(out)] if out else []), str(file)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        said = " ".join(done.stderr.split()) or f"exit status {done.returncode}"
        raise FathomError(f"dvc add {file.name}: {said.removeprefix('ERROR: ').rstrip('.')}")


def remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
