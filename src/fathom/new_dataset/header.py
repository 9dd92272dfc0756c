"""Whether the first row has the names of the columns or is data like the others, and the second
units.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from typing import Any

import pandas as pd
import pyarrow as pa
from pyarrow import compute

from fathom.base.errors import FathomError
from fathom.download.csv_files import replace_decimal_mark, trim_texts, try_cast
from fathom.new_dataset.missing_markers import MARKERS
from fathom.settings.column_settings import MISSING

SAMPLE = 1000  # rows whose values are compared with the names
YEARS = (1500, 2200)


def refuse_data(file: object, names: Sequence[str], rows: pa.Table, decimal: str) -> None:
    """Raise a FathomError that names --no-header if the first row looks like data.

    Args:
        names: the fields of the first row.
        rows: the other rows, as strings.
        decimal: the decimal mark of the file.
    """
    evidence = find_data(names, rows, decimal)
    if evidence is not None:
        raise FathomError(
            f"{file} seems to have no header: {evidence}. --no-header takes the first row as data "
            f"and names the columns column_1 … column_{len(names)}, --header as the names"
        )


def refuse_repeated(file: object, names: Sequence[str], rows: pa.Table, decimal: str) -> None:
    """Raise a FathomError if rows equal the first one, which then is no row of data.

    Without these rows a column has only numbers, but its name is none.
    """
    repeated = compute.equal(compute.utf8_trim_whitespace(rows[0]), names[0])
    for column, name in zip(rows.columns[1:], names[1:], strict=True):
        if not compute.any(repeated).as_py():
            return
        repeated = compute.and_(repeated, compute.equal(compute.utf8_trim_whitespace(column), name))
    others = rows.filter(compute.invert(repeated)).slice(0, SAMPLE)
    for column, name in zip(others.columns, names, strict=True):
        numbers = to_numbers(trim_texts(column, MISSING).drop_null(), decimal)
        if numbers and to_numbers(pa.chunked_array([[name]]), decimal) is None:
            row = compute.index(repeated, True).as_py()
            if row >= 0:
                raise FathomError(
                    f"{file}: row {row} repeats the names of the columns: delete such rows"
                )


def refuse_units(file: object, table: pd.DataFrame) -> None:
    """Raise a FathomError if the first row has texts in two columns that otherwise have numbers.

    These are units, types of data, or the lower names of a header of two rows.
    """
    texts = {name: find_text_above(table[name]) for name in table}
    found = [f"{text!r} in {name!r}" for name, text in texts.items() if text]
    if len(found) > 1:
        raise FathomError(
            f"{file}: the first row of data has {' and '.join(found[:2])}, where other rows have "
            "numbers: delete it, or write units into the names of the columns"
        )


def find_text_above(column: pd.Series[Any]) -> str:
    """Return the first text of a column if all others begin with digits, but it does not, or ""."""
    first, others = column.iloc[0], column.iloc[1:SAMPLE].dropna()
    is_text = isinstance(first, str) and first.strip().lower() not in {"", *MARKERS}
    if not is_text or re.match(r"\W*\d", first) or not len(others):
        return ""
    return first if others.astype("str").str.match(r"\W*\d|\s*$").all() else ""


def find_data(names: Sequence[str], rows: pa.Table, decimal: str) -> str | None:
    """Say why the first row looks like data, or return None.

    It does if all columns of numbers have a number as name, unless these numbers are labels such as
    years; or, without numbers, if the name of each column with repeated values is one of them.
    """
    columns = [trim_texts(column, MISSING).drop_null() for column in rows.columns]
    numeric, texts = {}, []
    for place, (name, column) in enumerate(zip(names, columns, strict=True)):
        numbers = to_numbers(column.slice(0, SAMPLE), decimal)
        if numbers is None:
            texts.append((name, column))
        elif len(numbers) and name.lower() not in MARKERS:
            numeric[place] = numbers
    if not numeric:
        return find_repeated(texts)
    written = [names[place] for place in numeric]
    values = to_numbers(pa.chunked_array([pa.array(written, pa.string())]), decimal)
    if values is None or are_labels(values.to_pylist(), list(numeric.values())):
        return None
    columns_of = "the column" if len(written) == 1 else f"all {len(written)} columns"
    return f"its first row has a number for {columns_of} of numbers, such as {written[0]!r}"


def to_numbers(texts: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray | None:
    return try_cast(replace_decimal_mark(texts, decimal), pa.float64())


def are_labels(names: list[float], columns: list[pa.ChunkedArray]) -> bool:
    """Tell whether numbers label columns: they rise evenly, are years, or are unlike the values."""
    steps = {round(after - before, 9) for before, after in itertools.pairwise(names)}
    even = len(steps) == 1 and 0 not in steps
    if (even and len(names) > 2) or steps == {1.0}:
        return True
    ranges = [compute.min_max(column).as_py() for column in columns]
    inside = sum(r["min"] <= name <= r["max"] for name, r in zip(names, ranges, strict=True))
    are_years = all(YEARS[0] <= name <= YEARS[1] and name % 1 == 0 for name in names)
    rise = names == sorted(set(names))
    return inside < len(names) / 2 or (are_years and rise and not is_year(ranges[0]["max"]))


def is_year(value: float) -> bool:
    return YEARS[0] <= value <= YEARS[1]


def find_repeated(columns: list[tuple[str, pa.ChunkedArray]]) -> str | None:
    """Say that texts of the first row occur below it, if all do whose columns repeat values."""
    alike = [is_alike(name, column) for name, column in columns]
    repeated = [len(column.unique()) < len(column) for _, column in columns]
    if not any(alike) or any(r and not a for r, a in zip(repeated, alike, strict=True)):
        return None
    if sum(alike) < len(alike) / 2:
        return None
    name = next(name for (name, _), a in zip(columns, alike, strict=True) if a)
    return f"its first row has values like those below it, such as {name!r}"


def is_alike(name: str, column: pa.ChunkedArray) -> bool:
    """Tell whether a text is among the values, or has digits in the places where they have."""
    if compute.index(column, name).as_py() >= 0:
        return True
    shape = shape_of(name)
    shapes = {shape_of(text) for text in column.slice(0, SAMPLE).to_pylist()}
    return "9" in shape and shapes == {shape}


def shape_of(text: str) -> str:
    return re.sub(r"[^\W\d]+", "a", re.sub(r"\d+", "9", text))
