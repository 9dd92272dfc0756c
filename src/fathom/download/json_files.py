"""Files of JSON: a list of objects (.json), or an object in each line (.jsonl, .ndjson)."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pyarrow as pa

from fathom.base.errors import FathomError
from fathom.download.cells import table_of_rows
from fathom.download.own_files import check_start, check_suffix, error_text, read_bytes, shorten


def read_json(path: Path) -> pa.Table:
    """Read objects with one value for each column; a key that an object lacks is missing.

    A .json file has a list of them, an object in each line, an object that holds such a list beside
    other values, as services on the web send it: {"status": 0, "data": [{"x": 1}]}, or an object of
    columns, as pandas writes it without `orient`: {"x": {"0": 1, "1": 2}}, or {"x": [1, 2]}.
    """
    content = read_bytes(path)
    check_start(path, content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FathomError(f"{path}, line {line} is not UTF-8: save it as UTF-8") from error
    objects: Iterable[tuple[str, Any]] | None = None
    if check_suffix(path) == ".json":
        with contextlib.suppress(ValueError, RecursionError):  # of lines, or damaged
            objects = list_objects(path, json.loads(text))
    if objects is None:
        objects = parse_lines(path, text)
    rows = [check_object(where, value) for where, value in objects]
    if not rows:
        raise FathomError(f"{path} is empty")
    names = list(dict.fromkeys(name for row in rows for name in row))
    return table_of_rows(path, names, [[row.get(name) for name in names] for row in rows])


def list_objects(path: Path, document: Any) -> list[tuple[str, Any]]:
    """Return the objects of a document, each with its place."""
    if isinstance(document, dict):
        lists = [values for values in document.values() if is_list_of_objects(values)]
        if len(lists) == 1:
            return list_objects(path, lists[0])
        columns = {
            name: dict(enumerate(values)) if isinstance(values, list) else values
            for name, values in document.items()
        }
        if not all(isinstance(values, dict) for values in columns.values()):
            return [(str(path), document)]
        keys = dict.fromkeys(key for values in columns.values() for key in values)
        document = [{name: values.get(key) for name, values in columns.items()} for key in keys]
    if not isinstance(document, list):
        return [(str(path), document)]
    return [(f"{path}, object {number}", value) for number, value in enumerate(document, 1)]


def is_list_of_objects(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(one, dict) for one in value)


def parse_lines(path: Path, text: str) -> Iterable[tuple[str, Any]]:
    """Yield what each line holds, and its place."""
    for number, line in enumerate(text.split("\n"), 1):
        where = f"{path}, line {number}"
        if line.strip():
            try:
                yield where, json.loads(line)
            except (ValueError, RecursionError) as error:
                raise FathomError(
                    f"{where} is not JSON ({error_text(error)}): write one object in each line"
                ) from error


def check_object(where: str, row: Any) -> dict[str, Any]:
    if not isinstance(row, dict):
        raise FathomError(
            f'{where} is {shorten(json.dumps(row))!r}, not an object such as {{"x": 1}}: write one '
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
