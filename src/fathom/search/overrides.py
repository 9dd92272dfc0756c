"""From what is to be tried to settings, checked as those of a stage."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from omegaconf import DictConfig, OmegaConf

from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import Origins
from fathom.messages.setting_errors import is_setting
from fathom.search.space import Values
from fathom.settings.compose import compose_tree, validate
from fathom.settings.config import NetworkConfig, SearchConfig

CHOICES = ("model", "experiment")  # keys whose values are files of conf/


class Base:
    """The settings that all trials of a search have in common.

    Args:
        overrides: those of the search, as on a stage's command line.
    """

    def __init__(self, overrides: list[str]) -> None:
        self.overrides = overrides
        self.composed: dict[tuple[str, ...], tuple[DictConfig, Origins]] = {}

    def with_values(self, values: Values) -> NetworkConfig:
        """Return checked settings with some values in their places.

        Raises:
            FathomError: they are no settings; the line names the space's file.
        """
        tree, origins = self.of(values)
        tree = tree.copy()
        for key, value in values.items():
            if key not in CHOICES:
                OmegaConf.update(tree, key, value, merge=False, force_add=True)
        return validate(tree, replace(origins, searched=tuple(values)), NetworkConfig)

    def of(self, values: Values) -> tuple[DictConfig, Origins]:
        """Return the settings in which values are put, composed of the files that they choose."""
        chosen = tuple(f"{key}={values[key]}" for key in CHOICES if key in values)
        if chosen not in self.composed:
            self.composed[chosen] = compose_tree([*self.overrides, *chosen])
        return self.composed[chosen]


def refuse_unknown(config: SearchConfig) -> None:
    """Refuse a space that names what is no setting.

    Raises:
        FathomError: the line names the nearest setting.
    """
    tree: Any = config.model_dump(by_alias=True)
    for name in config.search.space:
        if name not in CHOICES and not is_setting(tree, name.split(".")):
            file, _ = config.origins.of(("search", "space", name))
            keys = [".".join(found) for found in leaves(tree)]
            raise FathomError(f"{file}: {name} is not a setting{did_you_mean(name, keys)}")


def leaves(tree: Any, above: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    """Return the keys on the way to each value of a tree."""
    if not isinstance(tree, Mapping) or not tree:
        return [above]
    return [leaf for key, below in tree.items() for leaf in leaves(below, (*above, str(key)))]
