"""What the columns of an unknown table seem to be, from their values and names alone."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd

from fathom.artifacts.columns import MOSTLY
from fathom.new_dataset.date_formats import find_form
from fathom.new_dataset.exclusions import FEW, duplicates, numbering, unrepeated, written

Kind = Literal["number", "integer", "category", "text", "boolean", "date"]

SCANT = 10  # values at least, for some of them to be among the training rows
MARKERS = {  # texts that stand for no value, in small letters
    "?", "??", "-", "--", "---", ".", "..", "*", "n.a.", "n.a", "n/a", "na", "n/d", "nd", "nan",
    "nil", "none", "null", "unknown", "unk", "undefined", "missing", "blank", "(blank)", "empty",
    "no data", "not available", "not applicable", "not known", "tbd", "#n/a", "#null!", "#value!",
    "#ref!", "#div/0!", "#num!", "k.a.", "inconnu", "unbekannt",
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """What is known of a column.

    `reason` says why it is better left out. `form` is the format of dates that are text or
    numbers, `other_form` one that fits as well, and `ordered` tells whether they rise with the
    rows. `strange` holds texts among numbers or dates, and the first row of each. `most` is how
    many rows the most frequent value has, and `mixed` tells categories that could be taken for
    numbers.
    """

    name: str
    kind: Kind
    missing: int
    distinct: int
    examples: list[str]
    most: int
    reason: str | None = None
    form: str | None = None
    other_form: str | None = None
    ordered: bool = False
    strange: dict[str, int] = field(default_factory=dict)
    mixed: bool = False


def describe_columns(table: pd.DataFrame, target: str | None = None) -> list[Column]:
    """Describe the columns of a table, as `read_table_file` returns it, in order."""
    columns = [describe(table[name]) for name in table.columns]
    twins = duplicates(table, target)
    return [
        replace(column, reason=column.reason or f"the same as {twins[column.name]}")
        if column.name in twins
        else column
        for column in columns
    ]


def markers(columns: list[Column]) -> list[str]:
    """Return the texts among numbers and dates that stand for no value."""
    texts = {text for column in columns for text in column.strange if text.lower() in MARKERS}
    return sorted(texts)


def describe(column: pd.Series[Any]) -> Column:
    values = column.dropna()
    counts = values.value_counts()
    about: dict[str, Any] = {
        "name": str(column.name),
        "missing": int(column.isna().sum()),
        "distinct": len(counts),
        "examples": [written(value) for value in values.drop_duplicates().head(3)],
        "most": int(counts.max()) if len(counts) else 0,
    }
    about |= kind_of(values, len(column))
    if not len(counts):
        about["reason"] = "no value"
    elif len(counts) == 1 and not about["missing"]:
        about["reason"] = f"constant: {about['examples'][0]}"
    elif len(counts) == 1 and about["kind"] == "date":
        about["reason"] = f"one date: {about['examples'][0]}"
    elif len(values) < min(SCANT, len(column)):
        about["reason"] = f"hardly a value: {len(values)} in {len(column):,} rows"
    return Column(**about)


def kind_of(values: pd.Series[Any], rows: int) -> dict[str, Any]:
    """Return a column's kind, and what else is special to columns of this kind."""
    if pd.api.types.is_bool_dtype(values):
        return {"kind": "boolean"}
    if pd.api.types.is_datetime64_any_dtype(values):
        return {"kind": "date", "ordered": values.is_monotonic_increasing}
    if pd.api.types.is_numeric_dtype(values):
        return kind_of_numbers(values, rows)
    return kind_of_texts(values, rows)


def kind_of_numbers(values: pd.Series[Any], rows: int) -> dict[str, Any]:
    infinite = int(np.isinf(values).sum())
    if infinite:
        return {"kind": "number", "reason": f"infinite in {infinite:,} rows"}
    if not is_whole(values, rows):
        return {"kind": "number"}
    least, most = int(values.min()), int(values.max())
    if 19000101 <= least < most < 21010000 and pd.api.types.is_integer_dtype(values):
        days = pd.to_datetime(values.astype("str"), format="%Y%m%d", errors="coerce")
        if days.notna().all():
            ordered = values.is_monotonic_increasing
            return {"kind": "date", "form": "%Y%m%d", "ordered": ordered}
    return {"kind": "integer", "reason": numbering(values, rows, least, most)}


def is_whole(values: pd.Series[Any], rows: int) -> bool:
    """Tell integers, also those that missing values have made floats, from written decimals."""
    if pd.api.types.is_integer_dtype(values):
        return True
    return 0 < len(values) < rows and bool((values % 1 == 0).all())


def kind_of_texts(values: pd.Series[str], rows: int) -> dict[str, Any]:
    if set(values.unique()) <= {"True", "False"}:
        return {"kind": "boolean"}
    marked = values.str.lower().isin(MARKERS)
    present = values[~marked]
    numbers: pd.Series[Any] = pd.to_numeric(values, errors="coerce")
    if numbers[~marked].notna().mean() > MOSTLY:
        found = {"strange": first_rows(values[numbers.isna()])}
        if numbers[~marked].isna().any() and values.nunique() <= FEW:
            return found | {"kind": "category", "mixed": True}
        return found | kind_of_numbers(numbers.dropna(), rows)
    form = find_form(present)
    if form is not None:
        dates = pd.to_datetime(present, format=form.text, errors="coerce").dropna()
        return {
            "kind": "date",
            "form": form.text,
            "other_form": form.other,
            "ordered": dates.is_monotonic_increasing,
            "strange": first_rows(values[marked | values.isin(form.strange)]),
        }
    reason = unrepeated(values)
    return {"kind": "category" if reason is None else "text", "reason": reason}


def first_rows(texts: pd.Series[str]) -> dict[str, int]:
    """Return the different texts and the first row of each."""
    firsts = texts.drop_duplicates()
    return dict(zip(firsts.astype(str), firsts.index.astype(int), strict=True))
