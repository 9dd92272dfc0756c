"""Tables from a user's files of any kind."""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, ipc, parquet

from fathom.base.errors import FathomError
from fathom.base.tables import ROW_GROUP
from fathom.download.arff import read_arff
from fathom.download.csv_files import check_names, infer_types, read_texts, try_cast
from fathom.download.database_files import read_database_file
from fathom.download.json_files import read_json
from fathom.download.own_files import (
    DATABASES,
    DELIMITERS,
    KINDS,
    WORKBOOKS,
    check_start,
    check_suffix,
    error_text,
    read_bytes,
    shorten,
)
from fathom.download.workbooks import read_workbook

BUFFER = 1 << 20  # bytes
STRINGS = [pa.string(), pa.large_string(), pa.string_view()]
TICKS = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}  # in a second


@dataclass(frozen=True)
class Part:
    """What part of a file is the table: a sheet, or a table or the result of a query."""

    sheet: str | None = None
    table: str | None = None
    query: str | None = None


def read_table_file(
    path: Path,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    missing: Sequence[str] = (),
    header: bool = True,
    part: Part = Part(),
    declared: Container[str] = (),
) -> pd.DataFrame:
    """Read a table from a file of one of the kinds in docs/formats.md.

    A column of a CSV file is of the narrowest type that fits all its values: integers, floats,
    booleans, ISO 8601 times, or text. Blank lines and spaces around names and fields are ignored.

    Args:
        path: a .csv, .tsv or .txt file, possibly compressed; or a file whose columns have types,
            such as .parquet or .xlsx. An unnamed pandas index is ignored.
        delimiter: of a CSV file, or `whitespace` for runs of blanks; by default that of a first
            line such as `sep=;`, or a tab in .tsv files and a comma in others.
        decimal: the decimal mark of a CSV file. If it is a comma, 1.5 is text.
        encoding: of a CSV file. A byte order mark is ignored.
        missing: texts that stand for a missing value; in a CSV file in addition to `MISSING`.
        header: whether the first row of a CSV file has the names of the columns. Otherwise they
            are column_1, column_2 and so on.
        part: of a workbook or a database file; by default all of it.
        declared: columns whose texts stay as they are in a CSV file, for `convert_table`.

    Returns:
        A table of shape (rows, columns), at least (1, 1), with a `RangeIndex`, unique names, and
        columns of float64, int64, bool, str and datetime64[us]. Missing values are NaN or NaT:
        integers with missing values, or beyond int64, become float64, and booleans with missing
        values the texts True and False. Times with a zone become UTC, durations seconds, and a
        column without values NaN.
    """
    return read_table_files([path], delimiter, decimal, encoding, missing, header, part, declared)[
        0
    ]


def read_table_files(
    files: Sequence[Path],
    delimiter: str | None,
    decimal: str,
    encoding: str,
    missing: Sequence[str],
    header: bool,
    part: Part,
    declared: Container[str],
) -> tuple[pd.DataFrame, list[int]]:
    """Read files with the same columns as `read_table_file` does; a column has one type in all.

    Returns:
        The rows of all files, and the number of rows of each.
    """
    markers = [str(text).strip() for text in missing]
    tables = [read_columns(file, delimiter, decimal, encoding, header, part) for file in files]
    for file, table in zip(files, tables, strict=True):
        if table.column_names != tables[0].column_names:
            raise FathomError(f"{file} has other columns than {files[0]}")
    counts = [table.num_rows for table in tables]
    is_csv = [check_suffix(file) in DELIMITERS for file in files]
    if all(is_csv):
        tables, is_csv = [pa.concat_tables(tables)], [True]
    typed = [
        infer_types(table, markers, decimal, declared) if is_text else table
        for table, is_text in zip(tables, is_csv, strict=True)
    ]
    table = concatenate(typed, files[0])
    columns = {
        name: convert_column(files[0], name, table[name], [] if name in declared else markers)
        for name in table.schema.names
    }
    return pd.DataFrame(columns), counts


def read_columns(
    path: Path, delimiter: str | None, decimal: str, encoding: str, header: bool, part: Part
) -> pa.Table:
    """Read a file: the columns of a CSV file are strings, others have types."""
    suffix = check_suffix(path)
    check_part(path, suffix, part)
    if suffix in DELIMITERS:
        return read_texts(path, delimiter, decimal, encoding, header)
    if suffix not in KINDS:
        return read_typed(path, part)
    with open_arrow(path, ROW_GROUP) as (schema, batches):
        table = pa.Table.from_batches(batches, schema)
        table.validate(full=True)
    return table.select(check_columns(path, table.column_names, table.num_rows))


def concatenate(tables: list[pa.Table], path: Path) -> pa.Table:
    """Concatenate tables with the same columns; the first is that of `path`."""
    if len(tables) == 1:
        return tables[0]
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise incompatible_types(path, error) from error


def incompatible_types(path: Path, error: pa.ArrowException) -> FathomError:
    return FathomError(
        f"a column of {path} has an incompatible type in another file: {error_text(error)}"
    )


def check_part(path: Path, suffix: str, part: Part) -> None:
    for key, suffixes in (("sheet", WORKBOOKS), ("table", DATABASES), ("query", DATABASES)):
        if getattr(part, key) is not None and suffix not in suffixes:
            raise FathomError(
                f"dataset.source.{key} is for files with {', '.join(suffixes)}, not for {path}"
            )


def read_typed(path: Path, part: Part) -> pa.Table:
    """Read a workbook, a JSON or ARFF file, or a database file."""
    suffix = check_suffix(path)
    if suffix in WORKBOOKS:
        return read_workbook(path, part.sheet)
    if suffix in DATABASES:
        return read_database_file(path, part.table, part.query)
    return read_arff(path) if suffix == ".arff" else read_json(path)


@contextmanager
def open_arrow(
    path: Path, rows: int, columns: list[str] | None = None
) -> Iterator[tuple[pa.Schema, Iterable[pa.RecordBatch]]]:
    """Open a Parquet file, or an Arrow file or stream: yield its columns and its blocks of rows.

    `rows` and `columns` are those of a block of a Parquet file, of which not more than `BUFFER`
    bytes of a column are read ahead.
    """
    kind = KINDS[check_suffix(path)]
    start = read_bytes(path, 16)
    check_start(path, start, kind)
    if not start:
        raise FathomError(f"{path} is empty")
    try:
        with pa.OSFile(str(path)) as file:
            if kind == "a Parquet file":
                opened = parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False)
                yield opened.schema_arrow, opened.iter_batches(rows, columns=columns)
            elif start.startswith(b"ARROW1"):
                reader = ipc.open_file(file)
                yield reader.schema, map(reader.get_batch, range(reader.num_record_batches))
            else:
                stream = ipc.open_stream(file)
                yield stream.schema, stream
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FathomError(f"{path} is damaged, or not {kind}: {error_text(error)}") from error


def check_columns(path: Path, names: list[str], rows: int) -> list[str]:
    """Return the columns of an Arrow or Parquet file, without an unnamed pandas index."""
    columns = [name for name in names if not re.fullmatch(r"__index_level_\d+__", name)]
    check_names(path, columns)
    if not columns or not rows:
        raise FathomError(f"{path} has no {'rows' if columns else 'columns'}")
    return columns


def convert_column(
    path: Path,
    name: str,
    column: pa.ChunkedArray,
    missing: list[str],
    has_gaps: bool | None = None,
) -> NDArray[Any] | pd.Series[str]:
    """Convert a column of any type to one of the types that `read_table_file` returns.

    For a block of a column, `has_gaps` says whether the whole column has missing values or integers
    beyond int64.
    """
    kind, types = column.type, pa.types
    gaps = bool(column.null_count) if has_gaps is None else has_gaps
    try:
        if types.is_dictionary(kind):
            return convert_column(path, name, column.cast(kind.value_type), missing, has_gaps)
        if (types.is_boolean(kind) and gaps) or types.is_time(kind):
            column = write_texts(column)
        if column.type in STRINGS:
            column = column.cast(pa.large_string())
            is_missing = compute.is_in(column, value_set=pa.array(missing, pa.large_string()))
            return pd.Series(compute.if_else(is_missing, None, column).to_pandas(), dtype="str")
        if types.is_integer(kind):
            integers = None if gaps else try_cast(column, pa.int64())
            column = column.cast(pa.float64(), safe=False) if integers is None else integers
        elif types.is_null(kind) or types.is_floating(kind) or types.is_decimal(kind):
            column = column.cast(pa.float64(), safe=False)
        elif types.is_duration(kind):
            ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False)
            column = compute.divide(ticks, TICKS[kind.unit])
        elif types.is_date(kind) or types.is_timestamp(kind):
            truncate = types.is_timestamp(kind) and kind.unit == "ns"
            column = column.cast(pa.timestamp("us"), safe=not truncate)
        elif not types.is_boolean(kind):
            raise FathomError(
                f"{path}: column {name!r} is of type {shorten(str(kind))}, not of numbers, text, "
                "booleans or times: remove or convert it"
            )
    except pa.ArrowException as error:
        raise FathomError(f"{path}: column {name!r}: {error_text(error)}") from error
    values: NDArray[Any] = column.to_numpy()
    return values


def write_texts(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return booleans or times of the day as texts, as CSV files have them."""
    if pa.types.is_boolean(column.type):
        return compute.if_else(column, "True", "False")
    seconds = try_cast(column, pa.time32("s"))
    return (column if seconds is None else seconds).cast(pa.string())
