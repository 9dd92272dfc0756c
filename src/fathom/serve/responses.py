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
from fathom.predict.prediction_columns import prediction_columns
from fathom.predict.unusual import UNUSUAL, find_unusual
from fathom.serve.batching import Answers
from fathom.serve.errors import RefusedError
from fathom.serve.requests import Form


def predictions(exported_model: ExportedModel, inputs: Inputs) -> Answers:
    """Return the columns of `prediction_columns` and of `unusual`, as JSON has their values."""
    # Values far from those of training overflow, which is told by the row: see `encoded`.
    with np.errstate(over="ignore", invalid="ignore"):
        found = prediction_columns(exported_model.predict(inputs), exported_model.signature)
    columns = {name: values_of(column) for name, column in found.items()}
    return columns | {UNUSUAL: find_unusual(inputs, exported_model.signature).tolist()}


def values_of(column: NDArray[Any]) -> list[Any]:
    """Return texts, or numbers that are written as shortly as float32 allows."""
    if column.dtype == object:
        texts: list[Any] = column.tolist()
        return texts
    return [float(text) for text in compute.cast(pa.array(column), pa.string()).to_pylist()]


def encoded(found: Answers, form: Form) -> bytes:
    """Return the reply to a request.

    Args:
        found: its columns.
        form: of the request: by rows {"predictions": [{column: value}]}, by columns
            {"outputs": {column: [value]}}. `unusual` is there only where something is.

    Raises:
        RefusedError: a prediction is no finite number.
    """
    marks = found[UNUSUAL]
    columns = {name: values for name, values in found.items() if name != UNUSUAL}
    reply: dict[str, Any]
    if form == "instances":
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for row, mark in zip(rows, marks, strict=True):
            if mark:
                row[UNUSUAL] = mark
        reply = {"predictions": rows}
    else:
        noted = {UNUSUAL: [mark or None for mark in marks]} if any(marks) else {}
        reply = {"outputs": columns | noted}
    try:
        return json.dumps(reply, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise not_finite(columns, marks) from error


def not_finite(columns: Answers, marks: list[str]) -> RefusedError:
    """Say for which row a network cannot calculate."""
    row = next(
        number
        for number, values in enumerate(zip(*columns.values(), strict=True))
        if any(isinstance(value, float) and not math.isfinite(value) for value in values)
    )
    why = f" ({marks[row]})" if marks[row] else ""
    return RefusedError(
        422,
        f"row {row}: the network gives no finite number for it{why}: correct its values, or leave "
        "the row out",
    )
