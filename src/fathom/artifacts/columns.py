"""Columns of a raw table: which are features, of what kind, and their values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.raw_table import Table
from fathom.base.errors import FathomError, did_you_mean
from fathom.settings.column_settings import ColumnKind, ColumnSettings
from fathom.settings.data_settings import DatasetSettings
from fathom.settings.yaml_text import column_entry, exclude_advice, to_yaml

DATE_PARTS = ("year", "month", "day", "day_of_week", "hour", "minute")
MOSTLY = 0.5  # a text column with a larger share of numbers is a column of numbers


@dataclass(frozen=True)
class ColumnKinds:
    """The features, in the table's order, and which of them are categories, ordinals and dates.

    `ordinals` maps columns to their values, the lowest first.
    """

    columns: list[str]
    categories: list[str]
    ordinals: dict[str, list[str]]
    dates: list[str]


def column_kinds(dataset: DatasetSettings, table: Table) -> ColumnKinds:
    """Return the features of a raw table and their kinds; refuse settings that name no feature."""
    known, unused = list(table.types), unused_columns(dataset)
    check_declared(dataset, table.types)
    for key in ("auxiliary", "sample_weight"):
        if getattr(dataset, key) is not None:
            require_column(getattr(dataset, key), key, known, [])
    columns = [name for name in known if name not in unused]
    if not columns:
        raise FathomError(f"dataset.columns: leaves no column of {dataset.name} to learn from")
    declared = {name: dataset.columns.get(name, ColumnSettings()) for name in columns}
    orders = {name: column.order for name, column in declared.items()}
    return ColumnKinds(
        columns,
        categories=[n for n in columns if is_category_of(table, n, declared[n].kind)],
        ordinals={name: order for name, order in orders.items() if order is not None},
        dates=[n for n in columns if pd.api.types.is_datetime64_any_dtype(table.types[n])],
    )


def check_declared(dataset: DatasetSettings, types: Mapping[str, Any]) -> None:
    """Refuse declarations of columns that do not exist; those of parts of dates may be there."""
    dates = [name for name, kind in types.items() if pd.api.types.is_datetime64_any_dtype(kind)]
    parts = {f"{date}_{part}" for date in dates for part in DATE_PARTS}
    for name in dataset.columns:
        if name not in types and name not in parts:
            require_column(name, "columns", [*types], [])


def is_category_of(table: Table, name: str, kind: ColumnKind | None) -> bool:
    """Tell whether a column is a category: as declared, or else by its values."""
    if kind is not None:
        return kind in ("category", "boolean")
    dtype = table.types[name]
    if pd.api.types.is_datetime64_any_dtype(dtype):
        return False
    is_number = pd.api.types.is_numeric_dtype(dtype) and not pd.api.types.is_bool_dtype(dtype)
    return not is_number and is_category(table.column(name))  # numbers need not be read


def unused_columns(dataset: DatasetSettings) -> list[str | None]:
    """Return the columns that are no features."""
    excluded = [name for name, column in dataset.columns.items() if not column.is_feature]
    return [dataset.target, dataset.auxiliary, dataset.sample_weight, *excluded]


def require_column(
    name: str, key: str, known: list[str], unused: list[str | None], section: str = "dataset"
) -> None:
    """Refuse a column in the setting `<section>.<key>` that is not known, or is no feature."""
    if name in unused:
        raise FathomError(
            f"{section}.{key}: column {name!r} is the target, a weight or excluded; "
            "networks do not take it"
        )
    if name not in known:
        near = did_you_mean(name, known)
        raise FathomError(f"{section}.{key}: there is no column {name!r}{near}")


def is_category(column: pd.Series[Any]) -> bool:
    """Tell whether a column holds text or booleans. Text that is mostly numbers is no category."""
    if pd.api.types.is_bool_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column):
        return False
    present = column.dropna()
    return bool(pd.to_numeric(present, errors="coerce").notna().mean() <= MOSTLY)


def as_numbers(column: pd.Series[Any], remedy: str | None = None) -> pd.Series[Any]:
    """Convert a column to float64, NaN for missing values.

    An error advises to correct the values or `remedy`, by default that of a feature.

    Raises:
        FathomError: a value is text or infinite, and the line names its row; or they are dates.
    """
    name = column.name
    if pd.api.types.is_datetime64_any_dtype(column):
        raise FathomError(f"column {name!r} holds dates, where numbers are needed")
    if not pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column, errors="coerce")
        wrong = numbers.isna() & column.notna()
        if not wrong.any():
            return as_numbers(numbers, remedy)
        row: Any = wrong.idxmax()
        remedy = remedy or (
            "list it under dataset.source.missing if it stands for a missing value, or write "
            f"`{column_entry(str(name), ColumnSettings(kind='category'))}` in dataset.columns"
        )
        raise FathomError(
            f"column {name!r} holds {show(column[row])} in row {row} among its numbers: correct "
            f"it, {remedy}"
        )
    values = column.astype(np.float64)
    infinite = np.isinf(values.to_numpy())
    if infinite.any():
        raise FathomError(
            f"column {name!r} is infinite in {int(infinite.sum())} rows, the first of them "
            f"{values.index[int(infinite.argmax())]}; correct the rows, "
            f"{remedy or f'or {exclude_advice(name)}'}"
        )
    return values


def show(value: Any) -> str:
    """Return a value as Python writes it; NumPy would add its type."""
    return repr(value.item() if isinstance(value, np.generic) else value)


def missing_advice(value: float) -> str:
    """Return how a number becomes a missing value in its column."""
    markers = to_yaml([repr(value).removesuffix(".0")])
    return (
        f"add `missing: {markers}` to the column's entry in dataset.columns if it stands for a "
        "missing value"
    )


def as_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert a column to text, whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(column):
        whole = (column.dropna() % 1 == 0).all()
        if whole and column.abs().max() >= 2**63:
            return column.map("{:.0f}".format, na_action="ignore").astype("str")
        column = column.astype("Int64" if whole else "Float64")
    return column.astype("str").where(column.notna())


def places_among(column: pd.Series[Any], known: list[str]) -> NDArray[np.intp]:
    """Return the position of each value among known texts, or -1.

    Floats are compared by value: `as_texts` writes them without a decimal point if all of them are
    whole, which a block of rows does not show.
    """
    if pd.api.types.is_float_dtype(column):
        numbers = pd.to_numeric(pd.Series(known, dtype="str"), errors="coerce")
        if numbers.is_unique and numbers.notna().all():
            return np.asarray(pd.Index(numbers).get_indexer(pd.Index(column)))
    texts = pd.Index(as_texts(column), dtype=object)
    return np.asarray(pd.Index(known, dtype=object).get_indexer(texts))


def sort_key(text: str) -> tuple[bool, float, str]:
    """Return a key that sorts texts: numbers first, by value."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
