"""Atomic writes, and readers that name the stage that makes a missing or damaged file."""

import json
import os
import re
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from fathom.base.errors import FathomError
from fathom.base.system_errors import find_system_error, name_file


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
    """Yield a temporary path for a file or a folder, which then replaces `path`.

    The old content stays until the new one is complete, and if the block raises an error. What
    killed processes have left of such writes is deleted.

    Raises:
        OSError: the system refuses it, for a reason such as a full disk; it names `path`.
    """
    temporary = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    with name_file(path, temporary):
        path.parent.mkdir(parents=True, exist_ok=True)
        for left in find_left(path):
            remove(left)
        try:
            yield temporary
            if temporary.is_dir() and path.is_dir():
                shutil.rmtree(path)
            temporary.replace(path)
        finally:
            remove(temporary)


def find_left(path: Path) -> list[Path]:
    """Return the temporary paths for `path` of processes that do not run any more."""
    form = re.compile(rf"\.{re.escape(path.stem)}\.(\d+)\.part{re.escape(path.suffix)}")
    pids = {file: form.fullmatch(file.name) for file in path.parent.glob(".*.part*")}
    return [file for file, pid in pids.items() if pid and not is_other_process(int(pid[1]))]


def is_other_process(pid: int) -> bool:
    """Tell whether a process other than this one runs under a number."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:  # that of another user
        return True
    return pid != os.getpid()


def remove(path: Path) -> None:
    """Delete a file or a folder, if it is there."""
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with atomic_write(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_array(path: Path, array: NDArray[Any]) -> None:
    """Write an array as `np.save`, whose errors do not say why a write failed."""
    with path.open("wb") as file:
        write: Any = SimpleNamespace(write=file.write)  # with the file, NumPy writes in C
        np.save(write, array)


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
    with name_file(path):
        try:
            yield path
        except (EOFError, ValueError, zipfile.BadZipFile) as error:
            if find_system_error(error):
                raise
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
