"""Tables to predict for, read block by block as they lie in the file."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv
from pyarrow import ipc, parquet

from fathom.artifacts.signature import Signature
from fathom.base.errors import FathomError
from fathom.base.files import ROW_GROUP
from fathom.download.csv_files import (
    check_marks,
    check_names,
    guess_csv,
    replace_decimal_mark,
    trim_texts,
    try_cast,
)
from fathom.download.own_files import (
    KINDS,
    check_start,
    check_suffix,
    error_text,
    read_bytes,
)
from fathom.download.table_files import convert_column

STDIN = Path("-")
BLOCK = 1 << 23  # bytes of a CSV file at once


@dataclass(frozen=True)
class CsvForm:
    """How a CSV file is written: as `fathom.download.table_files.read_table_file` takes it."""

    delimiter: str
    decimal: str
    encoding: str


@dataclass(frozen=True)
class Rows:
    """A table: the names of its columns, and its rows in blocks, all columns as they are in the
    file, those of a CSV file as texts.
    """

    names: list[str]
    blocks: Iterator[pa.Table]
    csv: CsvForm | None


@contextmanager
def open_table(path: Path, form: Mapping[str, str]) -> Iterator[Rows]:
    """Open a file of the kinds that `read_table_file` reads, or CSV text from standard input ("-").

    Args:
        path: the file.
        form: what is known of a CSV file's delimiter, decimal and encoding; the rest is guessed of
            a file, and of standard input as is usual.

    Raises:
        FathomError: there is no such file, or it is not as it should be.
    """
    if path != STDIN and check_suffix(path) in KINDS:
        with open_arrow(path) as rows:
            yield rows
        return
    usual = CsvForm(",", ".", "utf-8") if path == STDIN else CsvForm(*guess_csv(path))
    csv = CsvForm(**{**vars(usual), **form})
    check_marks(csv.delimiter, csv.decimal)
    with open_csv(path, csv) as rows:
        yield rows


@contextmanager
def open_csv(path: Path, form: CsvForm) -> Iterator[Rows]:
    """Open a CSV file, all columns as texts."""
    if path != STDIN:
        check_start(path, read_bytes(path, 64))
    shown = "standard input" if path == STDIN else str(path)
    compression = "gzip" if path.suffix.lower() == ".gz" else None
    source = sys.stdin.buffer if path == STDIN else str(path)
    try:
        with (
            pa.input_stream(source, compression=compression) as stream,
            arrow_csv.open_csv(
                stream,
                arrow_csv.ReadOptions(block_size=BLOCK, encoding=form.encoding),
                arrow_csv.ParseOptions(delimiter=form.delimiter, newlines_in_values=True),
                arrow_csv.ConvertOptions(default_column_type=pa.string()),
            ) as reader,
        ):
            names = [name.strip() for name in reader.schema.names]
            check_names(Path(shown), names, form.delimiter)
            yield Rows(names, csv_blocks(reader, names), form)
    except (pa.ArrowException, LookupError, UnicodeError) as error:
        raise FathomError(f"{shown} cannot be read as CSV: {error_text(error)}") from error


def csv_blocks(reader: arrow_csv.CSVStreamingReader, names: list[str]) -> Iterator[pa.Table]:
    for batch in reader:
        yield pa.Table.from_batches([batch]).rename_columns(names)


@contextmanager
def open_arrow(path: Path) -> Iterator[Rows]:
    """Open a Parquet file, or an Arrow file or stream."""
    kind = KINDS[check_suffix(path)]
    start = read_bytes(path, 16)
    check_start(path, start, kind)
    try:
        with pa.OSFile(str(path)) as file:
            if kind == "a Parquet file":
                opened = parquet.ParquetFile(file)
                names, batches = opened.schema_arrow.names, opened.iter_batches(ROW_GROUP)
            elif start.startswith(b"ARROW1"):
                reader = ipc.open_file(file)
                names = reader.schema.names
                batches = (reader.get_batch(n) for n in range(reader.num_record_batches))
            else:
                batches = ipc.open_stream(file)
                names = batches.schema.names
            check_names(path, names)
            yield Rows(list(names), (pa.Table.from_batches([batch]) for batch in batches), None)
    except (pa.ArrowException, ValueError) as error:
        raise FathomError(f"{path} is damaged, or not {kind}: {error_text(error)}") from error


def raw_columns(
    block: pa.Table, rows: Rows, signature: Signature, path: Path
) -> dict[str, pd.Series[Any]]:
    """Return the columns of a block that the model takes, as `columns.model_inputs` does."""
    found: dict[str, pd.Series[Any]] = {}
    for column in signature.columns:
        values = block[column.name]
        if rows.csv is None:
            found[column.name] = pd.Series(
                convert_column(path, column.name, values, signature.missing)
            )
            continue
        texts = trim_texts(values, signature.missing)
        if column.kind == "number":
            found[column.name] = pd.Series(numbers(texts, rows.csv.decimal))
        else:
            found[column.name] = texts.to_pandas()
    return found


def numbers(texts: pa.ChunkedArray, decimal: str) -> Any:
    """Return texts as numbers if all of them are, else as they are."""
    found = try_cast(replace_decimal_mark(texts, decimal), pa.float64())
    return (texts if found is None else found).to_pandas()
