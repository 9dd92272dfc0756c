"""Raw columns as a model takes them, or one line that says what is amiss in them."""

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
EMPTY = "leave it empty"  # what to do about a value that is not known


def check_names(names: Sequence[str], signature: Signature) -> list[str]:
    """Return the names of columns that the model does not take.

    Raises:
        FathomError: one that it takes is not there.
    """
    taken = [column.name for column in signature.columns]
    others = [name for name in names if name not in taken]
    missing = [name for name in taken if name not in names]
    if missing:
        near = did_you_mean(missing[0], others) if others else ""
        more = f", nor {len(missing) - 1} more that the model takes" if len(missing) > 1 else ""
        raise FathomError(f"there is no column {missing[0]!r}{more}{near}")
    return others


def model_inputs(
    table: Mapping[str, pd.Series[Any]], signature: Signature, first: int = 0
) -> dict[str, NDArray[Any]]:
    """Return what the model takes of some raw rows, by the names of its inputs.

    Args:
        table: the raw columns: numbers, texts or dates, missing values as NaN, None or NaT.
        signature: of the model.
        first: the number of the first row, for errors.

    Returns:
        Arrays of shape (rows,): of float64, or of texts as objects.

    Raises:
        FathomError: a value is not of its column's kind; the line names column, row and value.
    """
    return {
        column.input: values_of(table[column.name], column, first) for column in signature.columns
    }


def values_of(values: pd.Series[Any], column: InputColumn, first: int) -> NDArray[Any]:
    """Return a column as the model takes it."""
    if column.kind == "text":
        return texts_of(values, column)
    if column.kind == "date":
        return parse_dates(values, column, first)
    return numbers_of(values, column, first)


def texts_of(values: pd.Series[Any], column: InputColumn) -> NDArray[Any]:
    """Return texts, "" for missing ones, and booleans however they are written."""
    texts = as_texts(values)
    if set(column.categories or ()) <= BOOLEANS:
        capital = texts.str.capitalize()
        texts = texts.where(~capital.isin(BOOLEANS), capital)
    return texts.fillna("").to_numpy(dtype=object)


def numbers_of(values: pd.Series[Any], column: InputColumn, first: int) -> NDArray[np.float64]:
    """Return numbers, NaN for missing ones."""
    if pd.api.types.is_datetime64_any_dtype(values):
        raise FathomError(f"column {column.name!r} holds dates, but the model takes numbers")
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64).to_numpy()
    refuse(values, np.isnan(numbers) & values.notna().to_numpy(), column, first, "is no number")
    refuse(values, np.isinf(numbers), column, first, "is not finite")
    return np.asarray(numbers)


def parse_dates(
    values: pd.Series[Any], column: InputColumn, first: int, unknown: str = EMPTY
) -> NDArray[np.float64]:
    """Return dates as seconds since 1970-01-01, NaN for missing ones; zones count."""
    if pd.api.types.is_numeric_dtype(values):  # 20200131
        values = as_texts(values)
    dates = pd.to_datetime(values, format=column.form, errors="coerce", utc=True)
    wrong = (dates.isna() & values.notna()).to_numpy()
    refuse(values, wrong, column, first, f"is no date of the format {column.form!r}", unknown)
    return to_seconds(dates.dt.tz_localize(None)).to_numpy()


def refuse(
    values: pd.Series[Any],
    wrong: NDArray[np.bool_],
    column: InputColumn,
    first: int,
    why: str,
    unknown: str = EMPTY,
) -> None:
    """Name the first of the wrong values, if there are any."""
    if wrong.any():
        place = int(wrong.argmax())
        raise FathomError(
            f"column {column.name!r} holds {values.iloc[place]!r} in row {first + place}, which "
            f"{why}: correct it, or {unknown} if it is not known"
        )
