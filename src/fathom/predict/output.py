"""Where predictions go: a CSV or Parquet file that is whole or not there, or standard output."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Protocol

import pyarrow as pa
from pyarrow import compute, parquet

from fathom.base.errors import FathomError
from fathom.base.files import atomic_write

STDOUT = Path("-")
SUFFIXES = (".csv", ".parquet")


class Writer(Protocol):
    """Takes one block of rows after another."""

    def write(self, block: pa.Table) -> None: ...


class CsvWriter:
    """Writes CSV with a line of names, quotes where they are needed."""

    def __init__(self, file: IO[str], delimiter: str = ",") -> None:
        self.file, self.begun = file, False
        self.rows = csv.writer(file, delimiter=delimiter, lineterminator="\n")

    def write(self, block: pa.Table) -> None:
        if not self.begun:
            self.rows.writerow(block.column_names)
            self.begun = True
        self.rows.writerows(zip(*(texts(column) for column in block.columns), strict=True))
        self.file.flush()


class ParquetWriter:
    """Writes Parquet, by the types of the first block."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.writer: parquet.ParquetWriter | None = None

    def write(self, block: pa.Table) -> None:
        if self.writer is None:
            self.writer = parquet.ParquetWriter(self.file, block.schema)
        self.writer.write_table(block)

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()


def texts(column: pa.ChunkedArray) -> list[str | None]:
    """Return a column's values as text, the shortest that tells a number from others."""
    values: list[str | None] = compute.cast(column, pa.string()).to_pylist()
    return values


@contextmanager
def writing(path: Path) -> Iterator[Writer]:
    """Open a place for predictions; a file takes the place of an old one when it is complete.

    Raises:
        FathomError: it is of a kind that is not written.
    """
    if path == STDOUT:
        yield CsvWriter(sys.stdout)
        return
    if path.suffix.lower() not in SUFFIXES:
        raise FathomError(f"--output: {path} must end in .csv or .parquet, or be -")
    if not path.parent.is_dir():
        raise FathomError(f"--output: there is no folder {path.parent}")
    with atomic_write(path) as beside:
        if path.suffix.lower() == ".csv":
            with beside.open("w", newline="", encoding="utf-8") as file:
                yield CsvWriter(file)
            return
        writer = ParquetWriter(beside)
        try:
            yield writer
        finally:
            writer.close()
