"""Networks as `.keras` files."""

import importlib
import json
import zipfile
from pathlib import Path
from typing import Any

import keras

from fathom.base import paths
from fathom.base.files import read_json, stage_output
from fathom.settings.instantiate import current_name

FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP archive can hold


def read_model(dataset: str, name: str) -> keras.Model:
    folder, made_by = paths.model(dataset, name), f"train@{dataset}-{name}"
    run = read_json(folder / "run.json", made_by)
    builder = current_name(run["settings"]["model"]["_target_"])
    importlib.import_module(builder.rpartition(".")[0])  # which may register classes
    with stage_output(folder / "model.keras", made_by) as file:
        return keras.saving.load_model(file, compile=False)


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model as a `.keras` file: the same model gives the same bytes.

    Keras writes the time and memory addresses into the archive; every later stage would run again
    after an identical training. Here the time is dropped and addresses become numbers.
    """
    dated = path.with_name(f"dated-{path.name}")
    model.save(dated)
    with zipfile.ZipFile(dated) as source, zipfile.ZipFile(path, "w") as archive:
        for name in sorted(source.namelist()):
            content = source.read(name)
            if name.endswith(".json"):
                tree = json.loads(content)
                number_shared_objects(tree, {})
                if name == "metadata.json":
                    tree.pop("date_saved", None)
                content = json.dumps(tree).encode()
            archive.writestr(zipfile.ZipInfo(name, FIRST_DATE), content)
    dated.unlink()


def number_shared_objects(tree: Any, numbers: dict[int, int]) -> None:
    """Replace the addresses of shared objects by numbers in the order of their first use."""
    if isinstance(tree, dict):
        address = tree.get("shared_object_id")
        if address is not None:
            tree["shared_object_id"] = numbers.setdefault(address, len(numbers))
    if isinstance(tree, dict | list):
        for child in tree.values() if isinstance(tree, dict) else tree:
            number_shared_objects(child, numbers)


def describe_layers(model: keras.Model) -> dict[str, dict[str, Any]]:
    """Return the shape of each layer's first output (without rows) and its number of parameters.

    Layers outside a functional graph are left out.
    """
    layers = {}
    for layer in getattr(model, "operations", model.layers):
        outputs = keras.tree.flatten(getattr(layer, "output", []))
        if outputs:
            # Functions of keras.ops have no weights to count.
            count = layer.count_params() if isinstance(layer, keras.Layer) else 0
            layers[layer.name] = {"shape": list(outputs[0].shape[1:]), "parameters": count}
    return layers
