"""Names: of a network's inputs and outputs, of layers, and those by which Keras knows functions."""

import re
from types import ModuleType
from typing import Any

import keras

from fathom.base.errors import did_you_mean

ALIASES = ("mae", "mape", "mse", "msle")
NOT_NAMES = ("deserialize", "get", "serialize")


def known_name(module: ModuleType, kind: str, name: str) -> str:
    """Return a name that a module such as `keras.losses` knows.

    Raises:
        ValueError: it does not; the message names the nearest that it does.
    """
    try:
        module.get(name)
    except (ValueError, TypeError) as error:
        known = [found for found in dir(module) if found[0].islower() and found not in NOT_NAMES]
        known += [alias for alias in ALIASES if hasattr(module, "mean_squared_error")]
        raise ValueError(f"Keras has no {kind} {name!r}{did_you_mean(name, known)}") from error
    return name


def layer_name(kind: str, column: str) -> str:
    """Return a name of letters that TensorFlow takes."""
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"{kind}_{column}")


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
