"""Values that training did not see. The test set's metrics say nothing about their rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.signature import EPOCH, IMAGE, SECOND, InputColumn, Signature
from fathom.predict.model_inputs import Inputs

UNUSUAL = "unusual"  # the name of the column

Marks = list[tuple[NDArray[np.bool_], str]]  # which rows are unusual, and why


def find_unusual(inputs: Inputs, signature: Signature) -> NDArray[np.object_]:
    """Return for each row which values training did not see, joined by semicolons, or "".

    Args:
        inputs: the model's inputs, of shape (rows, ...).
        signature: the model's signature, with what training saw.
    """
    image = signature.image
    marks: Marks = []
    for column in signature.columns:
        marks += column_marks(inputs[column.input], column)
    if image is not None:
        pixels = inputs[IMAGE].reshape(len(inputs[IMAGE]), -1)
        marks.append((pixels.max(axis=1) > image.high, f"pixels above {image.high:g}"))
        marks.append((pixels.min(axis=1) < image.low, f"pixels below {image.low:g}"))
    texts = np.full(len(next(iter(inputs.values()))), "", dtype=object)
    for is_unusual, why in marks:
        if is_unusual.any():
            texts[is_unusual] = [f"{text}; {why}" if text else why for text in texts[is_unusual]]
    return texts


def column_marks(values: NDArray[Any], column: InputColumn) -> Marks:
    missing = values == "" if column.kind == "text" else pd.isna(values)
    marks: Marks = [] if column.missing else [(missing, f"{column.name} missing")]
    if column.categories is not None:
        known: NDArray[np.bool_] = (
            pd.Series(values).isin(column.categories).to_numpy()
            if column.kind == "text"
            else np.isin(values, [float(category) for category in column.categories])
        )
        marks.append((~known & ~missing, f"{column.name} not seen in training"))
    elif column.low is not None and column.high is not None:
        low, high = (format_limit(limit, column) for limit in (column.low, column.high))
        marks.append((values < column.low, f"{column.name} below {low}"))
        marks.append((values > column.high, f"{column.name} above {high}"))
    return marks


def format_limit(limit: float, column: InputColumn) -> str:
    return str(EPOCH + limit * SECOND) if column.kind == "date" else f"{limit:g}"
