"""Raw columns as a model takes them, or one line that says what is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import as_texts
from fathom.artifacts.signature import InputColumn, Signature, to_seconds
from fathom.base.errors import FathomError, did_you_mean

Inputs = Mapping[str, NDArray[Any]]  # by the names of the model's inputs, of shape (rows, ...)

BOOLEANS = {"True", "False"}
EMPTY = "leave it empty"  # how to write a value that is not known


def check_columns(names: Sequence[str], signature: Signature) -> list[str]:
    """Return the names that the model does not use. Refuse names without one that it needs."""
    wanted = [column.name for column in signature.columns]
    unused = [name for name in names if name not in wanted]
    missing = [name for name in wanted if name not in names]
    if missing:
        near = did_you_mean(missing[0], unused) if unused else ""
        more = f", nor {len(missing) - 1} more that the model takes" if len(missing) > 1 else ""
        raise FathomError(f"there is no column {missing[0]!r}{more}{near}")
    return unused


def model_inputs(
    table: Mapping[str, pd.Series[Any]], signature: Signature, first: int = 0
) -> dict[str, NDArray[Any]]:
    """Return the model's inputs for some raw rows.

    Args:
        table: raw columns of numbers, texts or dates. Missing values are NaN, None or NaT.
        first: the number of the first row, for errors.

    Returns:
        Arrays of shape (rows,): float64, or texts as objects.

    Raises:
        FathomError: a value is not of its column's kind. The line names column, row and value.
    """
    inputs: dict[str, NDArray[Any]] = {}
    for column in signature.columns:
        values = table[column.name]
        if column.kind == "text":
            inputs[column.input] = parse_texts(values, column)
        elif column.kind == "date":
            inputs[column.input] = parse_dates(values, column, first)
        else:
            inputs[column.input] = parse_numbers(values, column, first)
    return inputs


def parse_texts(values: pd.Series[Any], column: InputColumn) -> NDArray[Any]:
    """Return texts, "" for missing ones. Booleans become True and False in any spelling."""
    texts = as_texts(values)
    if set(column.categories or ()) <= BOOLEANS:
        capital = texts.str.capitalize()
        texts = texts.where(~capital.isin(BOOLEANS), capital)
    return texts.fillna("").to_numpy(dtype=object)


def parse_numbers(values: pd.Series[Any], column: InputColumn, first: int) -> NDArray[np.float64]:
    if pd.api.types.is_datetime64_any_dtype(values):
        raise FathomError(f"column {column.name!r} holds dates, but the model takes numbers")
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64).to_numpy()
    refuse(values, np.isnan(numbers) & values.notna().to_numpy(), column, first, "is no number")
    refuse(values, np.isinf(numbers), column, first, "is not finite")
    return np.asarray(numbers)


def parse_dates(
    values: pd.Series[Any], column: InputColumn, first: int, unknown: str = EMPTY
) -> NDArray[np.float64]:
    """Return dates as seconds since 1970-01-01 UTC, NaN for missing ones."""
    if pd.api.types.is_numeric_dtype(values):  # 20200131
        values = as_texts(values)
    dates = pd.to_datetime(values, format=column.form, errors="coerce", utc=True)
    invalid = (dates.isna() & values.notna()).to_numpy()
    refuse(values, invalid, column, first, f"is no date of the format {column.form!r}", unknown)
    return to_seconds(dates.dt.tz_localize(None)).to_numpy()


def refuse(
    values: pd.Series[Any],
    invalid: NDArray[np.bool_],
    column: InputColumn,
    first: int,
    why: str,
    unknown: str = EMPTY,
) -> None:
    """Name the first invalid value, if there is one."""
    if invalid.any():
        place = int(invalid.argmax())
        raise FathomError(
            f"column {column.name!r} holds {values.tolist()[place]!r} in row {first + place}, "
            f"which {why}: correct it, or {unknown} if it is not known"
        )
