"""What a model gives, as columns that people and programs read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Output
from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import Signature


def prediction_table(found: Mapping[str, Floats], signature: Signature) -> pd.DataFrame:
    """Return predictions as a table: see `prediction_columns`."""
    return pd.DataFrame(prediction_columns(found, signature))


def prediction_columns(
    found: Mapping[str, Floats], signature: Signature
) -> dict[str, NDArray[Any]]:
    """Return predictions as columns of shape (rows,).

    Args:
        found: what the model gives, by output.
        signature: of the model.

    Returns:
        Of numbers `predicted`, in the target's unit, and where there is an interval
        `predicted_low` and `predicted_high`; of classes `predicted`, the name of the most probable
        one, its `probability`, and `probability_<class>` of each. The same of an auxiliary output,
        with `aux_` before. Numbers are float32, as the network calculates.
    """
    columns = of_output(found["main_output"], signature.main)
    if signature.interval is not None:
        low, high = signature.interval.around(found["main_output"])
        columns |= {"predicted_low": low, "predicted_high": high}
    if "aux_output" in found:
        auxiliary = of_output(found["aux_output"], signature.outputs["aux_output"])
        columns |= {f"aux_{name}": values for name, values in auxiliary.items()}
    return {
        name: values.astype(np.float32) if values.dtype.kind == "f" else values
        for name, values in columns.items()
    }


def of_output(values: Floats, output: Output) -> dict[str, NDArray[Any]]:
    """Return the columns of one output."""
    if output.classes is None:
        return {"predicted": values}
    names = np.array(output.classes, dtype=object)
    columns = {"predicted": names[values.argmax(axis=1)], "probability": values.max(axis=1)}
    return columns | {f"probability_{name}": values[:, n] for n, name in enumerate(names)}


def prediction_names(signature: Signature) -> list[str]:
    """Return the names of the columns that `prediction_table` makes."""
    none = {
        name: np.zeros((0, output.units) if output.classes else 0)
        for name, output in signature.outputs.items()
    }
    return list(prediction_columns(none, signature))
