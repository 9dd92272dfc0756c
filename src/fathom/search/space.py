"""What a search may try, and one choice from it."""

import json
from typing import Any

import optuna
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution

from fathom.base.errors import FathomError, did_you_mean
from fathom.settings.config import SearchConfig
from fathom.settings.search_settings import Dimension

Values = dict[str, Any]  # of keys of the configuration

DIGITS = 4  # significant ones of a number that is not a whole one: more tell nobody anything


def suggest(trial: optuna.Trial, space: dict[str, Dimension]) -> Values:
    """Return the values that a trial is to try, of the dimensions whose conditions hold.

    Args:
        space: in an order in which conditions are on dimensions before (`ordered`).
    """
    values: Values = {}
    for name, dimension in space.items():
        if all(holds(values.get(key), wanted) for key, wanted in dimension.only_if.items()):
            values[name] = value_of(suggested(trial, name, dimension), dimension)
    return values


def suggested(trial: optuna.Trial, name: str, dimension: Dimension) -> Any:
    found = distribution(dimension)
    if isinstance(found, CategoricalDistribution):
        return trial.suggest_categorical(name, found.choices)
    if isinstance(found, IntDistribution):
        return trial.suggest_int(name, found.low, found.high, step=found.step)
    return trial.suggest_float(name, found.low, found.high, step=found.step, log=found.log)


def holds(value: Any, wanted: Any) -> bool:
    return value in wanted if isinstance(wanted, list) else bool(value == wanted)


def value_of(suggested: Any, dimension: Dimension) -> Any:
    """Return what a key is set to when Optuna suggests this."""
    if dimension.choice is not None:
        return json.loads(suggested)
    return suggested if dimension.whole is not None else float(f"{suggested:.{DIGITS}g}")


def distribution(
    dimension: Dimension,
) -> CategoricalDistribution | IntDistribution | FloatDistribution:
    """Return Optuna's distribution; choices are texts, since lists are none of its kinds."""
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


def ordered(config: SearchConfig) -> dict[str, Dimension]:
    """Return the space with what conditions are on before what depends on it.

    Raises:
        FathomError: a condition is on what is not searched, or on itself in the end.
    """
    space: dict[str, Dimension] = {}
    left = dict(config.search.space)
    for name, dimension in left.items():
        for key in dimension.only_if:
            if key not in left:
                file, place = config.origins.of(("search", "space", name, "if"))
                near = did_you_mean(key, left)
                raise FathomError(f"{file}: {place}: {key} is not searched here{near}")
    while left:
        free = [name for name in left if all(key in space for key in left[name].only_if)]
        if not free:
            name = next(iter(left))
            file, place = config.origins.of(("search", "space", name, "if"))
            raise FathomError(f"{file}: {place}: depends on itself, through other conditions")
        space |= {name: left.pop(name) for name in free}
    return space


def grid(config: SearchConfig) -> dict[str, list[Any]]:
    """Return all that a grid has of every dimension, as Optuna suggests it.

    Raises:
        FathomError: a dimension is no choice and has no step.
    """
    points: dict[str, list[Any]] = {}
    for name, dimension in config.search.space.items():
        found = distribution(dimension)
        if isinstance(found, CategoricalDistribution):
            points[name] = list(found.choices)
        elif found.step is None:
            file, place = config.origins.of(("search", "space", name))
            raise FathomError(f"{file}: {place}: a grid needs a choice, or a step")
        else:
            count = round((found.high - found.low) / found.step) + 1
            points[name] = [found.low + found.step * at for at in range(count)]
    return points


def as_text(value: Any) -> str:
    """Return a value as Hydra's command line takes it."""
    if isinstance(value, list):
        return f"[{','.join(map(as_text, value))}]"
    if isinstance(value, dict):
        return "{" + ",".join(f"{key}:{as_text(below)}" for key, below in value.items()) + "}"
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    return str(value)
