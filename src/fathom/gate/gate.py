"""Bounds that figures must keep: what makes a pipeline fail that has run without an error."""

from dataclasses import dataclass
from typing import Any

from fathom.artifacts.ranking import find_best
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.base.files import read_json
from fathom.settings.config import Bounds, Config


@dataclass(frozen=True)
class Verdict:
    """What came of a gate, as a line."""

    line: str
    held: bool


def gate(config: Config) -> list[Verdict]:
    """Hold figures of the test part, in `metrics/`, against the gates of the settings.

    A gate `<dataset>.<model>.<metric>` is of that network, `<dataset>.<metric>` of the one that is
    best on the validation part. Gates of what is not among `datasets` and `models` are not
    checked, and a line says so.

    Raises:
        FathomError: a gate names a metric that the network does not have, or figures are missing.
    """
    return [checked(name, bounds, config) for name, bounds in config.gates.items()]


def checked(name: str, bounds: Bounds, config: Config) -> Verdict:
    dataset, *model, metric = name.split(".")
    if dataset not in config.datasets:
        return Verdict(f"gates.{name}: not checked, {dataset} is not among datasets", held=True)
    if not set(model) <= set(config.models):
        return Verdict(f"gates.{name}: not checked, {model[0]} is not among models", held=True)
    network = model[0] if model else best_network(dataset, config.models)
    figures = read_figures(dataset, network)["test"]
    if metric not in figures:
        file, key = config.origins.of(["gates", name])
        near = did_you_mean(metric, figures, key.removesuffix(metric))
        raise FathomError(f"{file}: {key}: {dataset} has no metric {metric}{near}")
    held, said = judged(bounds, figures[metric])
    where = f"data set {dataset}, model {network}, test part"
    outcome = "is held" if held else "is violated"
    return Verdict(f"gates.{name} {outcome}: {where}: {metric} {said}", held)


def judged(bounds: Bounds, figure: float | None) -> tuple[bool, str]:
    """Return whether a figure is within its bounds, and say so."""
    if figure is None:  # R² of a single row
        return False, "is not defined"
    if bounds.min is not None and figure < bounds.min:
        return False, f"{figure:.6g} is below {bounds.min}"
    if bounds.max is not None and figure > bounds.max:
        return False, f"{figure:.6g} is above {bounds.max}"
    limits = {"at least": bounds.min, "at most": bounds.max}
    kept = [f"{words} {bound}" for words, bound in limits.items() if bound is not None]
    return True, f"{figure:.6g} is {' and '.join(kept)}"


def best_network(dataset: str, models: list[str]) -> str:
    """Return the network with the best leading metric on the validation part."""
    metric = read_json(paths.metrics(dataset, "comparison"), f"compare@{dataset}")["metric"]
    return find_best({model: read_figures(dataset, model) for model in models}, metric)


def read_figures(dataset: str, model: str) -> dict[str, dict[str, Any]]:
    figures: dict[str, dict[str, Any]] = read_json(
        paths.metrics(dataset, model), f"evaluate@{dataset}-{model}"
    )
    return figures
