"""Another `_target_` replaces a function with all its arguments; all other mappings merge."""

import functools
from collections.abc import Mapping, Sequence
from typing import Any

from hydra.core.override_parser.types import Override
from omegaconf import DictConfig, OmegaConf

from fathom.base import paths
from fathom.messages.origins import select
from fathom.settings.config import ModelSettings
from fathom.settings.instantiate import current_name

TARGET = "_target_"
CALLBACKS = "train.callbacks"  # all of them are replaced by an override of this key

Tree = dict[str, Any]


def drop_replaced(
    tree: DictConfig,
    params: Tree,
    chosen: Mapping[str, str | None],
    overrides: Sequence[Override],
) -> None:
    """Remove from composed settings the arguments of functions that a later source replaces.

    Hydra merges all mappings. Sources are params.yaml, the chosen files by their groups in the
    order of conf/config.yaml, and the overrides together.
    """
    layers = [params]
    for group, name in chosen.items():
        if name is not None:
            content = read_layer((paths.CONF / group / f"{name}.yaml").read_bytes())
            layers.append(content if group in ("dataset", "experiment") else {group: content})
    above = OmegaConf.create()
    for override in overrides:
        if not override.is_delete():
            OmegaConf.update(above, override.key_or_group, override.value(), force_add=True)
    last: Any = OmegaConf.to_container(above)
    merged = everything = Tree()
    for layer in layers:
        merged = merge(merged, layer)
        everything = merge(everything, layer, replacing=False)
    if any(override.key_or_group == CALLBACKS for override in overrides):
        merged["train"] = {k: v for k, v in merged["train"].items() if k != "callbacks"}
    remove(tree, merge(everything, last, replacing=False), merge(merged, last))
    keep_kinds(tree, [*layers, last])


@functools.lru_cache
def read_layer(content: bytes) -> Tree:
    """Return the settings in a file, which nobody may change."""
    tree: Any = OmegaConf.to_container(OmegaConf.create(content.decode()))
    return tree if isinstance(tree, dict) else {}


def keep_kinds(tree: DictConfig, layers: Sequence[Tree]) -> None:
    """Merge mappings of `dataset.columns` with an entry below them that is only a kind."""
    columns = OmegaConf.select(tree, "dataset.columns")
    for layer in layers:
        below = select(layer, "dataset.columns")
        for name, kind in below.items() if isinstance(below, dict) else ():
            entry = columns.get(name) if isinstance(columns, DictConfig) else None
            if isinstance(kind, str) and isinstance(entry, DictConfig) and "kind" not in entry:
                entry["kind"] = kind


def merge(below: Tree, above: Tree, location: tuple[str, ...] = (), replacing: bool = True) -> Tree:
    """Merge all mappings; without `replacing` also those of another `_target_`, as Hydra does."""
    if replacing and replaces(above, below):
        below = kept_settings(below, location)
    return below | {
        key: merge(below[key], value, (*location, key), replacing)
        if isinstance(value, dict) and isinstance(below.get(key), dict)
        else value
        for key, value in above.items()
    }


def replaces(above: Mapping[str, Any], below: Mapping[str, Any]) -> bool:
    return (
        TARGET in above
        and TARGET in below
        and current_name(str(above[TARGET])) != current_name(str(below[TARGET]))
    )


def kept_settings(node: Mapping[str, Any], location: Sequence[str]) -> Tree:
    """Return the settings beside a function that are not its arguments: model.learning_rate."""
    names = ModelSettings.model_fields if tuple(location) == ("model",) else ()
    return {name: node[name] for name in names if name in node}


def remove(tree: DictConfig, below: Any, above: Any) -> None:
    """Remove from a tree all keys that are in `below`, but not in `above`."""
    for key in below:
        if key not in tree:
            continue
        if key not in above:
            del tree[key]
        elif all(isinstance(node[key], Mapping) for node in (tree, below, above)):
            remove(tree[key], below[key], above[key])


def set_values(tree: DictConfig, values: Mapping[str, Any]) -> None:
    """Set settings by their dotted keys; another `_target_` removes the other arguments."""
    for key in sorted(values, key=lambda key: not key.endswith(f".{TARGET}")):
        place, _, last = key.rpartition(".")
        node = OmegaConf.select(tree, place) if last == TARGET else None
        if isinstance(node, DictConfig) and replaces({TARGET: values[key]}, node):
            kept = kept_settings(node, place.split("."))
            OmegaConf.update(tree, place, kept, merge=False)
        OmegaConf.update(tree, key, values[key], merge=False, force_add=True)
