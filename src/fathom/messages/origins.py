"""Which file, or the command line, a setting comes from."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fathom.base import paths
from fathom.base.errors import FathomError

GROUPS = ("dataset", "model")

PREFIXES = {"search": ("search",), "space": ("search", "space")}

Location = Sequence[str | int]  # the keys on the way to a setting, from the top


@dataclass(frozen=True)
class Origins:
    """What a configuration was composed of: overrides, and the chosen file of each group."""

    overrides: tuple[str, ...]
    dataset: str | None
    model: str | None
    experiment: str | None
    search: str | None = None
    space: str | None = None
    searched: tuple[str, ...] = ()  # keys that a search has set

    def of(self, location: Location) -> tuple[str, str]:
        """Return the origin of the setting at `location`, and its key as it is written there."""
        key = ".".join(str(part) for part in location)
        if any(key == name or key.startswith(f"{name}.") for name in self.searched):
            return str(self.file("space")), key
        for override in self.overrides:
            name = override.lstrip("+~").partition("=")[0]
            if name in (*GROUPS, "experiment", "search", "search/space"):  # the choice of a file
                continue
            if name == key or key.startswith(f"{name}.") or name.startswith(f"{key}."):
                return "command line", key
        for group in ("experiment", "dataset"):
            path = self.file(group)
            if path is not None and file_sets(path, location):
                return str(path), key
        path = self.file("model")
        if path is not None and location[0] == "model" and len(location) > 1:
            return str(path), key.removeprefix("model.")
        path = self.file("dataset")
        if path is not None and location[0] == "dataset":
            return str(path), key
        for group in ("space", "search"):
            path, prefix = self.file(group), PREFIXES[group]
            below = tuple(location[len(prefix) :])
            inside = bool(below) and tuple(location[: len(prefix)]) == prefix
            if path is not None and inside and file_sets(path, below):
                return str(path), ".".join(str(part) for part in below)
        return str(paths.PARAMS), key

    def error(self, location: Location, text: str) -> FathomError:
        """Return an error about the setting at `location`, to raise."""
        file, key = self.of(location)
        return FathomError(f"{file}: {key}: {text}")

    def file(self, group: str) -> Path | None:
        choice: str | None = getattr(self, group)
        folder = "search/space" if group == "space" else group
        return None if choice is None else paths.CONF / folder / f"{choice}.yaml"

    def replaced_values(self) -> list[str]:
        """Tell which values of params.yaml the data set's file and the experiment replace."""
        replaced = []
        below = flat(read(paths.PARAMS))
        for group in ("dataset", "experiment"):
            path = self.file(group)
            above = flat(read(path)) if path is not None else {}
            for key, value in above.items():
                if key in below and below[key] != value:
                    old, new = json.dumps(below[key]), json.dumps(value)
                    replaced.append(f"{path}: {key} is {new}, not {old}")
                elif any(name.startswith(f"{key}.") for name in below):
                    replaced.append(f"{path}: {key} is {json.dumps(value)}")
            below |= above
        return replaced


def read(path: Path) -> dict[str, Any]:
    tree = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    if not isinstance(tree, dict):
        raise FathomError(f"{path}: must hold settings, `key: value`, not {tree!r}")
    return tree


def flat(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a tree of settings as {dotted key: value}."""
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            leaves |= flat(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def file_sets(path: Path, location: Location) -> bool:
    node: Any = read(path)
    for part in location:
        if not isinstance(node, dict) or part not in node:
            return False
        node = node[part]
    return True


def default_experiment() -> str:
    """Return the experiment that params.yaml gives to all stages."""
    return str(read(paths.PARAMS).get("experiment", "none"))
