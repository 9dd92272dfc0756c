"""Names of a network's inputs, outputs and layers, and of Keras' functions."""

import hashlib
import re
from types import ModuleType
from typing import Any

import keras

from fathom.base.errors import did_you_mean

ALIASES = ("mae", "mape", "mse", "msle")
NOT_NAMES = ("deserialize", "get", "serialize")


def known_name(module: ModuleType, kind: str, name: str) -> str:
    """Return a name that a module such as `keras.losses` knows, or raise ValueError."""
    try:
        module.get(name)
    except (ValueError, TypeError) as error:
        known = [public for public in dir(module) if public[0].islower()]
        known = [public for public in known if public not in NOT_NAMES]
        known += [alias for alias in ALIASES if hasattr(module, "mean_squared_error")]
        raise ValueError(f"Keras has no {kind} {name!r}{did_you_mean(name, known)}") from error
    return name


def layer_name(kind: str, column: str) -> str:
    """Return a layer name of characters that TensorFlow accepts.

    A column with other characters gets a digest: `Size (m)` and `Size [m]` have different layers.
    """
    plain = re.sub(r"[^A-Za-z0-9_.-]", "_", column)
    digest = "" if plain == column else f"_{hashlib.sha256(column.encode()).hexdigest()[:8]}"
    return f"{kind}_{plain}{digest}"


def unwrap(tensors: list[Any]) -> Any:
    """Return the only tensor of a list, or the list. Keras calls the metric of a single output
    `rmse`, but `main_output_rmse` if it is given a list.
    """
    return tensors[0] if len(tensors) == 1 else tensors


def input_names(model: keras.Model) -> list[str]:
    """Return the inputs' names. A subclassed model has one input without a name."""
    return [tensor.name for tensor in getattr(model, "inputs", None) or ()] or ["features"]


def output_names(model: keras.Model) -> list[str]:
    """Return the names of the outputs. A subclassed model has one output without a name."""
    return list(getattr(model, "output_names", None) or ["main_output"])
