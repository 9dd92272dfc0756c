"""Columns of a raw table: which are features, of what kind, and their values."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.raw_table import Table
from fathom.base.errors import FathomError, did_you_mean
from fathom.settings.data_settings import DatasetSettings

MOSTLY = 0.5  # a text column with a larger share of numbers is a column of numbers


@dataclass(frozen=True)
class ColumnKinds:
    """The features, in the table's order.

    `categories` are those of text or booleans; `dates` maps those of dates to pandas' format.
    """

    columns: list[str]
    categories: list[str]
    dates: dict[str, str]


def column_kinds(dataset: DatasetSettings, table: Table) -> ColumnKinds:
    """Return the features of a raw table and their kinds; refuse settings that name no feature."""
    known, unused = list(table.types), unused_columns(dataset)
    for key in ("exclude", "auxiliary", "sample_weight", "dates"):
        names = getattr(dataset, key) or []
        for name in [names] if isinstance(names, str) else names:
            require_column(name, key, known, unused if key == "dates" else [])
    columns = [name for name in known if name not in unused]
    if not columns:
        raise FathomError(f"dataset.exclude: leaves no column of {dataset.name} to learn from")
    dates = {
        name: dataset.dates.get(name, "ISO8601")
        for name in columns
        if name in dataset.dates or pd.api.types.is_datetime64_any_dtype(table.types[name])
    }
    numeric = [  # those that need not be read
        name
        for name, kind in table.types.items()
        if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind)
    ]
    others = [name for name in columns if name not in dates and name not in numeric]
    categories = [name for name in others if is_category(table.column(name))]
    return ColumnKinds(columns, categories, dates)


def unused_columns(dataset: DatasetSettings) -> list[str | None]:
    """Return the columns that are no features."""
    return [dataset.target, dataset.auxiliary, dataset.sample_weight, *dataset.exclude]


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


def as_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Convert a column to float64, NaN for missing values.

    Raises:
        FathomError: a value is text or infinite; the line names its row.
    """
    name = column.name
    if not pd.api.types.is_numeric_dtype(column):
        numbers = pd.to_numeric(column, errors="coerce")
        wrong = numbers.isna() & column.notna()
        if not wrong.any():
            return as_numbers(numbers)
        row: Any = wrong.idxmax()
        raise FathomError(
            f"column {name!r} holds {column[row]!r} in row {row} among its numbers: correct it, "
            "list it under dataset.source.missing if it stands for a missing value, or list "
            f"{name!r} under dataset.categories"
        )
    values = column.astype(np.float64)
    infinite = np.isinf(values.to_numpy())
    if infinite.any():
        raise FathomError(
            f"column {name!r} is infinite in {int(infinite.sum())} rows, the first of them "
            f"{values.index[int(infinite.argmax())]}; correct the rows, or leave it out with "
            "dataset.exclude"
        )
    return values


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


def as_dates(column: pd.Series[Any], form: str) -> pd.Series[Any]:
    """Convert a column to dates, NaT for missing values; times with a zone become UTC.

    Raises:
        FathomError: a value is not in the format `form`, or that is none.
    """
    if pd.api.types.is_numeric_dtype(column):  # 20200131
        column = as_texts(column)
    try:
        dates = pd.to_datetime(column, format=form, errors="coerce", utc=True).dt.tz_localize(None)
    except (ValueError, re.error) as error:
        raise FathomError(
            f"dataset.dates: {form!r} of column {column.name!r} is no format of dates: {error}"
        ) from error
    wrong = dates.isna() & column.notna()
    if wrong.any():
        row: Any = wrong.idxmax()
        raise FathomError(
            f"column {column.name!r} holds {column[row]!r} in row {row}, which is no date of the "
            f"format {form!r}: correct it, or name the format under dataset.dates"
        )
    return dates


def sort_key(text: str) -> tuple[bool, float, str]:
    """Return a key that sorts texts: numbers first, by value."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
