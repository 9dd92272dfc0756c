"""Atomic writes, and readers that name the stage that makes a missing or damaged file."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fathom.base.errors import FathomError


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a file or a folder, which then replaces `path`.

    The old content stays until the new one is complete, and if the block raises an error.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield temporary
        if temporary.is_dir() and path.is_dir():
            shutil.rmtree(path)
        temporary.replace(path)
    finally:
        if temporary.is_dir():
            shutil.rmtree(temporary)
        else:
            temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as indented JSON, which Git can compare line by line."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


@contextmanager
def stage_output(path: Path, made_by: str) -> Iterator[Path]:
    """Yield the path of a stage's output, to be read in the block.

    Raises:
        FathomError: the file is missing, or reading it fails; the line names the stage.
    """
    if not path.exists():
        raise FathomError(f"{path} is missing: make it with `dvc repro {made_by}`")
    try:
        yield path
    except (EOFError, ValueError, zipfile.BadZipFile) as error:
        raise FathomError(
            f"{path} is damaged: delete it and make it again with `dvc repro {made_by}`"
        ) from error


class JsonModel(BaseModel):
    """An object that is kept as JSON, with these keys and no others."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def write(self, path: Path) -> None:
        write_json(path, self.model_dump())

    @classmethod
    def read_file(cls, path: Path, made_by: str) -> Self:
        """Read a file that a stage writes; raises as `stage_output`."""
        with stage_output(path, made_by):
            return cls.model_validate_json(path.read_text(encoding="utf-8"))


def read_json(path: Path, made_by: str) -> Any:
    with stage_output(path, made_by):
        return json.loads(path.read_text(encoding="utf-8"))


def read_array(path: Path, made_by: str) -> NDArray[Any]:
    """Open a NumPy array that stays on disk: only the parts in use are read."""
    with stage_output(path, made_by):
        array: NDArray[Any] = np.load(path, mmap_mode="r")
        return array
