"""ARFF files, of Weka and OpenML."""

from __future__ import annotations

import io
import re
from pathlib import Path
from typing import Any

import pyarrow as pa

from fathom.base.errors import FathomError
from fathom.download.cells import table_of_rows, whole_number
from fathom.download.own_files import check_start, error_text, read_bytes

DECLARATION = re.compile(r"\s*(@\w+)\s+(.*\S)\s*")
DATE = re.compile(r"\bdate(\s+(\"[^\"]*\"|'[^']*'|\S+))?$", re.IGNORECASE)
INTEGER = re.compile(r"\binteger$", re.IGNORECASE)


def read_arff(path: Path) -> pa.Table:
    """Read dense or sparse rows of numeric, nominal, string and date attributes.

    Dates remain texts. "?" is a missing value; what a sparse row leaves out is 0 or the first
    nominal value.
    """
    from sklearn.externals import _arff  # liac-arff, as scikit-learn maintains it

    content = read_bytes(path)
    check_start(path, content)
    if not content.strip():
        raise FathomError(f"{path} is empty")
    try:
        text = content.decode("utf-8-sig")
        header, lines = split_header(text)
        is_sparse = next((line.strip() for line in lines if is_row(line)), "").startswith("{")
        kind = _arff.LOD if is_sparse else _arff.DENSE
        loaded = _arff.load(io.StringIO("".join([*header, *lines])), return_type=kind)
    except UnicodeDecodeError as error:
        raise FathomError(f"{path} is not UTF-8: save it as UTF-8") from error
    except (_arff.ArffException, ValueError, IndexError, KeyError) as error:
        raise FathomError(f"{path} cannot be read as ARFF: {error_text(error)}") from error
    kinds = [kind for _, kind in loaded["attributes"]]
    rows = [fill_row(row, kinds) for row in loaded["data"]] if is_sparse else loaded["data"]
    whole = [kind == "NUMERIC" for kind in kinds]
    cells = [[whole_number(v) if w else v for v, w in zip(r, whole, strict=True)] for r in rows]
    return table_of_rows(path, [name for name, _ in loaded["attributes"]], cells)


def split_header(text: str) -> tuple[list[str], list[str]]:
    """Return the lines of declarations, as the reader takes them, and the others."""
    lines = [f"{line}\n" for line in text.split("\n")]
    is_data = (n for n, line in enumerate(lines, 1) if line.strip().lower().startswith("@data"))
    end = next(is_data, len(lines))
    return [plain_declaration(line) for line in lines[:end]], lines[end:]


def plain_declaration(line: str) -> str:
    """Write a declaration with a space for a tab, dates as texts and integers as numbers.

    The reader does not know dates, and would round 1.5 in a column of integers.
    """
    match = DECLARATION.match(line)
    if match is None:
        return line
    keyword, rest = match.groups()
    if keyword.lower() == "@attribute" and not rest.endswith("}"):
        rest = INTEGER.sub("numeric", DATE.sub("string", rest))
    return f"{keyword} {rest}\n"


def is_row(line: str) -> bool:
    return line.strip() != "" and not line.lstrip().startswith("%")


def fill_row(row: dict[int, Any], kinds: list[Any]) -> list[Any]:
    """Return a sparse row with the values that it leaves out."""
    absent = [None if k == "STRING" else 0.0 if isinstance(k, str) else k[0] for k in kinds]
    return [row.get(number, value) for number, value in enumerate(absent)]
