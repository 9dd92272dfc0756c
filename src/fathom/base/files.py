"""Files that are whole or not there: written beside their place, then renamed into it."""

import json
import os
import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from pyarrow.types import is_floating, is_int64

from fathom.base.errors import FathomError

ROW_GROUP = 65_536  # rows of a table that lie together on disk
BLOCK = 4 * ROW_GROUP  # rows of a large table in memory at once

RowNumbers = range | NDArray[np.int64]  # that follow one another, or any by their numbers


@contextmanager
def atomic_write(path: Path) -> Iterator[Path]:
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
    with atomic_write(path) as beside:
        beside.write_text(text, encoding="utf-8")


def write_json(path: Path, value: Any) -> None:
    """Write a value as JSON that people can read and Git can compare line by line."""
    write_text(path, json.dumps(value, indent=2, allow_nan=False) + "\n")


@contextmanager
def stage_output(path: Path, made_by: str) -> Iterator[Path]:
    """Say which stage makes a file that is missing or damaged."""
    if not path.exists():
        raise FathomError(f"{path} is missing: make it with `dvc repro {made_by}`")
    try:
        yield path
    except (EOFError, ValueError, zipfile.BadZipFile) as error:
        raise FathomError(
            f"{path} is damaged: delete it and make it anew with `dvc repro {made_by}`"
        ) from error


class TableWriter:
    """Writes a Parquet file block by block, in row groups of one size."""

    def __init__(self, path: Path) -> None:
        self.path, self.groups = path, 0
        self.writer: pyarrow.parquet.ParquetWriter | None = None
        self.waiting = pa.table({})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self.writer is not None:
            if self.waiting.num_rows or not self.groups:
                self.writer.write_table(self.waiting)
            self.writer.close()

    def write(self, table: pd.DataFrame) -> None:
        """Add rows, with the columns and types of the first ones."""
        rows = pa.Table.from_pandas(table, preserve_index=False)
        if self.writer is None:
            # To look for repetitions where there are hardly any would be wasted time.
            counts = [field.name for field in rows.schema if is_int64(field.type)]
            numbers = [field.name for field in rows.schema if is_floating(field.type)]
            self.writer = pyarrow.parquet.ParquetWriter(
                self.path,
                rows.schema,
                use_dictionary=[n for n in rows.schema.names if n not in [*counts, *numbers]],
                column_encoding=dict.fromkeys(counts, "DELTA_BINARY_PACKED"),
            )
        else:
            rows = pa.concat_tables([self.waiting, rows.cast(self.waiting.schema)])
        full = rows.num_rows // ROW_GROUP * ROW_GROUP
        if full:
            self.writer.write_table(rows.slice(0, full), ROW_GROUP)
            self.groups += full // ROW_GROUP
        self.waiting = rows.slice(full)


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a Parquet file that can be read piece by piece."""
    with TableWriter(path) as writer:
        writer.write(table)


def read_json(path: Path, made_by: str) -> Any:
    with stage_output(path, made_by):
        return json.loads(path.read_text(encoding="utf-8"))


def read_table(
    path: Path, made_by: str, columns: list[str] | None = None, rows: RowNumbers | None = None
) -> pd.DataFrame:
    """Read a Parquet file, or some columns of it, or some rows.

    For some rows no more is read than the row groups that hold them, one at a time if they do not
    follow one another.
    """
    with stage_output(path, made_by), path.open("rb") as file:
        if rows is None:
            return pd.read_parquet(file, columns=columns)
        parquet = by_piece(file)
        groups = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
        starts = np.cumsum([0, *groups])
        if not isinstance(rows, range):
            return rows_of_groups(parquet, starts, rows, columns)
        first, last = np.searchsorted(starts, [rows.start, rows.stop - 1], side="right") - 1
        table = parquet.read_row_groups(list(range(first, last + 1)), columns).to_pandas()
        chosen: pd.DataFrame = table.iloc[rows.start - starts[first] : rows.stop - starts[first]]
        return chosen.reset_index(drop=True)


def rows_of_groups(
    parquet: pyarrow.parquet.ParquetFile,
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: list[str] | None,
) -> pd.DataFrame:
    """Read rows by their numbers, in the order of these.

    Args:
        starts: the first row of each row group, and how many rows there are in all.
    """
    order = np.argsort(rows, kind="stable")
    ends = np.searchsorted(rows, starts, sorter=order)
    found = [
        parquet.read_row_group(group, columns).take(rows[order[first:end]] - starts[group])
        for group, (first, end) in enumerate(pairwise(ends))
        if first < end
    ]
    table: pd.DataFrame = pa.concat_tables(found).to_pandas()
    return table.set_axis(order).sort_index().reset_index(drop=True)


def count_rows(path: Path, made_by: str) -> int:
    """Return how many rows a Parquet file has."""
    with stage_output(path, made_by):
        return int(pyarrow.parquet.read_metadata(path).num_rows)


def by_piece(file: IO[bytes]) -> pyarrow.parquet.ParquetFile:
    """Open a Parquet file without what pyarrow else does: keep all that it has read."""
    return pyarrow.parquet.ParquetFile(file, pre_buffer=False)


def read_blocks(
    path: Path, made_by: str, columns: list[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Read a Parquet file or some columns of it block by block, with an index that goes on."""
    with stage_output(path, made_by), path.open("rb") as file:
        first = 0
        for batch in by_piece(file).iter_batches(BLOCK, columns=columns):
            block = batch.to_pandas()
            block.index = pd.RangeIndex(first, first + len(block))
            first += len(block)
            yield block


def read_types(path: Path, made_by: str) -> dict[str, Any]:
    """Return pandas' types of the columns of a Parquet file."""
    with stage_output(path, made_by):
        table = pyarrow.parquet.read_schema(path).empty_table().to_pandas()
        return {str(name): kind for name, kind in table.dtypes.items()}


def read_array(path: Path, made_by: str) -> NDArray[Any]:
    """Read a NumPy array; what is not used of it stays on disk."""
    with stage_output(path, made_by):
        array: NDArray[Any] = np.load(path, mmap_mode="r")
        return array
