"""CSV files, read strictly: what is amiss in a line is refused with its number, not mended."""

from __future__ import annotations

import collections
import csv
import io
import json
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
from pyarrow import compute
from pyarrow import csv as arrow_csv

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.own_files import (
    DELIMITERS,
    check_start,
    check_suffix,
    error_text,
    read_bytes,
    shortened,
)

MISSING = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
BOOLEANS = ["true", "True", "TRUE", "false", "False", "FALSE"]
TIMES = [pa.timestamp(unit, zone) for unit in ("us", "ns") for zone in (None, "UTC")]
SAMPLE = 1 << 16  # bytes that `guess_csv` looks at
BLOCK = (1 << 31) - 1  # bytes that pyarrow parses at once, at most


def read_csv_columns(
    path: Path, delimiter: str, decimal: str, encoding: str, missing: list[str]
) -> pa.Table:
    """Read a CSV file, its columns as the narrowest types that all their values have.

    Raises:
        FathomError: the settings or a line are not as they should be.
    """
    check_marks(delimiter, decimal)
    table = parsed(path, utf8(path, read_bytes(path), encoding), delimiter)
    columns = [inferred(column, missing, decimal) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def guess_csv(path: Path) -> tuple[str, str, str]:
    """Guess a CSV file's delimiter, decimal point and encoding from its first 64 kB.

    The delimiter is that of tab, semicolon, bar and comma which splits most rows into as many
    fields as the header, or else that of the suffix. The decimal point is a comma if more columns
    of numbers have commas than have points.

    Returns:
        Arguments of `read_table_file`. The encoding is utf-8, utf-8-sig, utf-16, cp1252 or
        latin-1.

    Raises:
        FathomError: there is no such file, or it is no CSV file.
    """
    suffix = check_suffix(path)
    if suffix not in DELIMITERS:
        raise FathomError(f"{path} is no CSV file: it needs no delimiter, decimal or encoding")
    content = read_bytes(path, SAMPLE)
    check_start(path, content)
    encoding = guess_encoding(content)
    text = content.decode(encoding, errors="ignore")
    delimiter, rows, most = DELIMITERS[suffix], [[""]], 0.5
    for candidate in "\t;|,":
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=candidate)
        split = [fields for fields in lines if fields]
        if len(content) == SAMPLE:
            split = split[:-1]  # the last row may be cut
        fitting = [fields for fields in split if 1 < len(fields) == len(split[0])]
        if fitting and len(fitting) / len(split) > most:
            delimiter, rows, most = candidate, fitting, len(fitting) / len(split)
    return delimiter, "," if delimiter != "," and has_decimal_commas(rows) else ".", encoding


def guess_encoding(content: bytes) -> str:
    """Return the encoding of the beginning of a file."""
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    if content.startswith(b"\xef\xbb\xbf"):
        return "utf-8-sig"
    for encoding in ("utf-8", "cp1252"):
        try:
            content.decode(encoding)
        except UnicodeDecodeError as error:
            if error.reason == "unexpected end of data" and len(content) == SAMPLE:
                return encoding  # the sample ends within a character
        else:
            return encoding
    return "latin-1"


def has_decimal_commas(rows: list[list[str]]) -> bool:
    """Tell whether more columns of numbers have commas than have points, below a header."""
    count = dict.fromkeys(",.", 0)
    for column in zip(*rows[1:], strict=True):
        fields = [field.strip() for field in column if field.strip() not in MISSING]
        for mark in count:
            number = re.compile(rf"[+-]?\d*({re.escape(mark)}\d+)?([eE][+-]?\d+)?")
            if any(mark in field for field in fields) and all(map(number.fullmatch, fields)):
                count[mark] += 1
    return count[","] > count["."]


def check_marks(delimiter: str, decimal: str) -> None:
    """Refuse a delimiter or a decimal point that cannot be one."""
    if (
        len(delimiter) != 1
        or not delimiter.isascii()
        or delimiter.isalnum()
        or delimiter in '"\r\n'
    ):
        tab = '; a tab is "\\t", in double quotes' if delimiter == "\\t" else ""
        raise FathomError(
            f"dataset.source.delimiter is one character, such as a comma, not {delimiter!r}{tab}"
        )
    if len(decimal) != 1 or decimal.isalnum() or decimal in '"+- \r\n':
        raise FathomError(
            f"dataset.source.decimal is one character, a point or a comma, not {decimal!r}"
        )
    if delimiter == decimal:
        raise FathomError(
            f"dataset.source.decimal and dataset.source.delimiter are both {decimal!r}: "
            "a field would end within a number"
        )


def utf8(path: Path, content: bytes, encoding: str) -> bytes:
    """Return the bytes of a CSV file in UTF-8, without a byte order mark.

    Raises:
        FathomError: they are no text, or not in this encoding.
    """
    check_start(path, content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) and not re.search("16|32", encoding):
        raise FathomError(f"{path} begins as UTF-16 does: set dataset.source.encoding: utf-16")
    try:
        content = content.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, errors="replace")
        raise FathomError(
            f"{path}, line {line_of(before)}: byte 0x{error.object[error.start]:02x} is not "
            f"{encoding}: set dataset.source.encoding to the file's own, such as latin-1"
        ) from error
    except UnicodeError as error:
        raise FathomError(
            f"{path} is not {encoding}: set dataset.source.encoding to the file's own"
        ) from error
    except (LookupError, ValueError) as error:
        near = did_you_mean(encoding, ["utf-8", "utf-16", "latin-1", "cp1252"])
        raise FathomError(
            f"dataset.source.encoding: there is no encoding {encoding!r}{near}"
        ) from error
    if b"\0" in content:
        before = content[: content.index(b"\0")].decode()
        raise FathomError(
            f"{path}, line {line_of(before)}: a NUL character, which no text "
            "has: the file is damaged, or dataset.source.encoding is another, such as utf-16"
        )
    if content.isspace() or not content:
        raise FathomError(f"{path} is empty")
    return content


def line_of(before: str) -> int:
    """Return the number of the line that comes after some text."""
    return len(re.findall(r"\r\n|\r|\n", before)) + 1


def parsed(path: Path, content: bytes, delimiter: str) -> pa.Table:
    """Split the content of a CSV file, in UTF-8, into columns of strings.

    Raises:
        FathomError: a line is not as it should be.
    """
    limit = csv.field_size_limit(BLOCK)
    try:
        rows = records(path, content, delimiter)
        names = [name.strip() for name in next(rows)]
        check_names(path, names, delimiter)
        if next(rows, None) is None:
            raise FathomError(f"{path} has names of columns, but no rows")
        if b'"' in content:  # pyarrow takes a quote that is not closed for the rest of the file
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
    return table.slice(1).rename_columns(names)


def records(path: Path, content: bytes, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, header first, each with as many fields as the header.

    Raises:
        FathomError: a row has more or fewer, or its quotes are wrong.
    """
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    lines = csv.reader(text, delimiter=delimiter, strict=True)
    expected = 0
    while True:
        line = lines.line_num + 1
        try:
            fields = next(lines)
        except StopIteration:
            return
        except csv.Error as error:
            raise FathomError(
                f"{path}, line {line}: a quote is not closed, or text follows a closing quote: "
                'put a field that has quotes in quotes, and write each of them twice ("")'
            ) from error
        expected = expected or len(fields)
        if fields and len(fields) != expected:
            raise FathomError(
                f"{path}, line {line} has {len(fields)} field{'s' * (len(fields) != 1)}, but there "
                f"are {expected} columns: {shortened(delimiter.join(fields))}; correct it, or put "
                f"a field that has {delimiter!r} in quotes"
            )
        if fields:
            yield fields


def check_names(path: Path, names: Sequence[str], delimiter: str | None = None) -> None:
    """Refuse names of columns that are empty or not distinct, or of a file split wrongly."""
    other = next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0]), None)
    if delimiter is not None and other is not None:
        raise FathomError(
            f"{path} has one column, {shortened(names[0])}: "
            f"set dataset.source.delimiter: {json.dumps(other)}"
        )
    if "" in names:
        number = names.index("") + 1
        why = ""
        if delimiter is not None and number == 1:
            why = "; pandas' to_csv writes row numbers so, unless told index=False"
        elif delimiter is not None and number == len(names):
            why = "; perhaps each line ends with a delimiter too many"
        raise FathomError(f"{path}: column {number} has no name: name it or remove it{why}")
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        numbers = [str(number) for number, name in enumerate(names, 1) if name == twice]
        raise FathomError(
            f"{path}: columns {' and '.join(numbers)} are both named {shortened(twice)}: rename "
            "one; if the file has no line of names, add one"
        )
    quoted = next((name for name in names if delimiter is not None and name.startswith('"')), None)
    if quoted is not None:
        raise FathomError(
            f"{path}: the column name {shortened(quoted)} has a space before its quote: remove "
            "such spaces, so that quotes count as quotes"
        )


def inferred(column: pa.ChunkedArray, missing: list[str], decimal: str) -> pa.ChunkedArray:
    """Return a column of strings as the narrowest type that all its values have."""
    texts = trim_texts(column, missing)
    present = texts.drop_null()
    figures = replace_decimal_mark(texts, decimal)
    numbers = try_cast(figures, pa.float64())
    if numbers is not None:  # only then: 0x1F would be an integer, too
        whole = try_cast(figures, pa.int64())
        return numbers if whole is None else whole
    if compute.all(compute.is_in(present, value_set=pa.array(BOOLEANS))).as_py():
        return texts.cast(pa.bool_())
    times = (try_cast(texts, time) for time in TIMES)
    return next((time for time in times if time is not None), texts)


def trim_texts(column: pa.ChunkedArray, missing: Sequence[str]) -> pa.ChunkedArray:
    """Return texts without spaces around them, null where they stand for no value."""
    texts = compute.utf8_trim_whitespace(column)
    absent = compute.is_in(texts, value_set=pa.array([*MISSING, *missing]))
    return compute.if_else(absent, None, texts)


def replace_decimal_mark(texts: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    """Return texts as they are to be read as numbers, with a decimal point."""
    if decimal == ".":
        return texts
    no_number = compute.replace_substring(texts, ".", " ")  # a point makes none then
    return compute.replace_substring(no_number, decimal, ".")


def try_cast(column: pa.ChunkedArray, kind: Any) -> pa.ChunkedArray | None:
    """Return a column as another type, or None if a value is not of it."""
    try:
        column.slice(0, 1000).cast(kind)  # fails much sooner than the whole column would
        return column.cast(kind)
    except pa.ArrowInvalid:
        return None
