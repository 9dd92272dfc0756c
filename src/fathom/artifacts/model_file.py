"""Networks as `.keras` files."""

import importlib
import json
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import keras

from fathom.artifacts.training_log import read_run
from fathom.base import paths
from fathom.base.errors import FathomError, own_error
from fathom.base.files import stage_output
from fathom.settings.instantiate import current_name

FIRST_DATE = (1980, 1, 1, 0, 0, 0)  # the earliest that a ZIP archive can hold


def read_model(dataset: str, name: str) -> keras.Model:
    builder = current_name(read_run(dataset, name)["settings"]["model"]["_target_"])
    importlib.import_module(builder.rpartition(".")[0])  # which may register classes
    file, made_by = paths.model(dataset, name) / "model.keras", f"train@{dataset}-{name}"
    with stage_output(file, made_by):
        return load_network(file)


@dataclass(frozen=True)
class OwnObject:
    """A class or function of the user's own in a network."""

    module: str
    name: str
    registered: str

    @property
    def file(self) -> Path:
        module = Path("src", *self.module.split("."))
        package = module / "__init__.py"
        return package if package.is_file() else module.with_suffix(".py")

    @property
    def is_registered(self) -> bool:
        return keras.saving.get_registered_object(self.registered) is not None

    def load(self) -> None:
        """Import the module from `src/` in the working folder, which registers the object."""
        if self.file.is_file() and all(map(str.isidentifier, self.module.split("."))):
            folder = str(Path("src").resolve())
            if folder not in sys.path:
                sys.path.insert(0, folder)
            importlib.import_module(self.module)


def load_network(file: Path) -> keras.Model:
    """Load a `.keras` file without code in it. Classes of the user's own come from `src/`.

    Raises:
        FathomError: a class is not there or not registered, or the file cannot be loaded.
    """
    objects = list(own_objects(read_config(file)))
    try:
        for own in objects:
            own.load()
        return keras.saving.load_model(file, compile=False, safe_mode=True)
    except Exception as error:
        for own in objects:
            if not own.is_registered:
                raise missing_object(file, own) from error
        reason = own_error(error) or str(error).strip().partition("\n")[0]
        raise FathomError(f"{file} cannot be loaded: {reason}") from error


def read_config(file: Path) -> Any:
    """Return the network in a `.keras` file as Keras serializes it."""
    with zipfile.ZipFile(file) as archive:
        return json.loads(archive.read("config.json"))


def own_objects(tree: Any) -> Iterator[OwnObject]:
    """Yield the classes and functions in a serialized network that are not Keras' own."""
    nodes = [tree]
    while nodes:
        node = nodes.pop()
        if isinstance(node, dict):
            module, kind = node.get("module"), node.get("class_name")
            name = node.get("config") if kind == "function" else kind
            if isinstance(module, str) and module.split(".")[0] not in ("builtins", "keras"):
                registered = name if kind == "function" else node.get("registered_name")
                yield OwnObject(module, str(name).rpartition(">")[2], str(registered))
        if isinstance(node, dict | list):
            nodes += node.values() if isinstance(node, dict) else node


def missing_object(file: Path, own: OwnObject) -> FathomError:
    needs = f"{file} needs {own.name} of {own.file}"
    if own.file.is_file():
        return FathomError(
            f"{needs}, which does not register it: write "
            "@keras.saving.register_keras_serializable() before it, and train the network again"
        )
    return FathomError(
        f"{needs}, which is not here: run this in the project in which the network was trained"
    )


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
