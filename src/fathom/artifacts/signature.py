"""What an exported network takes and gives, and what its training saw: `signature.json`."""

from __future__ import annotations

import re
from collections.abc import Container
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import ValidationError

from fathom.artifacts.columns import as_dates, as_numbers, as_texts
from fathom.artifacts.json_model import JsonModel
from fathom.artifacts.problem import Output
from fathom.artifacts.raw_table import Table
from fathom.artifacts.schema import DatasetKind, RawColumn
from fathom.base.errors import FathomError
from fathom.base.files import read_json
from fathom.evaluate.intervals import Interval
from fathom.scale.encoder import Encoder

SIGNATURE = "signature.json"
IMAGE = "image"  # the name of the input of images

EPOCH = pd.Timestamp("1970-01-01")
SECOND = pd.Timedelta(seconds=1)


class InputColumn(JsonModel):
    """A raw column that the model takes.

    `input` is the name of the model's input, of the letters that TensorFlow takes. Numbers go in
    as they are, NaN for a missing one; dates, of the form `form` in pandas' words, as seconds since
    1970-01-01; texts as they are, "" for a missing one.

    `low` and `high` are the lowest and the highest number, or date in seconds, of the training
    rows; `categories` are those that they have, but for too rare ones; `missing` says whether some
    of them have none.
    """

    name: str
    input: str
    kind: Literal["number", "text", "date"]
    form: str | None = None
    low: float | None = None
    high: float | None = None
    categories: list[str] | None = None
    missing: bool


class ImageInput(JsonModel):
    """The images that the model takes: their shape, (height, width) or (height, width, channels),
    and NumPy type, and the lowest and highest value of the training rows. `resized` says whether
    files of other sizes are brought to this one, as those were that it was trained on.
    """

    shape: list[int]
    type: str
    low: float
    high: float
    resized: bool


class Signature(JsonModel):
    """What `signature.json` holds.

    A table's `columns` or the `image` go in. `missing` are the texts that stand for no value in a
    text file, beside the usual ones. `outputs` come out, by the names `main_output` and maybe
    `aux_output`. `interval` is that of the main output's numbers. `formats` says by format which
    file or folder holds the model, or why there is none.
    """

    dataset: str
    model: str
    kind: DatasetKind
    columns: list[InputColumn]
    image: ImageInput | None
    missing: list[str]
    outputs: dict[str, Output]
    interval: Interval | None
    formats: dict[str, str]
    versions: dict[str, str]

    @classmethod
    def read(cls, folder: Path) -> Signature:
        """Read it.

        Raises:
            FathomError: it is missing, damaged or of another version of Fathom.
        """
        file = folder / SIGNATURE
        try:
            return cls.model_validate(read_json(file, "export"))
        except ValidationError as error:
            raise FathomError(
                f"{file} was written by another version of Fathom: export the network anew"
            ) from error

    @property
    def main(self) -> Output:
        return self.outputs["main_output"]


def input_columns(
    columns: list[RawColumn], encoder: Encoder, table: Table, reserved: Container[str]
) -> list[InputColumn]:
    """Return the raw columns that a model of a table takes, in the table's order.

    Args:
        columns: the raw table's.
        encoder: what was learned of them.
        table: the raw table.
        reserved: what their inputs must not be called: see `input_name`.
    """
    forms = {date.column: date.format for date in encoder.dates}
    numbers = {number.column for number in encoder.numbers}
    categories = {category.column: category for category in encoder.categories}
    taken: list[str] = []
    found = []
    for column in columns:
        name = column.name
        if name not in forms and name not in numbers and name not in categories:
            continue
        values = table.training(table.column(name))
        category = categories.get(name)
        facts: dict[str, Any] = {"kind": "number", "missing": bool(values.isna().any())}
        if name in forms:
            facts |= {"kind": "date", "form": forms[name]}
            values = seconds(as_dates(values, forms[name]))
        elif category is not None and not is_number(column):
            facts |= {"kind": "text"}
        if facts["kind"] != "text":
            present = as_numbers(values).dropna()
            facts |= {"low": float(present.min()), "high": float(present.max())}
        if category is not None:
            facts |= {"categories": category.known}
        given = input_name(name, taken, reserved)
        taken.append(given)
        found.append(InputColumn(name=name, input=given, **facts))
    return found


def is_number(column: RawColumn) -> bool:
    return column.type.startswith(("float", "int", "uint"))


def seconds(dates: pd.Series[Any]) -> pd.Series[Any]:
    """Return dates as seconds since 1970-01-01 in float64, NaN for missing ones."""
    return ((dates - EPOCH) / SECOND).astype(np.float64)


def texts(values: pd.Series[Any]) -> pd.Series[Any]:
    """Return texts as the model takes them."""
    return as_texts(values).fillna("")


def input_name(column: str, taken: list[str], reserved: Container[str]) -> str:
    """Return a name for a column's input: of letters that TensorFlow takes, and used but once.

    Args:
        column: the column's own name.
        taken: names of other inputs.
        reserved: names, in small letters, that others begin with, before a number.
    """
    plain = re.sub(r"[^A-Za-z0-9_]", "_", column)
    if not re.match("[A-Za-z]", plain) or re.sub(r"_\d+$", "", plain.lower()) in reserved:
        plain = f"column_{plain}"
    name, number = plain, 1
    while name.lower() in [other.lower() for other in taken]:
        number += 1
        name = f"{plain}_{number}"
    return name
