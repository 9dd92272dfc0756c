"""The names by which Keras knows activations, initialisers and losses, and those of layers."""

import re
from types import ModuleType

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
