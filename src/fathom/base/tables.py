"""Tables in Parquet files, written and read in blocks of rows."""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet
from numpy.typing import NDArray
from pyarrow.types import is_floating, is_int64

from fathom.base.files import stage_output

ROW_GROUP = 65_536  # rows that a Parquet file stores together
BLOCK = 4 * ROW_GROUP  # rows of a large table that are in memory at once

RowNumbers = range | NDArray[np.int64]  # consecutive or any rows


class TableWriter:
    """Writes a Parquet file from blocks of rows, in row groups of one size."""

    def __init__(self, path: Path) -> None:
        self.path, self.groups = path, 0
        self.writer: pyarrow.parquet.ParquetWriter | None = None
        self.rest = pa.table({})

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *raised: object) -> None:
        if self.writer is not None:
            if self.rest.num_rows or not self.groups:
                self.writer.write_table(self.rest)
            self.writer.close()

    def write(self, table: pd.DataFrame) -> None:
        """Add rows. Their columns and types are those of the first block."""
        rows = pa.Table.from_pandas(table, preserve_index=False)
        if self.writer is None:
            # Numbers rarely repeat: a dictionary of them takes time and saves nothing.
            integers = [f.name for f in rows.schema if is_int64(f.type)]
            numbers = [f.name for f in rows.schema if is_floating(f.type)] + integers
            self.writer = pyarrow.parquet.ParquetWriter(
                self.path,
                rows.schema,
                use_dictionary=[name for name in rows.schema.names if name not in numbers],
                column_encoding=dict.fromkeys(integers, "DELTA_BINARY_PACKED"),
            )
        else:
            rows = pa.concat_tables([self.rest, rows.cast(self.rest.schema)])
        full = rows.num_rows // ROW_GROUP * ROW_GROUP
        if full:
            self.writer.write_table(rows.slice(0, full), ROW_GROUP)
            self.groups += full // ROW_GROUP
        self.rest = rows.slice(full)


def write_table(path: Path, table: pd.DataFrame) -> None:
    with TableWriter(path) as writer:
        writer.write(table)


def read_table(
    path: Path, made_by: str, columns: list[str] | None = None, rows: RowNumbers | None = None
) -> pd.DataFrame:
    """Read a Parquet file, or some of its columns or rows.

    For some rows only their row groups are read, one at a time unless the rows are consecutive.
    """
    with stage_output(path, made_by), path.open("rb") as file:
        if rows is None:
            return pd.read_parquet(file, columns=columns)
        parquet = open_parquet(file)
        groups = [parquet.metadata.row_group(i).num_rows for i in range(parquet.num_row_groups)]
        starts = np.cumsum([0, *groups])
        if not isinstance(rows, range):
            return read_rows(parquet, starts, rows, columns)
        first, last = np.searchsorted(starts, [rows.start, rows.stop - 1], side="right") - 1
        table = parquet.read_row_groups(list(range(first, last + 1)), columns).to_pandas()
        chosen: pd.DataFrame = table.iloc[rows.start - starts[first] : rows.stop - starts[first]]
        return chosen.reset_index(drop=True)


def read_rows(
    parquet: pyarrow.parquet.ParquetFile,
    starts: NDArray[np.int64],
    rows: NDArray[np.int64],
    columns: list[str] | None,
) -> pd.DataFrame:
    """Read rows in the given order.

    `starts` are the first row of each row group, and the number of all rows.
    """
    order = np.argsort(rows, kind="stable")
    ends = np.searchsorted(rows, starts, sorter=order)
    blocks = [
        parquet.read_row_group(group, columns).take(rows[order[first:end]] - starts[group])
        for group, (first, end) in enumerate(pairwise(ends))
        if first < end
    ]
    table: pd.DataFrame = pa.concat_tables(blocks).to_pandas()
    return table.set_axis(order).sort_index().reset_index(drop=True)


def count_rows(path: Path, made_by: str) -> int:
    with stage_output(path, made_by):
        return int(pyarrow.parquet.read_metadata(path).num_rows)


def open_parquet(file: IO[bytes]) -> pyarrow.parquet.ParquetFile:
    """Open a Parquet file. pyarrow would keep all row groups that it has read in memory."""
    return pyarrow.parquet.ParquetFile(file, pre_buffer=False)


def read_blocks(
    path: Path, made_by: str, columns: list[str] | None = None
) -> Iterator[pd.DataFrame]:
    """Yield a Parquet file in blocks of rows; the index is that of the whole table."""
    with stage_output(path, made_by), path.open("rb") as file:
        first = 0
        for batch in open_parquet(file).iter_batches(BLOCK, columns=columns):
            block = batch.to_pandas()
            block.index = pd.RangeIndex(first, first + len(block))
            first += len(block)
            yield block


def read_types(path: Path, made_by: str) -> dict[str, Any]:
    """Return the pandas dtype of each column of a Parquet file."""
    with stage_output(path, made_by):
        table = pyarrow.parquet.read_schema(path).empty_table().to_pandas()
        return {str(name): kind for name, kind in table.dtypes.items()}
