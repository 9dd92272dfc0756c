"""Environment variables: those that Fathom's programs set, and those that can change networks.

`fathom.sklearn` works in a process of somebody else and sets none of them.
"""

import os
import re
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path

from platformdirs import user_cache_path

from fathom.base.errors import FathomError

GIVEN = dict(os.environ)  # when this process started
# Variables of TensorFlow, XLA, JAX and the libraries below them by which networks may differ in
# their last bits. Terraform's names begin with TF_, too.
BITS = re.compile(
    r"TF_(AUTO|CONFIG$|CPU|CUBLAS|CUDNN|DETERMINISTIC|DISABLE|ENABLE|FP16|MATMUL|NUM_INT|ONEDNN|"
    r"OVERRIDE|USE_(?!LEGACY_KERAS$)|XLA)|XLA_FLAGS$|JAX_(DEFAULT|DISABLE|ENABLE)|CUBLAS_|CUDNN_|"
    r"DNNL_|ONEDNN_|NVIDIA_TF32_OVERRIDE$"
)


def cache_folder() -> Path:
    """Return the folder for downloads: `FATHOM_CACHE`, or `fathom` in the user's cache."""
    if given := os.environ.get("FATHOM_CACHE"):
        return expand_home(given)
    try:
        return user_cache_path("fathom")
    except RuntimeError:  # a container may run as a user without a home
        return Path(tempfile.gettempdir(), f"fathom-{os.getuid()}")


def expand_home(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise FathomError(f"{path}: there is no such home folder") from error


def keras_home() -> str:
    """Return the home of Keras in Fathom's programs, without a `keras.json` of the user."""
    return str(cache_folder() / "keras")


def set_environment() -> None:
    """Set the variables of a program, which it passes to the processes that it starts.

    The folder of this Python is first on PATH. Keras runs on TensorFlow and reads neither the
    user's `keras.json` nor `KERAS_*`: its home is a folder of Fathom.
    """
    for name in list(os.environ):
        if name.startswith("KERAS_") or name == "TF_USE_LEGACY_KERAS":
            del os.environ[name]
    os.environ |= {
        "KERAS_BACKEND": "tensorflow",
        "KERAS_HOME": keras_home(),
        "PATH": python_path(os.environ),
    }


def child_environment() -> dict[str, str]:
    """Return the variables of a child that shall work as if the user had started it."""
    return GIVEN | {"PATH": python_path(GIVEN)}


def python_path(environment: Mapping[str, str]) -> str:
    """Return PATH with the folder of this Python in front."""
    folder, path = str(Path(sys.executable).parent), environment.get("PATH") or os.defpath
    return path if path.split(os.pathsep)[0] == folder else f"{folder}{os.pathsep}{path}"


def given_bits() -> dict[str, str]:
    """Return the variables that the user has set and that can change a network's bits."""
    names = sorted(name for name in GIVEN if BITS.match(name))
    return {name: GIVEN[name] for name in names}
