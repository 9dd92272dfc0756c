"""What a model gives, as columns that people and programs read."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from fathom.data.scaling import Floats
from fathom.data.schema import Output
from fathom.export.signature import Signature


def answers(found: Mapping[str, Floats], signature: Signature) -> pd.DataFrame:
    """Return predictions as columns.

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
    table = pd.DataFrame(columns)
    numbers = table.select_dtypes("float").columns
    return table.astype(dict.fromkeys(numbers, np.float32))


def of_output(values: Floats, output: Output) -> dict[str, np.ndarray]:
    """Return the columns of one output."""
    if output.classes is None:
        return {"predicted": values}
    names = np.array(output.classes, dtype=object)
    columns = {"predicted": names[values.argmax(axis=1)], "probability": values.max(axis=1)}
    return columns | {f"probability_{name}": values[:, n] for n, name in enumerate(names)}


def answer_names(signature: Signature) -> list[str]:
    """Return the names of the columns that `answers` makes."""
    none = {
        name: np.zeros((0, output.units) if output.classes else 0)
        for name, output in signature.outputs.items()
    }
    return [str(name) for name in answers(none, signature)]
