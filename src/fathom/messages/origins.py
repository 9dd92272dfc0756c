"""The file that a setting comes from, or the command line."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fathom.base import paths
from fathom.base.errors import FathomError

GROUPS = ("dataset", "model")
CHOICES = (*GROUPS, "experiment", "search", "search/space")  # overrides that choose a file
# Where the settings hold the content of a group's file; the files that win come first.
PREFIXES = {
    "experiment": "",
    "dataset": "",
    "model": "model.",
    "space": "search.space.",
    "search": "search.",
}

Location = Sequence[str | int]  # the keys on the way to a setting, from the top


@dataclass(frozen=True)
class Origins:
    """The sources of a configuration: overrides, and the chosen file of each group.

    `searched` are keys that a search has set.
    """

    overrides: tuple[str, ...]
    dataset: str | None
    model: str | None
    experiment: str | None
    search: str | None = None
    space: str | None = None
    searched: tuple[str, ...] = ()

    def of(self, location: Location) -> tuple[str, str]:
        """Return the origin of a setting, and the setting's key there."""
        key = ".".join(map(str, location))
        if any(is_within(key, name) for name in self.searched):
            return str(self.file("space")), key
        if find_override(self.overrides, key) is not None:
            return "command line", key
        for group, prefix in PREFIXES.items():
            path, below = self.file(group), key.removeprefix(prefix)
            if path is not None and key.startswith(prefix) and file_sets(path, below):
                return str(path), below
        path = self.file(str(location[0])) if location[0] in GROUPS else None
        if path is not None:  # the setting is missing there
            return str(path), key.removeprefix("model.")
        return str(paths.PARAMS), key

    def error(self, location: Location, text: str) -> FathomError:
        """Return an error about the setting at `location`."""
        file, key = self.of(location)
        return FathomError(f"{file}: {key}: {text}")

    def file(self, group: str) -> Path | None:
        choice: str | None = getattr(self, group)
        folder = "search/space" if group == "space" else group
        return None if choice is None else paths.CONF / folder / f"{choice}.yaml"

    def replaced_settings(self, section: str) -> list[str]:
        """Return a line for a data set and an experiment that replace a section's settings."""
        lines = []
        params = read_settings(paths.PARAMS)
        for path in (self.file("dataset"), self.file("experiment")):
            above = read_settings(path).get(section) if path else None
            leaves = flatten({section: above or {}})
            keys = [key for key, value in leaves.items() if select(params, key, value) != value]
            if above and keys:
                lines.append(f"{path} replaces {', '.join(keys)}")
        return lines


def is_within(key: str, section: str) -> bool:
    return key == section or key.startswith(f"{section}.")


def find_override(overrides: Sequence[str], key: str) -> str | None:
    """Return the override of a key, of a section above it or of a key below it."""
    for override in overrides:
        name = override.lstrip("+~").partition("=")[0]
        if name not in CHOICES and (is_within(key, name) or is_within(name, key)):
            return override
    return None


def read_settings(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            tree = yaml.safe_load(file) or {}
    except yaml.MarkedYAMLError as error:
        raise FathomError(invalid_yaml(error)) from error
    if not isinstance(tree, dict):
        raise FathomError(f"{path}: must hold settings, `key: value`, not {tree!r}")
    return tree


def invalid_yaml(error: yaml.MarkedYAMLError) -> str:
    mark = error.problem_mark
    if mark is None:
        return " ".join(str(error).split())
    return f"{os.path.relpath(mark.name)}: line {mark.line + 1}: not valid YAML: {error.problem}"


def select(tree: Any, key: str, default: Any = None) -> Any:
    """Return the value of a dotted key in a tree of settings."""
    for name in key.split("."):
        if not isinstance(tree, dict) or name not in tree:
            return default
        tree = tree[name]
    return tree


def flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    """Return a tree of settings as {dotted key: value}."""
    leaves: dict[str, Any] = {}
    for name, value in tree.items():
        if isinstance(value, dict) and value:
            leaves |= flatten(value, f"{prefix}{name}.")
        else:
            leaves[f"{prefix}{name}"] = value
    return leaves


def file_sets(path: Path, key: str) -> bool:
    """Return whether a file sets a key, or keys below it."""
    return any(is_within(name, key) for name in flatten(read_settings(path)))


def default_experiment() -> str:
    return str(read_settings(paths.PARAMS).get("experiment") or "none")
