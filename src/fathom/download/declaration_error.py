"""The error about a value that contradicts the declaration of its column."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fathom.base.errors import FathomError
from fathom.settings.column_settings import ColumnSettings
from fathom.settings.yaml_text import column_mapping


class DeclarationError(FathomError):
    """A value that contradicts its declaration. `found` says where and why, without the remedy.

    Args:
        is_number: whether the value is a number, if the column is of integers.
        markers: the usual texts for missing values that the column has, if it lists none.
    """

    def __init__(
        self,
        where: str,
        value: Any,
        row: int,
        column: ColumnSettings,
        is_number: bool = False,
        markers: Sequence[str] = (),
    ) -> None:
        self.where, self.value, self.row = where, value, row
        self.arguments = (where, value, row, column, is_number, markers)
        self.found = f"{where} holds {value!r} in row {row}, which is {describe(column)}"
        listed = markers if column.missing is None else column.missing
        missing = column.model_copy(update={"missing": [*listed, str(value)]})
        entries = [*wider_entries(column, str(value), is_number), missing]
        ways = ", or to ".join(f"`{column_mapping(entry)}`" for entry in entries)
        super().__init__(
            f"{self.found}: correct it, or change its entry in dataset.columns to {ways} if it "
            "stands for a missing value"
        )

    def replace(self, **changes: Any) -> DeclarationError:
        names = ("where", "value", "row", "column", "is_number", "markers")
        return DeclarationError(**dict(zip(names, self.arguments, strict=True)) | changes)


def wider_entries(column: ColumnSettings, value: str, is_number: bool) -> list[ColumnSettings]:
    """Return the declaration that takes the value, too, if there is one."""
    if column.kind == "ordinal":
        return [column.model_copy(update={"order": [*(column.order or []), value]})]
    if column.kind == "boolean" or is_number:
        return [column.model_copy(update={"kind": "number" if is_number else "category"})]
    return []


def describe(column: ColumnSettings) -> str:
    """Say what a value is that contradicts a declaration."""
    if column.kind == "ordinal":
        return f"not in its order {' < '.join(column.order or [])}"
    if column.kind == "boolean":
        return "neither true nor false"
    if column.kind == "date":
        language = f" (language: {column.language})" if column.language else ""
        return f"no date of the format {column.format or 'ISO8601'!r}{language}"
    if column.format is not None:
        return f"no duration of the format {column.format}"
    keys = ("decimal", "thousands", "unit", "parentheses", "magnitudes")
    marks = [f"{key}: {getattr(column, key)!r}" for key in keys if getattr(column, key)]
    kind = "whole number" if column.kind == "integer" else "number"
    return f"no {kind} ({', '.join(marks)})" if marks else f"no {kind}"
