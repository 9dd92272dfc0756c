"""Trained networks, read back."""

import importlib

import keras

from fathom.base import paths
from fathom.base.files import read_json, stage_output


def read_model(dataset: str, name: str) -> keras.Model:
    """Read the kept network; the module that built it, which may register classes of its own, is
    imported first.
    """
    folder, made_by = paths.model(dataset, name), f"train@{dataset}-{name}"
    run = read_json(folder / "run.json", made_by)
    builder = run["settings"]["model"]["_target_"]
    importlib.import_module(builder.rpartition(".")[0])
    with stage_output(folder / "model.keras", made_by) as file:
        return keras.saving.load_model(file, compile=False)
