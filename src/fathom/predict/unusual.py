"""Which rows hold what training did not see, where a network's figures say nothing of it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.signature import EPOCH, SECOND, InputColumn, Signature
from fathom.predict.model_inputs import Inputs

UNUSUAL = "unusual"  # the name of the column

Marks = list[tuple[NDArray[np.bool_], str]]


def find_unusual(inputs: Inputs, signature: Signature) -> NDArray[np.object_]:
    """Return for each row, "" or what in it training did not see, joined by semicolons.

    Args:
        inputs: what the model takes, of shape (rows, ...).
        signature: says what training saw.
    """
    rows = len(next(iter(inputs.values())))
    found = np.full(rows, "", dtype=object)
    for where, what in marks(inputs, signature):
        if where.any():
            found[where] = [f"{before}; {what}" if before else what for before in found[where]]
    return found


def marks(inputs: Inputs, signature: Signature) -> Marks:
    """Return each thing that may be unusual, and in which rows it is."""
    if signature.image is not None:
        (images,) = inputs.values()
        image = signature.image
        pixels = images.reshape(len(images), -1)
        return [
            (pixels.max(axis=1) > image.high, f"pixels above {image.high:g}"),
            (pixels.min(axis=1) < image.low, f"pixels below {image.low:g}"),
        ]
    return [
        mark for column in signature.columns for mark in of_column(inputs[column.input], column)
    ]


def of_column(values: NDArray[Any], column: InputColumn) -> Marks:
    """Return a column's."""
    absent = values == "" if column.kind == "text" else pd.isna(values)
    found: Marks = [] if column.missing else [(absent, f"{column.name} missing")]
    if column.categories is not None:
        known: NDArray[np.bool_] = (
            pd.Series(values).isin(column.categories).to_numpy()
            if column.kind == "text"
            else np.isin(values, [float(value) for value in column.categories])
        )
        return [*found, (~known & ~absent, f"{column.name} not seen in training")]
    if column.low is not None and column.high is not None:
        low, high = (format_limit(limit, column) for limit in (column.low, column.high))
        found.append((values < column.low, f"{column.name} below {low}"))
        found.append((values > column.high, f"{column.name} above {high}"))
    return found


def format_limit(limit: float, column: InputColumn) -> str:
    return str(EPOCH + limit * SECOND) if column.kind == "date" else f"{limit:g}"
