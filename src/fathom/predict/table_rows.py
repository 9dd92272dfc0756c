"""Reads tables block by block, as they are in the file."""

from __future__ import annotations

import codecs
import csv
import io
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import click
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from fathom.artifacts.signature import Signature, SourceFile
from fathom.base.errors import FathomError
from fathom.base.tables import ROW_GROUP
from fathom.download.compression import open_bytes
from fathom.download.csv_dialect import (
    SAMPLE,
    SEPARATOR,
    WHITESPACE,
    add_index_name,
    check_marks,
    find_delimiter,
    guess_csv,
)
from fathom.download.csv_encoding import decode
from fathom.download.csv_files import check_names, name_index, parse_csv
from fathom.download.own_files import (
    DELIMITERS,
    KINDS,
    WORKBOOKS,
    check_name,
    check_start,
    check_suffix,
    error_text,
    read_bytes,
)
from fathom.download.table_files import Part, check_part, convert_column, open_arrow, read_typed

STANDARD_STREAM = Path("-")  # input or output
BLOCK = 1 << 23  # bytes of a CSV file

NO_SOURCE = SourceFile()
Tables = tuple[list[str], Iterator[pa.Table]]  # names of columns, and blocks of rows


@dataclass(frozen=True)
class RowBlocks:
    """A table block by block."""

    names: list[str]
    blocks: Iterator[pa.Table]
    decimal: str | None  # the mark of a CSV file, in which all columns are texts


def source_name(path: Path) -> str:
    return "standard input" if path == STANDARD_STREAM else str(path)


@contextmanager
def open_table(
    path: Path, options: Mapping[str, str], source: SourceFile = NO_SOURCE
) -> Iterator[RowBlocks]:
    """Open a file that `read_table_file` can read, or CSV text from standard input ("-").

    Args:
        options: of the command: delimiter, decimal and encoding of a CSV file, sheet of a
            workbook, table of a database file.
        source: how the file was read that the model was trained on.
    """
    try:
        is_csv = path == STANDARD_STREAM or check_suffix(path) in DELIMITERS
        if path != STANDARD_STREAM:
            part = Part(sheet=options.get("sheet"), table=options.get("table"))
            check_part(path, check_suffix(path), part)
        if not is_csv:
            check_name(path)
        with (
            open_csv(path, options, source)
            if is_csv
            else open_columns(path, options, source) as rows
        ):
            yield rows
    except FathomError as error:
        raise FathomError(name_options(str(error))) from error


def name_options(message: str) -> str:
    """Name options of the command where a message names settings of a data set."""
    for pattern, option in (
        (r", or set dataset\.source\.query \(--query\)", ""),
        (r"dataset\.source\.\w+ \((--\w+)\)", r"\1"),
        (r"set dataset\.source\.(\w+): ", r"add --\1 "),
        (r"dataset\.source\.", "--"),
    ):
        message = re.sub(pattern, option, message)
    return message


@contextmanager
def open_csv(path: Path, options: Mapping[str, str], source: SourceFile) -> Iterator[RowBlocks]:
    name, has_header = source_name(path), not source.headers
    form = find_form(path, source, quiet="encoding" in options)
    form |= {key: value.replace("\\t", "\t") for key, value in options.items() if key in form}
    try:
        check_marks(form["delimiter"], form["decimal"])
        reader = read_whole if form["delimiter"] == WHITESPACE else read_stream
        with reader(path, form, has_header) as (names, tables):
            names = [column.strip() for column in names]
            places: Sequence[int] = range(len(names))
            if not has_header:
                names = find_names(name, len(names), source.headers)
            elif any(names):  # delimiters at the ends of lines make columns without a name
                names = name_index(names)
                places = [place for place in places if names[place]]
                names = [names[place] for place in places]
            check_names(Path(name), names, form["delimiter"])
            blocks = (t.select(places).rename_columns(names) for t in tables)
            yield RowBlocks(names, blocks, form["decimal"])
    except (pa.ArrowException, LookupError, UnicodeError) as error:
        raise FathomError(f"{name} cannot be read as CSV: {error_text(error)}") from error


def find_form(path: Path, source: SourceFile, quiet: bool) -> dict[str, str]:
    """Return delimiter, decimal and encoding, guessed from a file or those of the source.

    Unless it is `quiet`, an encoding that is not certain is said.
    """
    if path == STANDARD_STREAM:
        encoding = source.encoding or "utf-8"
        return {"delimiter": source.delimiter or ",", "decimal": ".", "encoding": encoding}
    delimiter, decimal, encoding = guess_csv(path)
    sample = read_bytes(path, SAMPLE)
    # Encodings of one byte are hard to tell apart. UTF-8 beyond ASCII is certain.
    if sample.isascii():
        encoding = source.encoding or encoding
    elif not encoding.startswith("utf"):
        guess, encoding = encoding, source.encoding or encoding
        differs = source.encoding is None or codecs.lookup(guess) != codecs.lookup(encoding)
        if differs and not quiet:
            like = f", as the training data, but looks like {guess}" if source.encoding else ""
            click.echo(
                f"{path} is read as {encoding}{like}: if texts are wrong, add --encoding", err=True
            )
    return {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}


def find_names(name: str, count: int, headers: list[list[str]]) -> list[str]:
    """Return the names of the columns of a file without a header."""
    for names in headers:
        if len(names) == count:
            return names
    expected = " or ".join(str(len(names)) for names in headers)
    raise FathomError(
        f"{name} has {count} column{'s' * (count != 1)}, but the data set, whose file has no "
        f"header, has {expected} "
        "(all, or all but the target)"
    )


@contextmanager
def read_whole(path: Path, form: Mapping[str, str], has_header: bool) -> Iterator[Tables]:
    """Read columns between runs of blanks."""
    content = sys.stdin.buffer.read() if path == STANDARD_STREAM else read_bytes(path)
    name = Path(source_name(path))
    content, mark = find_delimiter(decode(name, content, form["encoding"]), form["delimiter"], "")
    if has_header:
        content = add_index_name(content, mark)
    table = parse_csv(name, content, mark, has_header)
    starts = range(0, len(table), ROW_GROUP)
    yield table.column_names, (table.slice(start, ROW_GROUP) for start in starts)


@contextmanager
def read_stream(path: Path, form: Mapping[str, str], has_header: bool) -> Iterator[Tables]:
    """Read a CSV file block by block."""
    opened = nullcontext(sys.stdin.buffer) if path == STANDARD_STREAM else open_bytes(path)
    with opened as file:
        source = io.BufferedReader(cast(io.RawIOBase, file), SAMPLE)
        start = source.peek()
        if path != STANDARD_STREAM:
            check_start(path, start)
        options = arrow_csv.ReadOptions(
            block_size=BLOCK,
            encoding=form["encoding"],
            autogenerate_column_names=not has_header,
            **read_start(start, form, has_header),
        )
        with (
            pa.input_stream(source, compression=None) as stream,
            arrow_csv.open_csv(
                stream,
                options,
                arrow_csv.ParseOptions(delimiter=form["delimiter"], newlines_in_values=True),
                arrow_csv.ConvertOptions(default_column_type=pa.string()),
            ) as reader,
        ):
            yield reader.schema.names, (pa.Table.from_batches([batch]) for batch in reader)


def read_start(start: bytes, form: Mapping[str, str], has_header: bool) -> dict[str, Any]:
    """Return how pyarrow reads a first line `sep=;`, or a header without a name for row names."""
    content = start.decode(form["encoding"], errors="ignore").removeprefix("\ufeff").encode()
    if SEPARATOR.match(content):
        return {"skip_rows": 1}
    content = content[: content.rfind(b"\n") + 1]  # whole lines
    named = add_index_name(content, form["delimiter"]) if has_header else content
    if named is content:
        return {}
    lines = csv.reader(io.StringIO(named.decode(), newline=""), delimiter=form["delimiter"])
    return {"column_names": next(lines), "skip_rows": lines.line_num}


@contextmanager
def open_columns(path: Path, options: Mapping[str, str], source: SourceFile) -> Iterator[RowBlocks]:
    """Open a file whose columns have types. One that is not Parquet or Arrow is read whole."""
    if check_suffix(path) not in KINDS:
        table = read_part(path, options, source)
        yield RowBlocks(table.column_names, iter([table]), None)
        return
    with open_arrow(path, ROW_GROUP) as (schema, batches):
        check_names(path, schema.names)
        yield RowBlocks(schema.names, (pa.Table.from_batches([b]) for b in batches), None)


def read_part(path: Path, options: Mapping[str, str], source: SourceFile) -> pa.Table:
    """Read the part that the options name, or else all of a file, or the part of the source."""
    key = "sheet" if check_suffix(path) in WORKBOOKS else "table"
    try:
        return read_typed(path, Part(**{key: options.get(key)}))
    except FathomError:
        if key in options or getattr(source, key) is None:
            raise
        return read_typed(path, Part(**{key: getattr(source, key)}))


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
