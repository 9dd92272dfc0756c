"""From the project's settings and an estimator's parameters to checked settings.

A parameter is called as the setting, with two underscores for each dot: `model__deep__units`.
"""

import functools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from omegaconf import DictConfig, OmegaConf

from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import Location, Origins
from fathom.messages.setting_errors import is_setting, keys_at
from fathom.settings.compose import compose_tree, options, project_conf, validate
from fathom.settings.config import NetworkConfig

# What can be set, and what cannot: it is for the stages, or follows from what `fit` is given.
SECTIONS: dict[str, tuple[str, ...]] = {
    "model": ("_target_", "name"),
    "train": ("repeats", "at_once", "ensemble", "checkpoint", "tensorboard"),
    "scale": ("pixels",),
    "dataset": ("name", "source", "task", "target", "unit", "sample_weight"),
}
ROWS = "X"  # what errors call the data set


@dataclass(frozen=True)
class Parameters(Origins):
    """Names the estimator and its parameter as the origin of what it sets."""

    estimator: str = ""
    names: dict[str, str] = field(default_factory=dict)  # of parameters, by setting

    def of(self, location: Location) -> tuple[str, str]:
        key = ".".join(map(str, location))
        for setting, name in self.names.items():
            if key == setting or key.startswith(f"{setting}."):
                return self.estimator, name + key.removeprefix(setting)
        return super().of(location)

    def file(self, group: str) -> Any:
        return None if group == "dataset" else super().file(group)


def checked_settings(
    estimator: str,
    model: str,
    given: Mapping[str, Any],
    dataset: dict[str, Any],
    categories: list[str],
    seed: int | None,
    held_out: bool,
) -> NetworkConfig:
    """Return the settings of the project in the working folder with an estimator's laid over.

    Args:
        estimator: how errors call it.
        model: the name of a file in conf/model/.
        given: values by the names of parameters.
        dataset: the settings that follow from what `fit` is given.
        categories: columns that are so by their type; a parameter may name others.
        seed: None for that of params.yaml.
        held_out: whether there are rows by which the best epoch is told; if there are none, all
            epochs are trained and the last is kept.

    Raises:
        FathomError: there is no such setting, or its value is impossible.
    """
    refuse_unknown(estimator, model, list(given))
    tree, origins = settings_of(estimator, model)
    tree = tree.copy()
    names = {name.replace("__", "."): name for name in given}
    values: dict[str, Any] = {"dataset": {"source": {"_target_": "fit"}} | dataset}
    values |= {setting: plain(given[name]) for setting, name in names.items()}
    if categories:
        others = values.get("dataset.categories") or []
        values["dataset.categories"] = sorted({*others, *categories})
    values["train.tensorboard"] = False
    if seed is not None:
        values["seed"], names["seed"] = seed, "random_state"
    if not held_out:
        values |= {"train.early_stopping": None, "train.keep": "last"}
    for setting, value in values.items():
        OmegaConf.update(tree, setting, value, merge=False, force_add=True)
    chosen = vars(origins) | {"dataset": ROWS, "estimator": estimator, "names": names}
    return validate(tree, Parameters(**chosen), NetworkConfig)


def settings_of(estimator: str, model: Any) -> tuple[DictConfig, Origins]:
    """Return the project's settings for a model; they are read anew when a file has changed."""
    project_conf()
    if model not in options("model"):
        near = did_you_mean(str(model), options("model"))
        raise FathomError(f"{estimator}: model: there is no {paths.CONF}/model/{model}.yaml{near}")
    files = [paths.PARAMS, *sorted(paths.CONF.rglob("*.yaml"))]
    stamps = tuple((str(file.absolute()), file.stat().st_mtime_ns) for file in files)
    return compose_once(model, stamps)


@functools.lru_cache(maxsize=32)
def compose_once(model: str, _: tuple[Any, ...]) -> tuple[DictConfig, Origins]:
    """Compose settings, which takes a tenth of a second, once while their files are the same."""
    return compose_tree([f"model={model}"])


def refuse_unknown(estimator: str, model: str, names: list[str]) -> None:
    """Refuse parameters that are no settings.

    Raises:
        FathomError: the line names the nearest that is one.
    """
    if not names:
        return
    tree = open_to(settings_of(estimator, model)[0])
    for name in names:
        if "__" not in name or not is_setting(tree, name.split("__")):
            known = list(nodes(tree))
            last = name.rpartition("__")[2]
            same = [setting for setting in known if setting.rpartition("__")[2] == last]
            section = name.partition("__")[0]
            known = [n for n in known if section not in tree or n.startswith(f"{section}__")]
            near = f"; did you mean {same[0]}?" if same else did_you_mean(name, known)
            raise FathomError(f"{estimator}: {name} is not a setting{near}")


def open_to(settings: DictConfig) -> dict[str, Any]:
    """Return the sections that an estimator's parameters may set, without what they may not.

    Settings that a file of conf/ may leave out are there, as None.
    """
    whole: Any = OmegaConf.to_container(settings, resolve=True)
    tree = {}
    for section, closed in SECTIONS.items():
        every = dict.fromkeys(keys_at(NetworkConfig, (section,))) | (whole.get(section) or {})
        tree[section] = {name: value for name, value in every.items() if name not in closed}
    return tree


def nodes(tree: Mapping[str, Any], above: str = "") -> Iterator[str]:
    """Return the parameters of all settings below the sections."""
    for name, below in tree.items():
        if above:
            yield above + name
        if isinstance(below, Mapping):
            yield from nodes(below, f"{above}{name}__")


def plain(value: Any) -> Any:
    """Return a value with Python's own numbers and lists in the place of NumPy's, and tuples."""
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    if isinstance(value, Mapping):
        return {name: plain(item) for name, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple) else value
