"""Columns of a table in JSON, as inputs of the model."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.signature import BOOLEANS, InputColumn, Signature, to_seconds
from fathom.base.errors import FathomError, did_you_mean
from fathom.predict.model_inputs import Inputs, read_values
from fathom.serve.request_error import RequestError, json_text, json_type, shorten
from fathom.settings.column_settings import MISSING

NULL = type(None)

Columns = Mapping[str, Sequence[Any]]  # by name, one value per row


def rows_to_columns(rows: Sequence[Any], signature: Signature) -> Columns:
    """Return the columns of rows, each an object with a value for every column."""
    names = {column.name: None for column in signature.columns}.keys()
    for number, row in enumerate(rows):
        if not isinstance(row, dict):
            raise RequestError(
                f"row {number} must be an object of columns and values, not {json_type(row)}"
            )
        if row.keys() != names:
            raise column_name_error(f"row {number}", list(row), signature)
    return {name: [row[name] for row in rows] for name in names}


def check_columns(columns: Any, signature: Signature) -> Columns:
    """Return the columns if they are lists of one length, none missing or unknown."""
    if not isinstance(columns, dict):
        raise RequestError(f"inputs must be an object of columns, not {json_type(columns)}")
    if columns.keys() != {column.name for column in signature.columns}:
        raise column_name_error("inputs", list(columns), signature)
    first = next(iter(columns))
    for name, values in columns.items():
        if not isinstance(values, list):
            kind = json_type(values)
            raise RequestError(f"inputs: column {name!r} must be a list of values, not {kind}")
        if len(values) != len(columns[first]):
            raise RequestError(
                f"inputs: column {first!r} has {len(columns[first])} values and {name!r} has "
                f"{len(values)}: give one value per row",
            )
    return columns


def column_name_error(where: str, names: Sequence[str], signature: Signature) -> RequestError:
    """Name an unknown column, or else a missing one."""
    known = [column.name for column in signature.columns]
    for name in names:
        if name not in known:
            near = did_you_mean(name[:100], known)
            return RequestError(f"{where}: the model has no column {shorten(repr(name), 60)}{near}")
    missing = [name for name in known if name not in names]
    more = f" (and {len(missing) - 1} more)" if len(missing) > 1 else ""
    return RequestError(
        f"{where}: column {missing[0]!r}{more} is missing: give null for a missing value"
    )


def table_inputs(columns: Columns, signature: Signature) -> Inputs:
    """Return the inputs of the model for columns of JSON values.

    Raises:
        RequestError: a value is not of its column's type; the line names its row, from 0.
    """
    return {
        column.input: convert_column(columns[column.name], column, signature.missing)
        for column in signature.columns
    }


def convert_column(
    values: Sequence[Any], column: InputColumn, missing: Sequence[str]
) -> NDArray[np.float64] | NDArray[np.object_]:
    """Return numbers, dates as seconds since 1970-01-01, or texts."""
    if column.declaration.kind == "ordinal":
        return to_levels(values, column)
    if column.kind == "text":
        return to_texts(values, column, missing)
    if column.kind == "date":
        return to_dates(values, column, missing)
    check_types(values, column, {int, float, NULL}, "is not a number")
    numbers = to_floats(values)
    check_values(values, ~np.isinf(numbers), column, "does not fit into 64 bits")
    if column.declaration.kind == "integer":
        whole = np.isnan(numbers) | (np.floor(numbers) == numbers)
        check_values(values, whole, column, "is not a whole number")
    return numbers


def to_floats(values: Sequence[int | float | None]) -> NDArray[np.float64]:
    """Return numbers: NaN for None, infinity for integers that are too large."""
    try:
        return np.array(values, dtype=np.float64)
    except OverflowError:
        singles = [np.inf if isinstance(v, int) and abs(v) > 1e308 else v for v in values]
        return np.array(singles, dtype=np.float64)


def to_texts(
    values: Sequence[Any], column: InputColumn, missing: Sequence[str]
) -> NDArray[np.object_]:
    """Return texts: "" for missing ones, booleans as True and False in any spelling."""
    declared, known = column.declaration, set(column.categories or column.texts)
    is_boolean = declared.kind == "boolean"
    if is_boolean:
        check_types(values, column, {str, bool, NULL}, "is not true, false or a string")
        values = [str(value) if isinstance(value, bool) else value for value in values]
    if column.has_codes:
        values = [str(value) if type(value) is int else value for value in values]
    check_types(values, column, {str, NULL}, "is not a string")
    check_unicode(values, column)
    markers = {*MISSING, *missing} if declared.missing is None else {"", *declared.missing}

    def read(value: str | None) -> str:
        if value is None or value in known:
            return value or ""
        text = value.strip()
        return "" if text in markers else text.capitalize() if is_boolean else text

    texts = [read(value) for value in values]
    if is_boolean:
        valid = [not text or text in BOOLEANS for text in texts]
        check_values(values, valid, column, "is neither true nor false")
    return np.array(texts, dtype=object)


def to_levels(values: Sequence[Any], column: InputColumn) -> NDArray[np.object_]:
    """Return the texts of an ordinal, "" for missing ones."""
    order = column.declaration.order or []
    valid = [value is None or value in order for value in values]
    check_values(values, valid, column, f"is not in its order {' < '.join(order)}")
    return np.array([value or "" for value in values], dtype=object)


def to_dates(
    values: Sequence[Any], column: InputColumn, missing: Sequence[str]
) -> NDArray[np.float64]:
    """Return dates, written as texts or as numbers such as 20200131."""
    check_types(values, column, {str, int, NULL}, "is not a date")
    check_unicode(values, column)
    texts = pd.Series([None if v is None else str(v) for v in values], dtype="str")
    try:
        dates = read_values(texts, column, missing, unknown="give null")
    except FathomError as error:
        raise RequestError(str(error)) from error
    return to_seconds(dates).to_numpy()


def check_types(values: Sequence[Any], column: InputColumn, types: set[type], why: str) -> None:
    if not set(map(type, values)) <= types:
        check_values(values, [type(value) in types for value in values], column, why)


def check_unicode(values: Sequence[Any], column: InputColumn) -> None:
    """Refuse half a surrogate pair, which JSON can escape but no text can hold."""
    texts = [value if isinstance(value, str) else "" for value in values]
    try:
        "".join(texts).encode()
    except UnicodeEncodeError:
        valid = [not any("\ud800" <= letter <= "\udfff" for letter in text) for text in texts]
        check_values(values, valid, column, "is not Unicode text")


def check_values(
    values: Sequence[Any], valid: Sequence[bool] | NDArray[np.bool_], column: InputColumn, why: str
) -> None:
    """Refuse the first value that is not valid."""
    every = np.asarray(valid)
    if not every.all():
        row = int(every.argmin())
        raise RequestError(
            f"row {row}: {json_text(values[row])} in column {column.name!r} {why}: correct it, or "
            "give null for a missing value",
        )
