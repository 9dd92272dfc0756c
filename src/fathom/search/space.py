"""The search space: what a search may try, and the values that one trial draws from it."""

import json
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import flatten, is_within, select
from fathom.messages.setting_errors import is_setting
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig, SearchConfig
from fathom.settings.file_names import no_file, options
from fathom.settings.search_settings import Dimension

Values = dict[str, Any]  # by keys of the settings
Distribution = CategoricalDistribution | IntDistribution | FloatDistribution

FILE_CHOICES = ("model", "experiment")  # keys whose values are names of files in conf/
# Settings of the rows and of the metric that compare trials, and those of a loss as metric.
COMPARED = ("split", "dataset.source", "dataset.target", "dataset.task", "train.monitor")
OF_LOSS = ("train.loss", "scale.target", "model.loss_weights", "dataset.sample_weight")
DIGITS = 4  # significant digits of a float


def suggest(trial: optuna.Trial, space: dict[str, Dimension]) -> Values:
    """Draw the values of a trial, for the dimensions of a sorted space whose conditions hold."""
    values: Values = {}
    for name, dimension in space.items():
        conditions = dimension.only_if.items()
        if all(values.get(k) in (v if isinstance(v, list) else [v]) for k, v in conditions):
            values[name] = suggest_value(trial, name, dimension)
    return values


def present_params(space: dict[str, Dimension], settings: Any) -> dict[str, Any]:
    """Return the present value of each dimension that has it, as Optuna suggests it."""
    params: dict[str, Any] = {}
    for name, dimension in space.items():
        distribution, value = distribution_of(dimension), select(settings, name)
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if isinstance(distribution, CategoricalDistribution):
            if json.dumps(value) in distribution.choices:
                params[name] = json.dumps(value)
        elif is_number and distribution._contains(value):
            params[name] = value
    return params


def suggest_value(trial: optuna.Trial, name: str, dimension: Dimension) -> Any:
    match distribution_of(dimension):
        case CategoricalDistribution() as choice:
            return json.loads(str(trial.suggest_categorical(name, choice.choices)))
        case IntDistribution() as whole:
            return trial.suggest_int(name, whole.low, whole.high, step=whole.step)
        case real:
            value = trial.suggest_float(name, real.low, real.high, step=real.step, log=real.log)
            return float(f"{value:.{DIGITS}g}")


def distribution_of(dimension: Dimension) -> Distribution:
    """Return Optuna's distribution; choices are JSON, because Optuna does not take lists."""
    if dimension.choice is not None:
        return CategoricalDistribution([json.dumps(value) for value in dimension.choice])
    if dimension.whole is not None:
        low, high = dimension.whole
        return IntDistribution(low, high, step=int(dimension.step or 1))
    if dimension.real is not None:
        bottom, top = dimension.real
        return FloatDistribution(bottom, top, step=dimension.step)
    assert dimension.log is not None
    bottom, top = dimension.log
    return FloatDistribution(bottom, top, log=True)


def check_space(config: SearchConfig) -> None:
    """Check that all keys are settings, that trials can be compared, that conditions can be met and
    that a grid has points.
    """
    tree: Any = config.model_dump(by_alias=True)
    for name, dimension in config.search.space.items():
        for choice in dimension.choice or () if name in FILE_CHOICES else ():
            if choice not in options(name):
                raise config.origins.error(("search", "space", name), no_file(name, choice))
        if name not in FILE_CHOICES and not is_setting(tree, name.split(".")):
            file, place = config.origins.of(("search", "space", name))
            raise FathomError(
                f"{file}: {place} is not a setting{did_you_mean(name, flatten(tree))}"
            )
        check_comparable(config, name, dimension)
    sort_space(config)
    if is_grid(config):
        grid_points(config)


def check_comparable(config: SearchConfig, name: str, dimension: Dimension) -> None:
    """Refuse a dimension that gives trials other validation rows or another metric."""
    loss = config.train.monitor.endswith("loss")
    compared = (*COMPARED, *OF_LOSS) if loss else COMPARED
    text = "trials cannot be compared: give all of them the same"
    if any(is_within(name, key) or is_within(key, name) for key in compared):
        raise config.origins.error(("search", "space", name), f"with other values {text}")
    for choice in dimension.choice or () if name == "experiment" else ():
        other = compose([*config.origins.overrides, f"{name}={choice}"], NetworkConfig)
        trees = [one.model_dump(by_alias=True) for one in (config, other)]
        for key in compared:
            if select(trees[0], key) != select(trees[1], key):
                start = f"{choice} changes {key}; with other values"
                raise config.origins.error(("search", "space", name), f"{start} {text}")


def sort_space(config: SearchConfig) -> dict[str, Dimension]:
    """Return the space in an order in which conditions depend on earlier dimensions."""
    space: dict[str, Dimension] = {}
    left = dict(config.search.space)
    for name, dimension in left.items():
        for key in dimension.only_if:
            if key not in left:
                text = f"{key} is not in this space{did_you_mean(key, left)}"
                raise config.origins.error(("search", "space", name, "if"), text)
    while left:
        free = [name for name in left if all(key in space for key in left[name].only_if)]
        if not free:
            location = ("search", "space", next(iter(left)), "if")
            raise config.origins.error(location, "the conditions form a circle")
        space |= {name: left.pop(name) for name in free}
    return space


def is_grid(config: SearchConfig) -> bool:
    return config.search.sampler.target.endswith(".GridSampler")


def grid_points(config: SearchConfig) -> dict[str, list[Any]]:
    """Return the points of a grid along each dimension, as Optuna suggests them."""
    points: dict[str, list[Any]] = {}
    for name, dimension in config.search.space.items():
        distribution = distribution_of(dimension)
        if isinstance(distribution, CategoricalDistribution):
            points[name] = list(distribution.choices)
        elif distribution.step is None:
            location = ("search", "space", name)
            raise config.origins.error(location, "a grid needs a choice or a step")
        else:
            low, step = distribution.low, distribution.step
            count = round((distribution.high - low) / step) + 1
            points[name] = [low + step * index for index in range(count)]
    return points


def to_hydra(value: Any) -> str:
    """Return a value in the syntax of Hydra's command line: JSON without quotes."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).replace('"', "")


def describe(values: Values) -> str:
    return ", ".join(f"{key}={to_hydra(value)}" for key, value in values.items())
