"""What the columns of a raw table are: numbers, categories or dates; and who is given them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.raw_table import Table
from fathom.base.errors import FathomError, did_you_mean
from fathom.settings.data_settings import DatasetSettings

MOSTLY = 0.5  # a text column with more numbers than this share is one of numbers with a slip


@dataclass(frozen=True)
class ColumnKinds:
    """The columns that networks are given, in order, and which of them are text or booleans and
    which dates, with their format in pandas' words.
    """

    columns: list[str]
    categories: list[str]
    dates: dict[str, str]


def column_kinds(dataset: DatasetSettings, table: Table) -> ColumnKinds:
    """Tell what the columns of a raw table are that networks are given.

    Raises:
        FathomError: the settings name a column that is not there or that networks are not given.
    """
    for key in ("exclude", "auxiliary", "sample_weight", "dates"):
        named = getattr(dataset, key) or []
        for name in [named] if isinstance(named, str) else named:
            require_column(
                name, key, list(table.types), unused_columns(dataset) if key == "dates" else []
            )
    columns = [name for name in table.types if name not in unused_columns(dataset)]
    if not columns:
        raise FathomError(f"dataset.exclude: leaves no column of {dataset.name} to learn from")
    dates = {
        name: dataset.dates.get(name, "ISO8601")
        for name in columns
        if name in dataset.dates or pd.api.types.is_datetime64_any_dtype(table.types[name])
    }
    categories = [name for name in columns if name not in dates and holds_categories(table, name)]
    return ColumnKinds(columns, categories, dates)


def holds_categories(table: Table, name: str) -> bool:
    """Tell whether a column of a table does; numbers are told by their type, without a look."""
    kind = table.types[name]
    if pd.api.types.is_numeric_dtype(kind) and not pd.api.types.is_bool_dtype(kind):
        return False
    return is_category(table.column(name))


def unused_columns(dataset: DatasetSettings) -> list[str | None]:
    """Return the columns that networks are not given."""
    return [dataset.target, dataset.auxiliary, dataset.sample_weight, *dataset.exclude]


def require_column(
    name: str, key: str, known: list[str], taken: list[str | None], section: str = "dataset"
) -> None:
    """Refuse a name in `dataset.<key>` that is no known column, or one that has another task."""
    if name in taken:
        raise FathomError(
            f"{section}.{key}: column {name!r} is the target, a weight or excluded; "
            "networks are not given it"
        )
    if name not in known:
        near = did_you_mean(name, known)
        raise FathomError(f"{section}.{key}: there is no column {name!r}{near}")


def is_category(column: pd.Series[Any]) -> bool:
    """Tell a column of text or booleans from one of numbers, perhaps with a slip among them."""
    if pd.api.types.is_bool_dtype(column):
        return True
    if pd.api.types.is_numeric_dtype(column):
        return False
    present = column.dropna()
    return bool(pd.to_numeric(present, errors="coerce").notna().mean() <= MOSTLY)


def as_numbers(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column as float64, NaN for missing values.

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
            f"column {name!r} holds {column[row]!r} in row {row} among its numbers: mend it, list "
            f"it under dataset.source.missing if it stands for a missing value, or list {name!r} "
            "under dataset.categories"
        )
    values = column.astype(np.float64)
    infinite = np.isinf(values.to_numpy())
    if infinite.any():
        raise FathomError(
            f"column {name!r} is infinite in {int(infinite.sum())} rows, the first of them "
            f"{values.index[int(infinite.argmax())]}; mend the rows, or leave it out with "
            "dataset.exclude"
        )
    return values


def as_texts(column: pd.Series[Any]) -> pd.Series[Any]:
    """Return a column's values as text, whole numbers without a decimal point."""
    if pd.api.types.is_float_dtype(column):
        whole = column.dropna() % 1 == 0
        column = column.astype("Int64" if whole.all() else "Float64")
    return column.astype("str").where(column.notna())


def places_among(column: pd.Series[Any], known: list[str]) -> NDArray[np.intp]:
    """Return where each value stands among the texts of known ones, or -1.

    Floats are found by value: whether they are all whole, which `as_texts` goes by, does not show
    in a block of a table's rows.
    """
    if pd.api.types.is_float_dtype(column):
        numbers = pd.to_numeric(pd.Series(known, dtype="str"), errors="coerce")
        if numbers.is_unique and numbers.notna().all():
            return np.asarray(pd.Index(numbers).get_indexer(pd.Index(column)))
    texts = pd.Index(as_texts(column), dtype=object)
    return np.asarray(pd.Index(known, dtype=object).get_indexer(texts))


def as_dates(column: pd.Series[Any], form: str) -> pd.Series[Any]:
    """Return a column as dates, NaT for missing values.

    Raises:
        FathomError: a value is no date of the form; the line names its row.
    """
    if pd.api.types.is_numeric_dtype(column):  # 20200131
        column = as_texts(column)
    dates = pd.to_datetime(column, format=form, errors="coerce")
    wrong = dates.isna() & column.notna()
    if wrong.any():
        row: Any = wrong.idxmax()
        raise FathomError(
            f"column {column.name!r} holds {column[row]!r} in row {row}, which is no date of the "
            f"form {form!r}: mend it, or name the form under dataset.dates"
        )
    return dates


def sort_key(text: str) -> tuple[bool, float, str]:
    """Return a key that sorts numbers by value, before other texts."""
    try:
        return False, float(text), text
    except ValueError:
        return True, 0.0, text
