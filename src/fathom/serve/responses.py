"""Predictions as JSON, in the form of their request."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import Inputs
from fathom.predict.prediction_columns import UNUSUAL, find_unusual, prediction_columns
from fathom.serve.batching import JsonColumns
from fathom.serve.request_error import RequestError
from fathom.serve.requests import Form


def predict_columns(exported_model: ExportedModel, inputs: Inputs) -> JsonColumns:
    """Return the columns of `prediction_columns` and the column `unusual`, as JSON values."""
    # Values far from those of training overflow; `encode_response` names the row.
    with np.errstate(over="ignore", invalid="ignore"):
        found = prediction_columns(exported_model.predict(inputs), exported_model.signature)
    columns = {name: to_json_values(column) for name, column in found.items()}
    return columns | {UNUSUAL: find_unusual(inputs, exported_model.signature).tolist()}


def to_json_values(column: NDArray[Any]) -> list[Any]:
    """Return texts, or numbers with the fewest digits that float32 needs."""
    if column.dtype == object:
        texts: list[Any] = column.tolist()
        return texts
    return [float(text) for text in compute.cast(pa.array(column), pa.string()).to_pylist()]


def encode_response(columns: JsonColumns, form: Form) -> bytes:
    """Return the body of a response.

    Args:
        columns: predictions and `unusual`.
        form: of the request: {"predictions": [{column: value}]} answers rows,
            {"outputs": {column: [value]}} columns. `unusual` appears only where it says something.

    Raises:
        RequestError: a prediction is not a finite number.
    """
    marks = columns[UNUSUAL]
    columns = {name: values for name, values in columns.items() if name != UNUSUAL}
    response: dict[str, Any]
    if form == "instances":
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for row, mark in zip(rows, marks, strict=True):
            if mark:
                row[UNUSUAL] = mark
        response = {"predictions": rows}
    else:
        marked = {UNUSUAL: [mark or None for mark in marks]} if any(marks) else {}
        response = {"outputs": columns | marked}
    try:
        return json.dumps(response, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise not_finite_error(columns, marks) from error


def not_finite_error(columns: JsonColumns, marks: list[str]) -> RequestError:
    row = next(
        number
        for number, values in enumerate(zip(*columns.values(), strict=True))
        if any(isinstance(value, float) and not math.isfinite(value) for value in values)
    )
    why = f" ({marks[row]})" if marks[row] else ""
    return RequestError(
        f"row {row}: the prediction is not a finite number{why}: correct the values of this row, "
        "or leave it out",
        422,
    )
