"""CSV files, read strictly: an error names the file and the line."""

import collections
import contextlib
import csv
import io
import itertools
import json
import re
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from fathom.base.errors import FathomError
from fathom.download.csv_dialect import WHITESPACE, add_index_name, check_marks, find_delimiter
from fathom.download.csv_encoding import decode
from fathom.download.own_files import (
    DELIMITERS,
    check_suffix,
    error_text,
    read_bytes,
    shorten,
)
from fathom.settings.column_settings import MISSING

BOOLEANS = ["true", "True", "TRUE", "false", "False", "FALSE"]
TIMES = [pa.timestamp(unit, zone) for unit in ("us", "ns") for zone in (None, "UTC")]
TITLE_ROWS = 20  # that tell whether the first line is a header
INDEX = "Unnamed: 0"
BLOCK = (1 << 31) - 1  # most bytes that pyarrow can parse at once


def infer_types(
    table: pa.Table, missing: list[str], decimal: str, declared: Container[str]
) -> pa.Table:
    """Convert each column of strings, except the declared ones, to the narrowest type that fits all
    its values.
    """
    columns = [
        column if name in declared else infer_type(column, missing, decimal)
        for name, column in zip(table.column_names, table.columns, strict=True)
    ]
    return pa.table(columns, names=table.column_names)


def read_texts(
    path: Path, delimiter: str | None, decimal: str, encoding: str, header: bool = True
) -> pa.Table:
    """Read the columns of a CSV file as strings, as they are in the file."""
    default = DELIMITERS[check_suffix(path)]
    check_marks(default if delimiter is None else delimiter, decimal)
    content = decode(path, read_bytes(path), encoding)
    content, mark = find_delimiter(content, delimiter, default)
    return parse_csv(path, add_index_name(content, mark) if header else content, mark, header)


def parse_csv(path: Path, content: bytes, delimiter: str, header: bool = True) -> pa.Table:
    """Split the content of a CSV file, in UTF-8, into columns of strings.

    Without a header they are named column_1, column_2 and so on. Empty last columns without a name,
    which extra delimiters at the ends of lines make, are left out.
    """
    content += b"" if content.endswith((b"\n", b"\r")) else b"\n"  # which pyarrow needs
    limit = csv.field_size_limit(BLOCK)
    try:
        check_title(path, content, delimiter)
        rows = read_rows(path, content, delimiter)
        names = [name.strip() for name in next(rows)]
        if header:
            names = name_index(names)
            last = max((n for n, name in enumerate(names) if name), default=0)
            if last or len(names) == 1:
                check_names(path, names[: last + 1], delimiter)
        else:
            names = number_columns(len(names))
        if header and next(rows, None) is None:
            raise FathomError(f"{path} has a header, but no rows")
        if b'"' in content:  # pyarrow reads on to the end of the file after an unclosed quote
            collections.deque(rows, maxlen=0)
        table = arrow_csv.read_csv(
            pa.BufferReader(content),
            arrow_csv.ReadOptions(
                autogenerate_column_names=True, block_size=min(len(content) + 1, BLOCK)
            ),
            arrow_csv.ParseOptions(delimiter=delimiter, newlines_in_values=True),
            arrow_csv.ConvertOptions(default_column_type=pa.string()),
        )
    except pa.ArrowException as error:
        collections.deque(rows, maxlen=0)
        raise FathomError(f"{path} cannot be read as CSV: {error_text(error)}") from error
    finally:
        csv.field_size_limit(limit)
    return name_columns(path, table, names, delimiter, header)


def number_columns(count: int) -> list[str]:
    return [f"column_{number}" for number in range(1, count + 1)]


def name_columns(
    path: Path, table: pa.Table, names: list[str], delimiter: str, header: bool = True
) -> pa.Table:
    """Return the rows below a header, without empty last columns that have no name."""
    table = table.slice(1 if header else 0)
    end = len(names)
    while end > 1 and (names[end - 1] == "" or not header) and is_empty(table[end - 1]):
        end -= 1
    check_names(path, names[:end], delimiter)
    return table.select(range(end)).rename_columns(names[:end])


def is_empty(column: pa.ChunkedArray) -> bool:
    return bool(compute.all(compute.equal(column, "")).as_py())


def name_index(names: Sequence[str]) -> list[str]:
    """Name a first column that has no name, though the second has one, as pandas does: its index,
    or the row names of R.
    """
    return [INDEX, *names[1:]] if names[0] == "" and any(names[1:2]) else list(names)


def check_title(path: Path, content: bytes, delimiter: str) -> None:
    """Refuse a first line that has other fields than most of the next: a title or a comment."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    lines = csv.reader(text, delimiter=delimiter, strict=True)
    with contextlib.suppress(csv.Error):
        rows = list(itertools.islice((fields for fields in lines if fields), TITLE_ROWS))
        if len(rows) < 3:
            return
        count, times = collections.Counter(map(len, rows[1:])).most_common(1)[0]
        first = len(rows[0])
        if count in (first, 1) or times < 0.5 * len(rows):
            return
        extra = count - first
        if extra > 0 and not any("".join(fields[first:]).strip() for fields in rows[1:]):
            number, more = ("an", "one") if extra == 1 else (str(extra), str(extra))
            raise FathomError(
                f"{path}: each line but the first ends with {number} extra {delimiter!r}: add "
                f"{more} to the header, too, or remove them"
            )
        if count == first + 1 and first > 1 and not rows[0][0].startswith("#"):
            raise FathomError(
                f"{path} has {first} names for {count} columns: name the first column, too; R "
                "writes row names like this, unless row.names=FALSE"
                + ("; or put numbers with decimal commas in quotes" if delimiter == "," else "")
            )
        raise FathomError(
            f"{path}: the first line, {shorten(delimiter.join(rows[0]))!r}, is no header of the "
            f"{count} columns below it: delete what stands above the header"
        )


def read_rows(path: Path, content: bytes, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, header first, and check their quotes and numbers of fields."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    expected, line = 0, 1
    try:
        for fields in reader:
            expected = expected or len(fields)
            if fields and len(fields) != expected:
                remedy = f"put a field that contains {delimiter!r} in quotes"
                if delimiter == " ":
                    remedy += "; columns of a fixed width are read by pandas.read_fwf alone"
                raise FathomError(
                    f"{path}, line {line} has {len(fields)} field{'s' * (len(fields) != 1)}, but "
                    f"there are {expected} columns: {shorten(delimiter.join(fields))!r}; correct "
                    f"it, or {remedy}"
                )
            if fields:
                yield fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise FathomError(
            f"{path}, line {line}: a quote is not closed, or text follows a closing quote: "
            'put a field that contains quotes in quotes, and double each of them ("")'
        ) from error


def check_names(path: Path, names: Sequence[str], delimiter: str | None = None) -> None:
    """Raise a FathomError if names of columns are empty or repeated.

    With a delimiter, it is the header of a CSV file, which may also be split or quoted wrongly.
    """
    is_csv = delimiter is not None
    other = find_mark(names)
    if is_csv and other is not None:
        raise FathomError(
            f"{path} has one column, {shorten(names[0])!r}: "
            f"set dataset.source.delimiter: {json.dumps(other)}"
        )
    if "" in names:
        number = names.index("") + 1
        hint = ""
        if is_csv and not any(names[1:]):
            hint = "; if the first line is a title, delete what stands above the header"
        elif is_csv and number == len(names):
            hint = "; perhaps each line ends with an extra delimiter"
        raise FathomError(f"{path}: column {number} has no name: name it or remove it{hint}")
    for name in names:
        if names.count(name) > 1:
            numbers = [str(number) for number, other in enumerate(names, 1) if other == name]
            hint = (
                "; if the file has no header, set dataset.source.header: false (--no-header)"
                if is_csv
                else ""
            )
            raise FathomError(
                f"{path}: columns {' and '.join(numbers)} are both named {shorten(name)!r}: rename "
                f"one{hint}"
            )
        if is_csv and re.fullmatch("'.*'", name):
            raise FathomError(
                f"{path}: the column name {name} is in single quotes: write double ones instead, "
                "around fields, too"
            )
        if is_csv and name.startswith('"'):
            raise FathomError(
                f"{path}: the column name {shorten(name)!r} has a space before its quote: remove "
                "such spaces"
            )


def find_mark(names: Sequence[str]) -> str | None:
    """Return the delimiter in the name of an only column, if there is one."""
    marks = {";": ";", "\t": "\t", "|": "|", ",": ",", " ": WHITESPACE}
    return next((marks[mark] for mark in marks if len(names) == 1 and mark in names[0]), None)


def infer_type(column: pa.ChunkedArray, missing: list[str], decimal: str) -> pa.ChunkedArray:
    texts = trim_texts(column, [*MISSING, *missing])
    digits = replace_decimal_mark(texts, decimal)
    numbers = try_cast(digits, pa.float64())
    if numbers is not None:  # only now: pyarrow reads 0x1F as an integer, but not as a float
        integers = try_cast(digits, pa.int64())
        return numbers if integers is None else integers
    if compute.all(compute.is_in(texts.drop_null(), value_set=pa.array(BOOLEANS))).as_py():
        return texts.cast(pa.bool_())
    times = (try_cast(texts, time) for time in TIMES)
    return next((time for time in times if time is not None), texts)


def trim_texts(column: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray:
    """Strip texts, and replace those that stand for a missing value by null."""
    texts = compute.utf8_trim_whitespace(column)
    is_missing = compute.is_in(texts, value_set=pa.array(missing))
    return compute.if_else(is_missing, None, texts)


def replace_decimal_mark(texts: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    """Replace the decimal mark by a point; texts that contain a point remain texts."""
    if decimal == ".":
        return texts
    return compute.replace_substring(compute.replace_substring(texts, ".", " "), decimal, ".")


def try_cast(column: pa.ChunkedArray, kind: Any) -> pa.ChunkedArray | None:
    """Return a column as another type, or None if a value does not fit."""
    try:
        column.slice(0, 1000).cast(kind)  # fails much sooner than the whole column
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None
