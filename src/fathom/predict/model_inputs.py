"""Raw columns as a model takes them, or one line that says what is wrong with them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import as_texts, show
from fathom.artifacts.signature import InputColumn, Signature, to_seconds
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.declaration_error import DeclarationError
from fathom.download.declared_columns import convert_column
from fathom.settings.column_settings import MISSING

# Images, or raw columns by `InputColumn.input`, of shape (rows, ...): `Signature.tensors` makes the
# model's inputs of them.
Inputs = Mapping[str, NDArray[Any]]

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
    table: Mapping[str, pd.Series[Any]],
    signature: Signature,
    first: int = 0,
    decimal: str | None = None,
) -> dict[str, NDArray[Any]]:
    """Return the raw columns of some rows, which are read as the training data was.

    Args:
        table: raw columns: texts as they are in a file; or numbers, booleans or dates, where
            missing values are NaN, None or NaT.
        first: the number of the first row, for errors.
        decimal: the decimal mark of a text file. The declaration of a column may have another one.

    Returns:
        Arrays of shape (rows,): numbers and seconds since 1970-01-01 in float64, texts as objects.

    Raises:
        FathomError: a value contradicts its declaration. The line names column, row and value.
    """
    inputs: dict[str, NDArray[Any]] = {}
    for column in signature.columns:
        values = read_values(table[column.name], column, signature.missing, first, decimal)
        if column.kind == "text":
            inputs[column.input] = as_texts(values).fillna("").to_numpy(dtype=object)
        elif column.kind == "date":
            inputs[column.input] = to_seconds(values).to_numpy()
        else:
            inputs[column.input] = to_numbers(values, column, first)
    return inputs


def override_decimal(signature: Signature, decimal: str | None) -> Signature:
    """Return a signature whose columns have a decimal mark, which their thousands mark may not be.

    Without a mark nothing changes.
    """

    def override(column: InputColumn) -> InputColumn:
        own = column.declaration
        if decimal is None or own.decimal in (None, decimal):
            return column
        thousands = own.decimal if own.thousands == decimal else own.thousands
        declaration = own.model_copy(update={"decimal": decimal, "thousands": thousands})
        return column.model_copy(update={"declaration": declaration})

    return signature.model_copy(update={"columns": list(map(override, signature.columns))})


def read_values(
    values: pd.Series[Any],
    column: InputColumn,
    missing: Sequence[str],
    first: int = 0,
    decimal: str | None = None,
    unknown: str = EMPTY,
) -> pd.Series[Any]:
    """Convert values by the declaration of their column, as the stage `download` does."""
    check_type(values, column)
    values, where = values.set_axis(range(first, first + len(values))), f"column {column.name!r}"
    try:
        markers = [*MISSING, *missing]
        converted = convert_column(values, column.declaration, where, decimal or ".", markers)
    except DeclarationError as error:
        remedy = f"correct it, or {unknown} if it is not known"
        mark = column.declaration.decimal
        if decimal == "," and mark == ".":  # never guessed without reason
            remedy += "; if the file has decimal commas, add `--decimal ,`"
        elif decimal == "." and mark == "," and "." in str(error.value):
            remedy += "; if the file has decimal points, add `--decimal .`"
        raise FathomError(f"{error.found}: {remedy}") from error
    own = column.literal_texts
    return converted.mask(values.isin(own), values) if own else converted


def check_type(values: pd.Series[Any], column: InputColumn) -> None:
    """Refuse dates, booleans and numbers of a typed file where the model takes something else."""
    types, found, example = pd.api.types, "", ""
    if types.is_datetime64_any_dtype(values) and column.kind != "date":
        found = "dates"
    elif types.is_bool_dtype(values) and column.kind == "date":
        found = "booleans"
    elif types.is_numeric_dtype(values) and column.kind == "text":
        codes = (text for text in column.categories or [] if re.fullmatch(r"0\d+", text))
        example = next(codes, "") if values.notna().any() else ""
        found = "numbers" if example else ""
    if found:
        example = f" such as {example!r}, with their zeros" if example else ""
        raise FathomError(
            f"column {column.name!r} holds {found}, but the model takes {column.kind}s{example}"
        )


def to_numbers(values: pd.Series[Any], column: InputColumn, first: int) -> NDArray[np.float64]:
    numbers = pd.to_numeric(values, errors="coerce").astype(np.float64).to_numpy()
    refuse(values, np.isnan(numbers) & values.notna().to_numpy(), column, first, "is no number")
    refuse(values, np.isinf(numbers), column, first, "is not finite")
    return np.asarray(numbers)


def refuse(
    values: pd.Series[Any], invalid: NDArray[np.bool_], column: InputColumn, first: int, why: str
) -> None:
    """Name the first invalid value, if there is one."""
    if invalid.any():
        place = int(invalid.argmax())
        raise FathomError(
            f"column {column.name!r} holds {show(values.tolist()[place])} in row {first + place}, "
            f"which {why}: correct it, or {EMPTY} if it is not known"
        )
