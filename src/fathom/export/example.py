"""`example.json` and `example.py`: a real row, and how each format predicts it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import tensorflow as tf
from numpy.typing import NDArray

from fathom.artifacts.columns import as_numbers, as_texts
from fathom.artifacts.date_texts import write_date
from fathom.artifacts.export_files import KERAS
from fathom.artifacts.model_file import own_objects, read_config
from fathom.artifacts.raw_images import read_images
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.signature import IMAGE, InputColumn, Signature, to_seconds
from fathom.artifacts.split_rows import read_split_rows
from fathom.base.files import write_json, write_text
from fathom.base.templates import load_templates

EXAMPLE = "example.json"
DIGITS = 7  # that float32 holds


def write_example(folder: Path, model: keras.Model, signature: Signature) -> None:
    """Write a request with a validation row, and a program that predicts it by each format."""
    row, literals = read_row(signature), dict[str, str]()
    if signature.image is not None:
        instance, inputs = row[0].tolist(), {IMAGE: row}
    else:
        instance = {c.name: json_value(row[c.name], c) for c in signature.columns}
        inputs = signature.tensors({c.input: raw_input(row[c.name], c) for c in signature.columns})
        literals = {name: literal(values[0]) for name, values in inputs.items()}
    outputs = model({name: tf.constant(values) for name, values in inputs.items()})
    own = own_objects(read_config(folder / KERAS))
    template = load_templates("fathom.export").get_template("example.py.j2")
    program = template.render(
        name=f"{signature.dataset}/{signature.model}",
        image=signature.image,
        inputs=literals,
        expected={name: rounded(np.asarray(values)[0]) for name, values in outputs.items()},
        formats=[name for name, file in signature.formats.items() if (folder / file).exists()],
        modules=sorted({one.module for one in own}),
    )
    write_json(folder / EXAMPLE, {"instances": [instance]})
    write_text(folder / "example.py", program)


def read_row(signature: Signature) -> Any:
    """Return the first raw row of the validation set: a table, or an image of shape (1, ...)."""
    rows = read_split_rows(signature.dataset, "valid")[:1]
    if signature.image is None:
        return read_raw_rows(signature.dataset, rows, [c.name for c in signature.columns])
    return read_images(signature.dataset)[rows]


def raw_input(values: pd.Series[Any], column: InputColumn) -> NDArray[Any]:
    """Return the values of a raw column as `fathom predict` reads them."""
    if column.kind == "text":
        return as_texts(values).fillna("").to_numpy(dtype=object)
    if column.kind == "date":
        return to_seconds(values).to_numpy()
    return as_numbers(values).to_numpy()


def json_value(values: pd.Series[Any], column: InputColumn) -> Any:
    """Return the only value of a column as a request has it."""
    value = values.iloc[0]
    if pd.isna(value):
        return None
    if column.kind == "number":
        number = float(value)
        return int(number) if number.is_integer() else number
    if column.kind == "text":
        return as_texts(values).iloc[0]
    form, when = column.declaration.format, pd.Timestamp(value)
    if form in (None, "ISO8601", "mixed"):
        return when.isoformat()
    zone = column.declaration.zone or "UTC"
    local = when.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    return write_date(local, form, column.declaration.language)


def literal(value: Any) -> str:
    """Return a value as Python writes it."""
    if isinstance(value, str):
        return repr(value)
    return "math.nan" if np.isnan(value) else repr(rounded(value))


def rounded(values: Any) -> Any:
    """Return a number, or a list of numbers, with the digits that float32 holds."""
    if np.ndim(values):
        return [rounded(value) for value in values]
    return float(f"{float(values):.{DIGITS}g}")
