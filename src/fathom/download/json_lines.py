"""Files with a JSON object in each line (.jsonl, .ndjson)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa

from fathom.base.errors import FathomError
from fathom.download.cells import table_of_rows
from fathom.download.own_files import check_start, error_text, read_bytes, shorten


def read_json_lines(path: Path) -> pa.Table:
    """Read objects with one value for each column; a key that an object lacks is missing."""
    content = read_bytes(path)
    check_start(path, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FathomError(f"{path}, line {line} is not UTF-8: save it as UTF-8") from error
    rows = [
        parse_line(f"{path}, line {number}", line)
        for number, line in enumerate(text.split("\n"), 1)
        if line.strip()
    ]
    if not rows:
        raise FathomError(f"{path} is empty")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return table_of_rows(path, names, [[row.get(name) for name in names] for row in rows])


def parse_line(where: str, line: str) -> dict[str, Any]:
    try:
        row = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise FathomError(
            f"{where} is not JSON ({error_text(error)}): write one object in each line"
        ) from error
    if not isinstance(row, dict):
        raise FathomError(
            f'{where} is {shorten(line.strip())!r}, not an object such as {{"x": 1}}: write one '
            "object in each line"
        )
    for key, value in row.items():
        if isinstance(value, dict | list):
            kind = "an object" if isinstance(value, dict) else "a list"
            raise FathomError(
                f"{where}: {key!r} holds {kind}: write its values as columns of their own, such "
                f'as "{key}_1"'
            )
    return row
