"""Columns of Python values, as workbooks, JSON, ARFF and databases hold them."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from fathom.base.errors import FathomError
from fathom.download.csv_files import check_names

NUMBERS = {int, float, Decimal}
DATES = {datetime.date, datetime.datetime}
EXACT = 2**53  # floats below are whole numbers exactly
SCALARS = {str, bool, *NUMBERS, *DATES, datetime.time, datetime.timedelta, uuid.UUID}


def table_of_rows(path: Path, names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.Table:
    """Return rows of Python values as typed columns; the values of a column may have many types.

    Raises:
        FathomError: a name is empty or repeated, there are no rows, or a value is none of numbers,
            text, booleans or times.
    """
    check_names(path, names)
    if not rows:
        raise FathomError(f"{path} has no rows")
    columns = zip(*rows, strict=True)
    return pa.table(
        [arrow_column(f"{path}: column {n!r}", c) for n, c in zip(names, columns, strict=True)],
        names=list(names),
    )


def arrow_column(where: str, values: Sequence[Any]) -> pa.Array:
    """Return values of one type as it is; values of several types become texts.

    Integers and floats become floats, dates times, and times with a zone those of UTC. None and
    empty texts are missing.
    """
    types = set(map(type, values)) - {type(None)}
    if not types:
        return pa.nulls(len(values))
    if types == {int} and all(abs(value) < 2**63 for value in values if value is not None):
        return pa.array(values, pa.int64())
    if types <= NUMBERS:
        return pa.array([None if v is None else float(v) for v in values], pa.float64())
    if types <= DATES:
        return pa.array(list(map(to_time, values)), pa.timestamp("us"))
    if types in ({bool}, {datetime.timedelta}):
        return pa.array(values)
    other = next((kind for kind in types if not issubclass(kind, tuple(SCALARS))), None)
    if other is not None:
        kind = {"dict": "an object", "list": "a list"}.get(other.__name__, other.__name__)
        row = next(row for row, value in enumerate(values) if type(value) is other)
        raise FathomError(
            f"{where} holds {kind} in row {row}, not a number, text, boolean or time: remove or "
            "convert it"
        )
    return pa.array(list(map(to_text, values)), pa.string())


def whole_number(value: Any) -> Any:
    """Return a float without a fraction as an integer, and any other value as it is."""
    is_whole = isinstance(value, float) and value.is_integer() and abs(value) < EXACT
    return int(value) if is_whole else value


def to_time(value: datetime.date | None) -> datetime.datetime | None:
    if value is None:
        return None
    if not isinstance(value, datetime.datetime):
        return datetime.datetime(value.year, value.month, value.day)
    if value.tzinfo is None:
        return value
    return value.astimezone(datetime.UTC).replace(tzinfo=None)


def to_text(value: Any) -> str | None:
    """Return a value as a spreadsheet shows it, None for an empty one."""
    if isinstance(value, bool):
        return str(value).upper()
    return None if value is None else str(value).strip() or None
