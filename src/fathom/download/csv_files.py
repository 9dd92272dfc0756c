"""CSV files, read strictly: an error names the file and the line."""

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
    shorten,
)

MISSING = [
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN",
    "<NA>", "N/A", "NA", "NULL", "NaN", "None", "n/a", "nan", "null",
]  # fmt: skip
BOOLEANS = ["true", "True", "TRUE", "false", "False", "FALSE"]
TIMES = [pa.timestamp(unit, zone) for unit in ("us", "ns") for zone in (None, "UTC")]
SAMPLE = 1 << 16  # bytes that `guess_csv` reads
BLOCK = (1 << 31) - 1  # most bytes that pyarrow can parse at once


def read_csv_columns(
    path: Path, delimiter: str, decimal: str, encoding: str, missing: list[str]
) -> pa.Table:
    """Read a CSV file and convert each column to the narrowest type that fits all its values."""
    check_marks(delimiter, decimal)
    table = parse_csv(path, decode(path, read_bytes(path), encoding), delimiter)
    columns = [infer_type(column, missing, decimal) for column in table.columns]
    return pa.table(columns, names=table.column_names)


def guess_csv(path: Path) -> tuple[str, str, str]:
    """Guess a CSV file's delimiter, decimal mark and encoding from its first 64 kB.

    The delimiter is the tab, semicolon, bar or comma that splits most rows into as many fields as
    the header, or else the default of the suffix. The decimal mark is a comma if more columns of
    numbers contain commas than points. The encoding is utf-8, utf-8-sig, utf-16, cp1252 or latin-1.
    """
    suffix = check_suffix(path)
    if suffix not in DELIMITERS:
        raise FathomError(f"{path} is not a CSV file: omit delimiter, decimal and encoding")
    content = read_bytes(path, SAMPLE)
    check_start(path, content)
    encoding = guess_encoding(content)
    text = content.decode(encoding, errors="ignore")
    delimiter, rows, best = DELIMITERS[suffix], [[""]], 0.5
    for candidate in "\t;|,":
        lines = csv.reader(io.StringIO(text, newline=""), delimiter=candidate)
        split = [fields for fields in lines if fields]
        if len(content) == SAMPLE:
            split = split[:-1]  # the last row may be incomplete
        regular = [fields for fields in split if 1 < len(fields) == len(split[0])]
        if regular and len(regular) / len(split) > best:
            delimiter, rows, best = candidate, regular, len(regular) / len(split)
    return delimiter, "," if delimiter != "," and has_decimal_commas(rows) else ".", encoding


def guess_encoding(content: bytes) -> str:
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
    """Return whether more columns of numbers contain commas than points, ignoring the header."""
    count = dict.fromkeys(",.", 0)
    for column in zip(*rows[1:], strict=True):
        fields = [field.strip() for field in column if field.strip() not in MISSING]
        for mark in count:
            number = re.compile(rf"[+-]?\d*({re.escape(mark)}\d+)?([eE][+-]?\d+)?")
            if any(mark in field for field in fields) and all(map(number.fullmatch, fields)):
                count[mark] += 1
    return count[","] > count["."]


def check_marks(delimiter: str, decimal: str) -> None:
    is_ascii = len(delimiter) == 1 and delimiter.isascii()
    if not is_ascii or delimiter.isalnum() or delimiter in '"\r\n':
        tab = '; write a tab as "\\t", in double quotes' if delimiter == "\\t" else ""
        raise FathomError(
            f"dataset.source.delimiter must be one character, such as a comma, not {delimiter!r}"
            f"{tab}"
        )
    if len(decimal) != 1 or decimal.isalnum() or decimal in '"+- \r\n':
        raise FathomError(f"dataset.source.decimal must be a point or a comma, not {decimal!r}")
    if delimiter == decimal:
        raise FathomError(
            f"dataset.source.decimal and dataset.source.delimiter are both {decimal!r}, but must "
            "differ"
        )


def decode(path: Path, content: bytes, encoding: str) -> bytes:
    """Convert the content of a CSV file to UTF-8 without a byte order mark."""
    check_start(path, content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")) and not re.search("16|32", encoding):
        raise FathomError(f"{path} starts like UTF-16: set dataset.source.encoding: utf-16")
    remedy = "set dataset.source.encoding to the encoding of the file"
    try:
        content = content.decode(encoding).removeprefix("\ufeff").encode()
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode(encoding, errors="replace")
        raise FathomError(
            f"{path}, line {next_line(before)}: byte 0x{error.object[error.start]:02x} is not "
            f"{encoding}: {remedy}, such as latin-1"
        ) from error
    except UnicodeError as error:
        raise FathomError(f"{path} is not {encoding}: {remedy}") from error
    except (LookupError, ValueError) as error:
        near = did_you_mean(encoding, ["utf-8", "utf-16", "latin-1", "cp1252"])
        raise FathomError(
            f"dataset.source.encoding: there is no encoding {encoding!r}{near}"
        ) from error
    if b"\0" in content:
        line = next_line(content[: content.index(b"\0")].decode())
        raise FathomError(
            f"{path}, line {line}: text has no NUL character: the file is damaged, or {remedy}, "
            "such as utf-16"
        )
    if content.isspace() or not content:
        raise FathomError(f"{path} is empty")
    return content


def next_line(before: str) -> int:
    return len(re.findall(r"\r\n|\r|\n", before)) + 1


def parse_csv(path: Path, content: bytes, delimiter: str) -> pa.Table:
    """Split the content of a CSV file, in UTF-8, into columns of strings."""
    limit = csv.field_size_limit(BLOCK)
    try:
        rows = read_rows(path, content, delimiter)
        names = [name.strip() for name in next(rows)]
        check_names(path, names, delimiter)
        if next(rows, None) is None:
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
    return table.slice(1).rename_columns(names)


def read_rows(path: Path, content: bytes, delimiter: str) -> Iterator[list[str]]:
    """Yield the rows of a CSV file, header first, and check their quotes and numbers of fields."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8", newline="")
    reader = csv.reader(text, delimiter=delimiter, strict=True)
    expected, line = 0, 1
    try:
        for fields in reader:
            expected = expected or len(fields)
            if fields and len(fields) != expected:
                raise FathomError(
                    f"{path}, line {line} has {len(fields)} field{'s' * (len(fields) != 1)}, but "
                    f"there are {expected} columns: {shorten(delimiter.join(fields))!r}; correct "
                    f"it, or put a field that contains {delimiter!r} in quotes"
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
    other = next((mark for mark in ";\t|," if len(names) == 1 and mark in names[0]), None)
    if is_csv and other is not None:
        raise FathomError(
            f"{path} has one column, {shorten(names[0])!r}: "
            f"set dataset.source.delimiter: {json.dumps(other)}"
        )
    if "" in names:
        number = names.index("") + 1
        hint = ""
        if is_csv and number == 1:
            hint = "; to_csv of pandas writes row numbers like this without index=False"
        elif is_csv and number == len(names):
            hint = "; perhaps each line ends with an extra delimiter"
        raise FathomError(f"{path}: column {number} has no name: name it or remove it{hint}")
    for name in names:
        if names.count(name) > 1:
            numbers = [str(number) for number, other in enumerate(names, 1) if other == name]
            raise FathomError(
                f"{path}: columns {' and '.join(numbers)} are both named {shorten(name)!r}: rename "
                "one; if the file has no header, add one"
            )
        if is_csv and name.startswith('"'):
            raise FathomError(
                f"{path}: the column name {shorten(name)!r} has a space before its quote: remove "
                "such spaces"
            )


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
