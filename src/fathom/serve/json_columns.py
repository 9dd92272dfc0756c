"""The values of a table's columns in JSON, as the model takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.signature import InputColumn, Signature
from fathom.base.errors import FathomError, did_you_mean
from fathom.predict.model_inputs import BOOLEANS, Inputs, parse_dates
from fathom.serve.errors import RefusedError, cut, kind_of, shown

NULL = type(None)

Columns = Mapping[str, Sequence[Any]]  # by the names of the raw columns, a value a row


def columns_of_rows(rows: Sequence[Any], signature: Signature) -> Columns:
    """Return the columns of rows, each an object with the values of all columns.

    Raises:
        RefusedError: a row is none, lacks a column or has one that the model does not take.
    """
    names = {column.name: None for column in signature.columns}.keys()
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RefusedError(
                400, f"row {number} must be an object of columns and values, not {kind_of(row)}"
            )
        if row.keys() != names:
            raise other_names(f"row {number}", list(row), signature)
    return {name: [row[name] for row in rows] for name in names}


def named_columns(given: Any, signature: Signature) -> Columns:
    """Return columns that were given by their names, as lists of one length.

    Raises:
        RefusedError: they are not so, one is missing or the model does not take it.
    """
    if not isinstance(given, dict):
        raise RefusedError(400, f"inputs must be an object of columns, not {kind_of(given)}")
    if given.keys() != {column.name for column in signature.columns}:
        raise other_names("inputs", list(given), signature)
    first = next(iter(given))
    for name, values in given.items():
        if not isinstance(values, list):
            what = kind_of(values)
            raise RefusedError(400, f"inputs: column {name!r} must be a list of values, not {what}")
        if len(values) != len(given[first]):
            raise RefusedError(
                400,
                f"inputs: column {first!r} has {len(given[first])} values, but {name!r} "
                f"{len(values)}: give one a row",
            )
    return given


def other_names(where: str, names: Sequence[str], signature: Signature) -> RefusedError:
    """Say which name is one too many, or else which is missing."""
    taken = [column.name for column in signature.columns]
    for name in names:
        if name not in taken:
            near = did_you_mean(name[:100], taken)
            return RefusedError(
                400, f"{where}: the model takes no column {cut(repr(name), 60)}{near}"
            )
    missing = [name for name in taken if name not in names]
    more = f", and {len(missing) - 1} more," if len(missing) > 1 else ""
    return RefusedError(
        400, f"{where}: column {missing[0]!r}{more} is missing: give null for what is not known"
    )


def table_inputs(columns: Columns, signature: Signature) -> Inputs:
    """Return columns as `prediction.columns.model_inputs` does, taking JSON's types strictly.

    Raises:
        RefusedError: a value is not of its column's kind; the line names its row, from 0.
    """
    return {
        column.input: values_of(columns[column.name], column, signature.missing)
        for column in signature.columns
    }


def values_of(
    values: Sequence[Any], column: InputColumn, missing: Sequence[str]
) -> NDArray[np.float64] | NDArray[np.object_]:
    """Return a column as the model takes it."""
    if column.kind == "text":
        return texts_of(values, column, missing)
    if column.kind == "date":
        return seconds_of(values, column, missing)
    require(values, column, {int, float, NULL}, "is no number")
    numbers = floats(values)
    infinite = np.isinf(numbers)
    if infinite.any():
        refuse(values, int(infinite.argmax()), column, "is beyond the numbers of 64 bits")
    return numbers


def floats(values: Sequence[int | float | None]) -> NDArray[np.float64]:
    """Return numbers, NaN for None, infinity for integers that are too large."""
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        singles = [np.inf if isinstance(v, int) and abs(v) > 1e308 else v for v in values]
        return np.array(singles, dtype=np.float64)


def texts_of(
    values: Sequence[Any], column: InputColumn, missing: Sequence[str]
) -> NDArray[np.object_]:
    """Return texts, "" for missing ones, and booleans however they are written."""
    boolean = set(column.categories or ()) <= BOOLEANS
    if boolean:
        require(values, column, {str, bool, NULL}, "is neither true nor false nor a text")
        values = [str(v) if isinstance(v, bool) else v for v in values]
    require(values, column, {str, NULL}, "is no text")
    require_unicode(values, column)
    texts = ["" if v is None or v in missing else v for v in values]
    if boolean:
        texts = [v.capitalize() if v.capitalize() in BOOLEANS else v for v in texts]
    return np.array(texts, dtype=object)


def seconds_of(
    values: Sequence[Any], column: InputColumn, missing: Sequence[str]
) -> NDArray[np.float64]:
    """Return dates, texts or numbers such as 20200131, as seconds since 1970-01-01."""
    require(values, column, {str, int, NULL}, "is no date")
    require_unicode(values, column)
    texts = [None if v is None or v in (*missing, "") else str(v) for v in values]
    try:
        return parse_dates(pd.Series(texts, dtype="str"), column, 0, unknown="give null")
    except FathomError as error:
        raise RefusedError(400, str(error)) from error


def require(values: Sequence[Any], column: InputColumn, kinds: set[type], why: str) -> None:
    """Refuse the first value of another type."""
    if not set(map(type, values)) <= kinds:
        refuse(values, [type(value) in kinds for value in values].index(False), column, why)


def require_unicode(values: Sequence[Any], column: InputColumn) -> None:
    """Refuse half a surrogate pair, which JSON's escapes can write but no text can hold."""
    texts = [value if isinstance(value, str) else "" for value in values]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        row = next(n for n, v in enumerate(texts) if any("\ud800" <= c <= "\udfff" for c in v))
        refuse(values, row, column, "is no Unicode text")


def refuse(values: Sequence[Any], row: int, column: InputColumn, why: str) -> NoReturn:
    raise RefusedError(
        400,
        f"column {column.name!r} holds {shown(values[row])} in row {row}, which {why}: correct "
        "it, or give null if it is not known",
    )
