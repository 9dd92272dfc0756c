"""The columns that `predict` adds: predictions, and values that training did not see."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Output
from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import (
    EPOCH,
    IMAGE,
    SECOND,
    InputColumn,
    PredictionSet,
    Signature,
)
from fathom.predict.model_inputs import Inputs

UNUSUAL = "unusual"  # the name of the column

Marks = list[tuple[NDArray[np.bool_], str]]  # which rows are unusual, and why


def prediction_table(outputs: Mapping[str, Floats], signature: Signature) -> pd.DataFrame:
    return pd.DataFrame(prediction_columns(outputs, signature))


def prediction_columns(
    outputs: Mapping[str, Floats], signature: Signature
) -> dict[str, NDArray[Any]]:
    """Return predictions as columns of shape (rows,). Numbers are float32.

    Regression has `predicted`, in the target's unit, and with an interval `predicted_low` and
    `predicted_high`. Classification has `predicted`, the most probable class, its `probability`,
    `probability_<class>` of each class, and with a prediction set `predicted_set`, its classes from
    the most to the least probable, joined by semicolons. An auxiliary output's columns begin with
    `aux_`.
    """
    main = outputs["main_output"]
    columns = output_columns(main, signature.main)
    if signature.interval is not None:
        low, high = signature.interval.around(main)
        columns |= {"predicted_low": low, "predicted_high": high}
    if signature.prediction_set is not None:
        names = signature.main.classes or []
        columns["predicted_set"] = join_classes(main, signature.prediction_set, names)
    if "aux_output" in outputs:
        auxiliary = output_columns(outputs["aux_output"], signature.outputs["aux_output"])
        columns |= {f"aux_{name}": values for name, values in auxiliary.items()}
    return {
        name: values.astype(np.float32) if values.dtype.kind == "f" else values
        for name, values in columns.items()
    }


def output_columns(values: Floats, output: Output) -> dict[str, NDArray[Any]]:
    if output.classes is None:
        return {"predicted": values}
    names = np.array(output.classes, dtype=object)
    columns = {"predicted": names[values.argmax(axis=1)], "probability": values.max(axis=1)}
    return columns | {f"probability_{name}": values[:, n] for n, name in enumerate(names)}


def join_classes(
    probabilities: Floats, prediction_set: PredictionSet, names: list[str]
) -> NDArray[np.object_]:
    """Return the classes in the set of each row as a text of shape (rows,)."""
    members = prediction_set.members(probabilities)
    texts: NDArray[np.object_] = np.array(names, dtype=object)[probabilities.argmax(axis=1)]
    for row in np.flatnonzero(members.sum(axis=1) > 1):
        order = np.argsort(-probabilities[row], kind="stable")
        texts[row] = "; ".join(names[n] for n in order if members[row, n])
    return texts


def prediction_names(signature: Signature) -> list[str]:
    no_rows = {
        name: np.zeros((0, output.units) if output.classes else 0)
        for name, output in signature.outputs.items()
    }
    return list(prediction_columns(no_rows, signature))


def find_unusual(inputs: Inputs, signature: Signature) -> NDArray[np.object_]:
    """Return for each row which values training did not see, joined by semicolons, or ""."""
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
    low, high = column.low, column.high
    has_range = column.categories is None and low is not None and high is not None
    if has_range and ((values >= low) & (values <= high)).all():  # most rows: soon done
        return []
    missing = values == "" if column.kind == "text" else pd.isna(values)
    marks: Marks = [] if column.missing else [(missing, f"{column.name} missing")]
    if column.categories is not None:
        known: NDArray[np.bool_] = (
            pd.Series(values).isin(column.categories).to_numpy()
            if column.kind == "text"
            else np.isin(values, [float(category) for category in column.categories])
        )
        marks.append((~known & ~missing, f"{column.name} not seen in training"))
    elif low is not None and high is not None:
        marks.append((values < low, f"{column.name} below {format_limit(low, column)}"))
        marks.append((values > high, f"{column.name} above {format_limit(high, column)}"))
    return marks


def format_limit(limit: float, column: InputColumn) -> str:
    return str(EPOCH + limit * SECOND) if column.kind == "date" else f"{limit:g}"
