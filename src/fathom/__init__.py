"""Fathom: from a raw table or images to trained, compared and explained Keras networks."""

import importlib.util
import sys

if importlib.util.find_spec("hydra") is None:
    sys.exit(
        f"Fathom's packages are not installed in {sys.executable}: run `make repro`, or put "
        "the project's own environment first on PATH with `. .venv/bin/activate`"
    )
