"""Files that are whole or not there: written beside their place, then renamed into it."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.errors import FathomError


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a path beside `path` to write a file or a folder to; it then takes `path`'s place.

    The old content stays until the new one is complete, and when the block raises.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.stem}.{os.getpid()}.part{path.suffix}")
    try:
        yield beside
        if beside.is_dir() and path.is_dir():
            shutil.rmtree(path)
        beside.replace(path)
    finally:
        if beside.is_dir():
            shutil.rmtree(beside)
        else:
            beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON that people can read and Git can compare line by line."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


@contextmanager
def reading(path: Path, made_by: str) -> Iterator[Path]:
    """Say which stage makes a file that is missing or damaged."""
    if not path.exists():
        raise FathomError(f"{path} is missing: make it with `dvc repro {made_by}`")
    try:
        yield path
    except (EOFError, ValueError, zipfile.BadZipFile) as error:
        raise FathomError(
            f"{path} is damaged: delete it and make it anew with `dvc repro {made_by}`"
        ) from error


def read_json(path: Path, made_by: str) -> Any:
    with reading(path, made_by):
        return json.loads(path.read_text(encoding="utf-8"))


def read_table(path: Path, made_by: str, columns: list[str] | None = None) -> pd.DataFrame:
    """Read a Parquet file, or some columns of it."""
    with reading(path, made_by), path.open("rb") as file:
        return pd.read_parquet(file, columns=columns)


def read_array(path: Path, made_by: str) -> NDArray[Any]:
    """Read a NumPy array; what is not used of it stays on disk."""
    with reading(path, made_by):
        array: NDArray[Any] = np.load(path, mmap_mode="r")
        return array
