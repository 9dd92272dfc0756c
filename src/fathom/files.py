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
import pyarrow.parquet
from numpy.typing import NDArray

from fathom.errors import FathomError

ROW_GROUP = 65_536  # rows of a table that lie together on disk


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


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet file that can be read piece by piece."""
    table.to_parquet(path, index=False, row_group_size=ROW_GROUP)


def read_json(path: Path, made_by: str) -> Any:
    with reading(path, made_by):
        return json.loads(path.read_text(encoding="utf-8"))


def read_table(
    path: Path, made_by: str, columns: list[str] | None = None, rows: range | None = None
) -> pd.DataFrame:
    """Read a Parquet file, or some columns of it, or some rows that follow one another.

    For some rows no more is read than the row groups that hold them.
    """
    with reading(path, made_by), path.open("rb") as file:
        if rows is None:
            return pd.read_parquet(file, columns=columns)
        parquet = pyarrow.parquet.ParquetFile(file)
        groups = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
        ends = np.cumsum(groups)
        first, last = np.searchsorted(ends, [rows.start, rows.stop - 1], side="right")
        table = parquet.read_row_groups(list(range(first, last + 1)), columns).to_pandas()
        skipped = ends[first] - groups[first]
        chosen: pd.DataFrame = table.iloc[rows.start - skipped : rows.stop - skipped]
        return chosen.reset_index(drop=True)


def read_array(path: Path, made_by: str) -> NDArray[Any]:
    """Read a NumPy array; what is not used of it stays on disk."""
    with reading(path, made_by):
        array: NDArray[Any] = np.load(path, mmap_mode="r")
        return array
