"""Tables from a user's own files, or a line that says what is amiss, where, and what to do."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute, ipc, parquet

from fathom.base.errors import FathomError
from fathom.download.csv_files import check_names, read_csv_columns, try_cast
from fathom.download.own_files import (
    DELIMITERS,
    KINDS,
    check_start,
    check_suffix,
    error_text,
    read_bytes,
    shortened,
)

STRINGS = [pa.string(), pa.large_string(), pa.string_view()]
SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}


def read_table_file(
    path: Path,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    missing: Sequence[str] = (),
) -> pd.DataFrame:
    """Read a table from a CSV, Parquet, Feather or Arrow file.

    A column of a CSV file is what all its values are: whole numbers, numbers, booleans, times in
    ISO form, or else text. Blank lines and spaces around names and fields do not count.

    Args:
        path: a .csv, .tsv or .txt file with a line of names, maybe gzip-compressed (.csv.gz); or
            a .parquet, .pq, .feather or .arrow file, without an index of pandas that has no name.
        delimiter: of a CSV file; a tab in .tsv files and a comma in others unless given.
        decimal: the decimal point of a CSV file. If it is a comma, 1.5 is text.
        encoding: of a CSV file. A byte order mark is dropped.
        missing: texts that stand for no value; in a CSV file those of `MISSING` do, too.

    Returns:
        A table of shape (rows, columns), one of each at least, with a `RangeIndex`, distinct
        names, and columns of float64, int64, bool, str and datetime64[us]. Missing values are
        NaN or NaT: with them, or beyond int64, whole numbers become float64, and booleans the
        texts True and False. Times with a zone are in UTC, durations in seconds, and a column
        without any value is NaN.

    Raises:
        FathomError: there is no such file, or something in it is not as it should be.
    """
    suffix = check_suffix(path)
    markers = [str(text).strip() for text in missing]
    if suffix in DELIMITERS:
        delimiter = DELIMITERS[suffix] if delimiter is None else delimiter
        table = read_csv_columns(path, delimiter, decimal, encoding, markers)
    else:
        table = read_arrow(path, KINDS[suffix])
    pairs = zip(table.column_names, table.columns, strict=True)
    return pd.DataFrame(
        {name: convert_column(path, name, column, markers) for name, column in pairs}
    )


def read_arrow(path: Path, kind: str) -> pa.Table:
    """Read a Parquet file, or an Arrow file or stream, as it is.

    Raises:
        FathomError: it is not whole, or holds no rows or columns without a name of their own.
    """
    start = read_bytes(path, 16)
    check_start(path, start, kind)
    if not start:
        raise FathomError(f"{path} is empty")
    try:
        with pa.OSFile(str(path)) as file:
            if kind == "a Parquet file":
                table = parquet.ParquetFile(file).read()
            else:
                is_file = start.startswith(b"ARROW1")
                table = (ipc.open_file if is_file else ipc.open_stream)(file).read_all()
            table.validate(full=True)
            names = table.column_names
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FathomError(f"{path} is damaged, or not {kind}: {error_text(error)}") from error
    kept = [name for name in names if not is_index(name)]
    check_names(path, kept)
    if not kept or not table.num_rows:
        raise FathomError(f"{path} has no {'rows' if kept else 'columns'}")
    return table.select(kept)


def is_index(name: str) -> bool:
    """Tell an index of pandas that has no name."""
    return re.fullmatch(r"__index_level_\d+__", name) is not None


def convert_column(
    path: Path,
    name: str,
    column: pa.ChunkedArray,
    missing: list[str],
    has_gaps: bool | None = None,
) -> NDArray[Any] | pd.Series[str]:
    """Return a column of any type as one of the few types that tables have here.

    Args:
        path: its file.
        name: of the column.
        column: all its rows, or a block of them.
        missing: texts that stand for no value.
        has_gaps: of a block, whether the whole column has missing values or whole numbers beyond
            int64.

    Raises:
        FathomError: there is none for it, or a value is beyond it.
    """
    kind, types = column.type, pa.types
    gaps = bool(column.null_count) if has_gaps is None else has_gaps
    try:
        if types.is_dictionary(kind):
            return convert_column(path, name, column.cast(kind.value_type), missing, has_gaps)
        if types.is_boolean(kind) and gaps:
            column = compute.if_else(column, "True", "False")
        if column.type in STRINGS:
            column = column.cast(pa.large_string())
            absent = compute.is_in(column, value_set=pa.array(missing, pa.large_string()))
            return pd.Series(compute.if_else(absent, None, column).to_pandas(), dtype="str")
        if types.is_integer(kind):
            whole = None if gaps else try_cast(column, pa.int64())
            column = column.cast(pa.float64(), safe=False) if whole is None else whole
        elif types.is_null(kind) or types.is_floating(kind) or types.is_decimal(kind):
            column = column.cast(pa.float64(), safe=False)
        elif types.is_duration(kind):
            ticks = column.cast(pa.int64()).cast(pa.float64(), safe=False)
            column = compute.divide(ticks, SECOND[kind.unit])
        elif types.is_date(kind) or types.is_timestamp(kind):
            finer = types.is_timestamp(kind) and kind.unit == "ns"  # is cut to microseconds
            column = column.cast(pa.timestamp("us"), safe=not finer)
        elif not types.is_boolean(kind):
            raise FathomError(
                f"{path}: column {name!r} is of type {shortened(str(kind), quote=False)}, not of "
                "numbers, text, booleans or times: remove it, or write it as one of them"
            )
    except pa.ArrowException as error:
        raise FathomError(f"{path}: column {name!r}: {error_text(error)}") from error
    values: NDArray[Any] = column.to_numpy()
    return values
