"""Reads tables block by block, as they are in the file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from fathom.artifacts.signature import Signature
from fathom.base.errors import FathomError
from fathom.base.tables import ROW_GROUP
from fathom.download.compression import open_bytes
from fathom.download.csv_dialect import check_marks, guess_csv
from fathom.download.csv_files import check_names
from fathom.download.own_files import (
    DELIMITERS,
    KINDS,
    check_start,
    check_suffix,
    error_text,
    read_bytes,
)
from fathom.download.table_files import Part, convert_column, open_arrow, read_typed

STANDARD_STREAM = Path("-")  # input or output
BLOCK = 1 << 23  # bytes of a CSV file


@dataclass(frozen=True)
class RowBlocks:
    """A table block by block."""

    names: list[str]
    blocks: Iterator[pa.Table]
    decimal: str | None  # the mark of a CSV file, in which all columns are texts


def source_name(path: Path) -> str:
    return "standard input" if path == STANDARD_STREAM else str(path)


def open_table(path: Path, csv: Mapping[str, str]) -> AbstractContextManager[RowBlocks]:
    """Open a file that `read_table_file` can read, or CSV text from standard input ("-")."""
    if path == STANDARD_STREAM or check_suffix(path) in DELIMITERS:
        return open_csv(path, csv)
    return open_columns(path)


@contextmanager
def open_csv(path: Path, csv: Mapping[str, str]) -> Iterator[RowBlocks]:
    guesses = (",", ".", "utf-8") if path == STANDARD_STREAM else guess_csv(path)
    keys = ("delimiter", "decimal", "encoding")
    delimiter, decimal, encoding = (csv.get(k, g) for k, g in zip(keys, guesses, strict=True))
    check_marks(delimiter, decimal)
    is_file, name = path != STANDARD_STREAM, source_name(path)
    if is_file:
        check_start(path, read_bytes(path, 64))
    try:
        with (
            open_bytes(path) if is_file else nullcontext(sys.stdin.buffer) as source,
            pa.input_stream(source, compression=None) as stream,
            arrow_csv.open_csv(
                stream,
                arrow_csv.ReadOptions(block_size=BLOCK, encoding=encoding),
                arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
                arrow_csv.ConvertOptions(default_column_type=pa.string()),
            ) as reader,
        ):
            names = [column.strip() for column in reader.schema.names]
            check_names(Path(name), names, delimiter)
            blocks = (pa.Table.from_batches([batch]).rename_columns(names) for batch in reader)
            yield RowBlocks(names, blocks, decimal)
    except (pa.ArrowException, LookupError, UnicodeError) as error:
        raise FathomError(f"{name} cannot be read as CSV: {error_text(error)}") from error


@contextmanager
def open_columns(path: Path) -> Iterator[RowBlocks]:
    """Open a file whose columns have types. One that is not Parquet or Arrow is read whole."""
    if check_suffix(path) not in KINDS:
        table = read_typed(path, Part())
        yield RowBlocks(table.column_names, iter([table]), None)
        return
    with open_arrow(path, ROW_GROUP) as (schema, batches):
        check_names(path, schema.names)
        yield RowBlocks(schema.names, (pa.Table.from_batches([b]) for b in batches), None)


def raw_columns(
    block: pa.Table, rows: RowBlocks, signature: Signature, path: Path
) -> dict[str, pd.Series[Any]]:
    """Return the columns of a block that the model takes, as `model_inputs` needs them."""
    return {
        column.name: pd.Series(
            convert_column(path, column.name, block[column.name], [])
            if rows.decimal is None
            else block[column.name].to_pandas()
        )
        for column in signature.columns
    }
