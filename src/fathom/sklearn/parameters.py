"""From an estimator's parameters to checked settings.

A parameter is a setting with two underscores for each dot: `model__deep__units`.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from omegaconf import DictConfig, OmegaConf

from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import Location, Origins
from fathom.messages.setting_errors import is_setting, keys_at
from fathom.settings.compose import compose_tree, project_conf, validate
from fathom.settings.config import NetworkConfig
from fathom.settings.file_names import no_file, options
from fathom.settings.merge import set_values

# Sections of settings that are parameters, without those that are for stages or follow from `fit`.
SECTIONS: dict[str, tuple[str, ...]] = {
    "model": ("_target_", "name"),
    "train": ("repeats", "at_once", "ensemble", "folds", "checkpoint", "tensorboard"),
    "scale": ("pixels",),
    "dataset": ("name", "source", "task", "target", "unit", "sample_weight"),
}
DATASET = "X"  # the name of the data set in errors


@dataclass(frozen=True)
class ParameterOrigins(Origins):
    """Names the estimator and the parameter in errors about settings."""

    estimator: str = ""
    parameters: dict[str, str] = field(default_factory=dict)  # by setting

    def of(self, location: Location) -> tuple[str, str]:
        key = ".".join(map(str, location))
        for setting, name in self.parameters.items():
            if key == setting or key.startswith(f"{setting}."):
                return self.estimator, name + key.removeprefix(setting)
        return super().of(location)

    def file(self, group: str) -> Any:
        return None if group == "dataset" else super().file(group)


def compose_settings(
    estimator: str,
    model: str,
    parameters: Mapping[str, Any],
    dataset: dict[str, Any],
    seed: int | None,
    has_validation: bool,
) -> NetworkConfig:
    """Return the settings of the project in the working folder, updated by parameters and by what
    follows from the arguments of `fit`: the categories in `dataset` are added to the parameters'.
    """
    check_parameters(estimator, model, list(parameters))
    tree, origins = read_settings(estimator, model)
    tree = tree.copy()
    names = {name.replace("__", "."): name for name in parameters}
    categories = dataset.pop("categories")
    values: dict[str, Any] = {"dataset": {"source": {"_target_": "fit"}} | dataset}
    values |= {setting: to_plain(parameters[name]) for setting, name in names.items()}
    columns = values.get("dataset.columns") or {}
    if isinstance(columns, dict):  # or else its error follows
        columns = {name: {"kind": "category"} for name in categories} | columns
    values["dataset.columns"] = columns
    values["train.tensorboard"] = False
    if seed is not None:
        values["seed"], names["seed"] = seed, "random_state"
    if not has_validation:
        values |= {"train.early_stopping": None, "train.keep": "last"}
    set_values(tree, values)
    own = {"dataset": DATASET, "estimator": estimator, "parameters": names}
    return validate(tree, ParameterOrigins(**vars(origins) | own), NetworkConfig)


def read_settings(estimator: str, model: str) -> tuple[DictConfig, Origins]:
    """Return the project's settings for a model, composed again when a file has changed."""
    project_conf()
    if model not in options("model"):
        raise FathomError(f"{estimator}: model: {no_file('model', model)}")
    files = [paths.PARAMS, *sorted(paths.CONF.rglob("*.yaml"))]
    return compose_once(model, tuple((str(f.absolute()), f.stat().st_mtime_ns) for f in files))


@functools.lru_cache(maxsize=32)  # to compose takes a tenth of a second
def compose_once(model: str, _: tuple[Any, ...]) -> tuple[DictConfig, Origins]:
    return compose_tree([f"model={model}"])


def check_parameters(estimator: str, model: str, names: list[str]) -> None:
    if not names:
        return
    settings: Any = OmegaConf.to_container(read_settings(estimator, model)[0], resolve=True)
    tree = {}
    for section, excluded in SECTIONS.items():
        # A file in conf/ may leave out some settings.
        keys = dict.fromkeys(keys_at(NetworkConfig, (section,))) | (settings.get(section) or {})
        tree[section] = {name: value for name, value in keys.items() if name not in excluded}
    for name in names:
        if "__" in name and is_setting(tree, name.split("__")):
            continue
        known = list(list_parameters(tree))
        section, last = name.partition("__")[0], name.rpartition("__")[2]
        same = [known_name for known_name in known if known_name.rpartition("__")[2] == last]
        if section in tree:
            known = [known_name for known_name in known if known_name.startswith(f"{section}__")]
        near = f"; did you mean {same[0]}?" if same else did_you_mean(name, known)
        raise FathomError(f"{estimator}: {name} is not a setting{near}")


def list_parameters(tree: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """Yield the names of all parameters, without the sections themselves."""
    for name, value in tree.items():
        if prefix:
            yield prefix + name
        if isinstance(value, Mapping):
            yield from list_parameters(value, f"{prefix}{name}__")


def to_plain(value: Any) -> Any:
    """Return a value with Python's numbers and lists instead of NumPy's and tuples."""
    return json.loads(json.dumps(value, default=lambda array: array.tolist()))
