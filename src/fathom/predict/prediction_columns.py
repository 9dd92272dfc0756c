"""A model's outputs as columns of predictions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Output
from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import Signature


def prediction_table(outputs: Mapping[str, Floats], signature: Signature) -> pd.DataFrame:
    """Return predictions as a table: see `prediction_columns`."""
    return pd.DataFrame(prediction_columns(outputs, signature))


def prediction_columns(
    outputs: Mapping[str, Floats], signature: Signature
) -> dict[str, NDArray[Any]]:
    """Return predictions as columns of shape (rows,).

    Args:
        outputs: the arrays of the model's outputs, by name.
        signature: the model's signature.

    Returns:
        For regression `predicted`, in the target's unit, and with an interval `predicted_low` and
        `predicted_high`. For classification `predicted`, the most probable class, its
        `probability`, and `probability_<class>` of each class. The columns of an auxiliary output
        begin with `aux_`. Numbers are float32, as the network computes them.
    """
    columns = output_columns(outputs["main_output"], signature.main)
    if signature.interval is not None:
        low, high = signature.interval.around(outputs["main_output"])
        columns |= {"predicted_low": low, "predicted_high": high}
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


def prediction_names(signature: Signature) -> list[str]:
    """Return the names of the columns of predictions."""
    no_rows = {
        name: np.zeros((0, output.units) if output.classes else 0)
        for name, output in signature.outputs.items()
    }
    return list(prediction_columns(no_rows, signature))
