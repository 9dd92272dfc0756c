"""Model files of the same bytes for the same model."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras

FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP archive can hold


def save_model(model: keras.Model, path: Path) -> None:
    """Save a model as a `.keras` file that holds nothing of when and where it was saved.

    Keras writes the time and memory addresses into the archive, so that the same training gives
    other bytes each time, and every stage behind it would run anew. What Keras reads from the
    archive stays as it was.
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
    """Give objects numbers in the order in which they come, where Keras takes addresses."""
    if isinstance(tree, dict):
        address = tree.get("shared_object_id")
        if address is not None:
            tree["shared_object_id"] = numbers.setdefault(address, len(numbers))
    if isinstance(tree, dict | list):
        for child in tree.values() if isinstance(tree, dict) else tree:
            number_shared_objects(child, numbers)
