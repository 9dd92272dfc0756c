"""The raw columns that an exported network of a table takes."""

from __future__ import annotations

import re
from collections.abc import Container
from typing import Any

from fathom.artifacts.columns import as_dates, as_numbers
from fathom.artifacts.raw_table import Table
from fathom.artifacts.schema import SchemaColumn
from fathom.artifacts.signature import InputColumn, to_seconds
from fathom.scale.encoder import Encoder


def input_columns(
    columns: list[SchemaColumn], encoder: Encoder, table: Table, reserved: Container[str]
) -> list[InputColumn]:
    """Return the raw columns that a network takes, in the table's order.

    Args:
        columns: all columns of the raw table.
        encoder: the fitted encoder.
        table: the raw table.
        reserved: names that inputs must not have: see `input_name`.
    """
    forms = {date.column: date.format for date in encoder.dates}
    numbers = {number.column for number in encoder.numbers}
    categories = {category.column: category for category in encoder.categories}
    inputs: list[InputColumn] = []
    for column in columns:
        name = column.name
        if name not in forms and name not in numbers and name not in categories:
            continue
        values = table.training(table.column(name))
        category = categories.get(name)
        facts: dict[str, Any] = {"kind": "number", "missing": bool(values.isna().any())}
        if name in forms:
            facts |= {"kind": "date", "form": forms[name]}
            values = to_seconds(as_dates(values, forms[name]))
        elif category is not None and not column.type.startswith(("float", "int", "uint")):
            facts |= {"kind": "text"}
        if facts["kind"] != "text":
            present = as_numbers(values).dropna()
            facts |= {"low": float(present.min()), "high": float(present.max())}
        if category is not None:
            facts |= {"categories": category.known}
        unique = input_name(name, [other.input for other in inputs], reserved)
        inputs.append(InputColumn(name=name, input=unique, **facts))
    return inputs


def input_name(column: str, others: list[str], reserved: Container[str]) -> str:
    """Return a name for a column's input: unique, and of characters that TensorFlow accepts.

    Args:
        column: the column's own name.
        others: names of other inputs.
        reserved: names in lower case that no input may have, also not with a number after it.
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", column)
    if not re.match("[A-Za-z]", plain) or re.sub(r"_\d+$", "", plain.lower()) in reserved:
        plain = f"column_{plain}"
    name, number = plain, 1
    while name.lower() in [other.lower() for other in others]:
        number += 1
        name = f"{plain}_{number}"
    return name
