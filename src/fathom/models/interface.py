"""What a network takes and gives, by the names of its inputs and outputs."""

from typing import Any

import keras


def unwrap(several: list[Any]) -> Any:
    """Give Keras one thing for one input or output, as it names one output's metrics `rmse`, not
    `main_output_rmse`.
    """
    return several[0] if len(several) == 1 else several


def input_names(model: keras.Model) -> list[str]:
    """Return the inputs' names; a subclassed model has one input without a name."""
    return [tensor.name for tensor in getattr(model, "inputs", None) or ()] or ["features"]


def output_names(model: keras.Model) -> list[str]:
    """Return the outputs' names; a subclassed model has one output without a name."""
    return list(getattr(model, "output_names", None) or ["main_output"])
