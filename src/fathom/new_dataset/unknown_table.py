"""Reads a table of which nothing is known: the columns of a CSV file as texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fathom.artifacts.schema import LARGE
from fathom.base.errors import FathomError
from fathom.download.csv_dialect import (
    SEPARATOR,
    WHITESPACE,
    add_index_name,
    find_delimiter,
    guess_csv,
)
from fathom.download.csv_encoding import FEW_FIELDS, EncodingGuess, decode, guess_encoding
from fathom.download.csv_files import INDEX, find_mark, name_columns, name_index, parse_csv
from fathom.download.own_files import DELIMITERS, KINDS, check_suffix, read_bytes
from fathom.download.parquet_files import is_parquet, parquet_table
from fathom.download.table_files import Part, open_arrow, read_table_file
from fathom.new_dataset.column_guess import Check
from fathom.new_dataset.dataset_file import Arguments
from fathom.new_dataset.header import refuse_data, refuse_repeated
from fathom.new_dataset.printing import shorten
from fathom.settings.column_settings import MISSING

LIBSVM = re.compile(rb"\s*[-+.\deE]+([ \t]+\d+:[-+.\deE]+)+[ \t]*[\r\n]")

ROW_NAMES = Check(
    INDEX,
    "the first line has one name fewer than the other lines have fields: the first field is read "
    "as the row names of R",
    "write all names into the first line of the file",
)


@dataclass(frozen=True)
class UnknownTable:
    """The first rows of a table, or all of its `rows`, as they are in the file.

    `source` has the arguments of `table_file` by which the file differs from the usual, `decimal`
    is its decimal mark, `missing` has the texts that stand for a missing value in any column, and
    `checks` are ambiguities of the whole file.
    """

    table: pd.DataFrame
    rows: int
    source: Arguments
    decimal: str = "."
    checks: tuple[Check, ...] = ()
    missing: Sequence[str] = ()


def read_unknown_table(file: Path, header: bool | None, part: Part | None = None) -> UnknownTable:
    """Read a file. `header` tells whether a CSV file has one; None: it must look like having one.

    Raises:
        FathomError: the file cannot be read, or seems to have no header.
    """
    if not file.is_dir() and check_suffix(file) in DELIMITERS:
        return read_unknown_csv(file, header)
    if header is not None:
        raise FathomError(f"--{'' if header else 'no-'}header is for CSV files, not for {file}")
    checks: tuple[Check, ...] = ()
    if file.is_dir() or is_parquet(file):
        large = parquet_table(file)
        checks = check_zones(large.schema)
        if file.is_dir() or large.size > LARGE:
            head = large.head(LARGE // len(large.schema.names))
            return UnknownTable(head, large.rows, {}, checks=checks)
    elif check_suffix(file) in KINDS:
        with open_arrow(file, 1) as (schema, _):
            checks = check_zones(schema)
    table = read_table_file(file, part=part or Part())
    return UnknownTable(table, len(table), {}, checks=checks)


def check_zones(schema: pa.Schema) -> tuple[Check, ...]:
    """Return the columns of times on other clocks than that of UTC, as which they are read."""
    zones = {field.name: getattr(field.type, "tz", None) for field in schema}
    return tuple(
        Check(name, f"the times of {zone} become UTC", "save them as local times, without a zone")
        for name, zone in zones.items()
        if zone not in (None, "UTC", "Z", "+00:00")
    )


def read_unknown_csv(file: Path, header: bool | None) -> UnknownTable:
    content, default = read_bytes(file), DELIMITERS[check_suffix(file)]
    delimiter, decimal, _ = guess_csv(file)
    encoding = guess_encoding(content)  # of all of it, not of the first 64 kB
    text = decode(file, content, encoding.name)
    if LIBSVM.match(text):
        raise FathomError(
            f"{file} is a file of LIBSVM, with pairs such as 3:0.5: read it with "
            "sklearn.datasets.load_svmlight_file and save it as CSV or Parquet"
        )
    first_line = SEPARATOR.match(text) is not None
    has_header = header is not False
    rows, mark, lacks_name = split_text(file, text, delimiter, has_header)
    if rows.num_columns == 1:  # no delimiter splits all lines alike: the error names a line
        delimiter = find_mark([str(rows[0][0])]) or delimiter
        rows, mark, lacks_name = split_text(file, text, delimiter, has_header)
    if has_header:
        names = name_index([(column[0].as_py() or "").strip() for column in rows.columns])
        refuse_repeated(file, names, rows.slice(1), decimal)
        if header is None:
            refuse_data(file, names, rows.slice(1), decimal)
        rows = name_columns(file, rows, names, mark)
        if not len(rows):
            raise FathomError(f"{file} has a header, but no rows")
    source: Arguments = {}
    if delimiter != default:
        why = "in the first line" if first_line else ""
        source["delimiter"] = (delimiter, "runs of blanks" if delimiter == WHITESPACE else why)
    if decimal != ".":
        source["decimal"] = (decimal, "")
    if not encoding.name.startswith("utf-8"):
        source["encoding"] = (encoding.name, describe_fields(encoding))
    if header is False:
        source["header"] = (False, "the first row is data")
    checks = check_encoding(encoding, content, rows.column_names) + [ROW_NAMES] * lacks_name
    return UnknownTable(rows.to_pandas(), len(rows), source, decimal, tuple(checks), MISSING)


def split_text(
    file: Path, text: bytes, delimiter: str, has_header: bool
) -> tuple[pa.Table, str, bool]:
    """Return all rows as columns of texts, the mark that splits them, and whether the header has no
    name for row names.
    """
    content, mark = find_delimiter(text, delimiter, "")
    named = add_index_name(content, mark) if has_header else content
    return parse_csv(file, named, mark, header=False), mark, named is not content


def describe_fields(encoding: EncodingGuess) -> str:
    return f"reads {shorten(encoding.read_example())!r}" if encoding.fields else ""


def check_encoding(encoding: EncodingGuess, content: bytes, names: Sequence[str]) -> list[Check]:
    """Return an encoding that others might replace, with a text that they read differently."""
    if encoding.other is None:
        return []
    first, second = encoding.read_example(), encoding.read_example(encoding.other)
    count = len(encoding.fields)
    few = f", of which there {'is only one' if count == 1 else f'are only {count}'}"
    evidence = (
        f"{shorten(first)!r} is read as {encoding.name}, the encoding that fits best the texts "
        f"beyond ASCII{few if count < FEW_FIELDS else ''}; as {encoding.other} it would be "
        f"{shorten(second)!r}"
    )
    change = f"encoding: {encoding.other}"
    if not ("".join(names).isascii() and can_decode(content, encoding.other)):
        change = "save the file as UTF-8"
    return [Check("encoding", evidence, change)]


def can_decode(content: bytes, encoding: str) -> bool:
    try:
        return bool(content.decode(encoding))
    except UnicodeDecodeError:
        return False
