"""The distributions of training rows and of predictions, which `signature.json` publishes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.columns import as_numbers, as_texts
from fathom.artifacts.histogram import Histogram
from fathom.artifacts.problem import Problem
from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import InputColumn, InputKind, Signature


def describe_predictions(problem: Problem, predicted: Floats) -> Histogram:
    """Return the distribution of numbers, or of the most probable classes."""
    classes = problem.main.classes
    if classes is None:
        return Histogram.of_numbers(predicted)
    return Histogram.of_categories(predicted.argmax(axis=1), range(len(classes)))


def describe_values(values: pd.Series[Any], kind: InputKind, known: list[str] | None) -> Histogram:
    if kind == "text":
        return Histogram.of_categories(as_texts(values), known or [])
    numbers = as_numbers(values).to_numpy(np.float64, na_value=np.nan)
    if known is not None:
        return Histogram.of_categories(numbers, list(map(float, known)))
    return Histogram.of_numbers(numbers)


def hide_values(signature: Signature) -> Signature:
    """Return a signature without values of the training rows, by which new rows are still read."""
    columns = list(map(hide_column, signature.columns))
    return signature.model_copy(update={"columns": columns, "predictions": None})


def hide_column(column: InputColumn) -> InputColumn:
    nothing = dict.fromkeys(["low", "high", "categories", "histogram"])
    return column.model_copy(
        update={"texts": column.literal_texts, "codes": column.has_codes, **nothing}
    )
