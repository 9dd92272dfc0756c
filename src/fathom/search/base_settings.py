"""The settings that all trials share, and what one trial changes: for training and for DVC."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

from omegaconf import DictConfig

from fathom.base import paths
from fathom.messages.origins import (
    Origins,
    default_experiment,
    file_sets,
    read_settings,
    select,
)
from fathom.search.space import FILE_CHOICES, Values, to_hydra
from fathom.settings.compose import compose_tree, validate
from fathom.settings.config import NetworkConfig
from fathom.settings.merge import replaces, set_values


class BaseSettings:
    """The settings that all trials of a search share, from overrides as for a stage."""

    def __init__(self, overrides: list[str]) -> None:
        self.overrides = overrides
        self.cache: dict[tuple[str, ...], tuple[DictConfig, Origins]] = {}

    def with_values(self, values: Values) -> NetworkConfig:
        """Return checked settings with the values of a trial."""
        tree, origins = self.compose(values)
        tree = tree.copy()
        set_values(tree, {key: values[key] for key in values if key not in FILE_CHOICES})
        return validate(tree, replace(origins, searched=tuple(values)), NetworkConfig)

    def compose(self, values: Values) -> tuple[DictConfig, Origins]:
        """Compose the settings from the files that the values choose, without the other values."""
        choices = tuple(f"{key}={values[key]}" for key in FILE_CHOICES if key in values)
        if choices not in self.cache:
            self.cache[choices] = compose_tree([*self.overrides, *choices])
        return self.cache[choices]

    def stage_overrides(self) -> list[str]:
        """Return the overrides without those of the search itself."""
        keys = [re.split("[./=]", override.lstrip("+~"))[0] for override in self.overrides]
        return [text for text, key in zip(self.overrides, keys, strict=True) if key != "search"]

    def dvc_overrides(self, values: Values) -> list[str]:
        """Return the arguments of `dvc exp run -S` that train with these values.

        They contain the overrides of the search. Each is set in the file that decides the setting;
        a key that is in no file is added.
        """
        _, origins = self.compose(values)
        origins = replace(origins, overrides=())
        pairs = [override.lstrip("+").partition("=") for override in self.stage_overrides()]
        settings = {key: text for key, _, text in pairs}
        settings |= {key: to_hydra(value) for key, value in values.items()}
        final = self.with_values(values).model_dump(by_alias=True)
        overrides: dict[str, None] = {}
        for key, text in settings.items():
            if key not in (*FILE_CHOICES, "dataset"):
                keys = key.split(".")
                changes = replacement(keys, final, origins) or [assignment(keys, text, origins)]
                overrides |= dict.fromkeys(changes)
        if origins.experiment not in (None, default_experiment()):
            overrides[f"experiment={origins.experiment}"] = None
        return list(overrides)


def assignment(keys: list[str], text: str, origins: Origins) -> str:
    prefix, path, place = in_file(keys, origins)
    new = "" if file_sets(path, place) else "+"
    return f"{prefix}{new}{place}={text}"


def replacement(keys: list[str], final: dict[str, Any], origins: Origins) -> list[str]:
    """Return how DVC replaces a function whole, which it would merge, or [] if none is replaced."""
    for depth in range(2, len(keys) + 1):
        prefix, path, place = in_file(keys[:depth], origins)
        below = select(read_settings(path), place)
        above = select(final, ".".join(keys[:depth]))
        if isinstance(below, dict) and isinstance(above, dict) and replaces(above, below):
            return [f"{prefix}~{place}", f"{prefix}+{place}={to_hydra(above)}"]
    return []


def in_file(keys: list[str], origins: Origins) -> tuple[str, Path, str]:
    """Return the file that decides a setting, before it DVC's prefix, and the key there."""
    file, place = origins.of(keys)
    return "" if file == str(paths.PARAMS) else f"{file}:", Path(file), place
