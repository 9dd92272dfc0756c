"""Bounds on metrics, for a pipeline that fails when a network gets worse."""

from typing import Any, NamedTuple

from fathom.artifacts.ranking import find_best
from fathom.base import paths
from fathom.base.errors import did_you_mean
from fathom.base.files import read_json
from fathom.settings.config import Bounds, Config


class GateResult(NamedTuple):
    """A line that says how a gate ended, and whether it passed."""

    line: str
    passed: bool


def gate(config: Config) -> list[GateResult]:
    """Check metrics of the test set, in `metrics/`, against the gates of the settings.

    A gate `<dataset>.<model>.<metric>` checks that network, `<dataset>.<metric>` the best network
    on the validation set. A gate whose data set or model is not in `datasets` and `models` is
    skipped; its line says so.

    Raises:
        FathomError: a gate names an unknown metric, or metrics are missing.
    """
    return [check_gate(name, bounds, config) for name, bounds in config.gates.items()]


def check_gate(name: str, bounds: Bounds, config: Config) -> GateResult:
    dataset, *models, metric = name.split(".")
    if dataset not in config.datasets:
        return GateResult(f"gates.{name}: not checked, {dataset} is not among datasets", True)
    if not set(models) <= set(config.models):
        return GateResult(f"gates.{name}: not checked, {models[0]} is not among models", True)
    model = models[0] if models else best_network(dataset, config.models)
    metrics = read_metrics(dataset, model)["test"]
    if metric not in metrics:
        near = did_you_mean(metric, metrics, f"gates.{name}".removesuffix(metric))
        raise config.origins.error(["gates", name], f"{dataset} has no metric {metric}{near}")
    passed, reason = check_bounds(bounds, metrics[metric])
    outcome = "passes" if passed else "fails"
    where = f"data set {dataset}, model {model}, test set"
    return GateResult(f"gates.{name} {outcome}: {where}: {metric} {reason}", passed)


def check_bounds(bounds: Bounds, value: float | None) -> tuple[bool, str]:
    """Return whether a value is within its bounds, and why."""
    if value is None:  # R² of a single row
        return False, "is not defined"
    if bounds.min is not None and value < bounds.min:
        return False, f"{value:.6g} is below {bounds.min}"
    if bounds.max is not None and value > bounds.max:
        return False, f"{value:.6g} is above {bounds.max}"
    limits = {"at least": bounds.min, "at most": bounds.max}
    words = [f"{word} {limit}" for word, limit in limits.items() if limit is not None]
    return True, f"{value:.6g} is {' and '.join(words)}"


def best_network(dataset: str, models: list[str]) -> str:
    """Return the best network on the validation set by the metric of the comparison."""
    metric = read_json(paths.metrics(dataset, "comparison"), f"compare@{dataset}")["metric"]
    return find_best({model: read_metrics(dataset, model) for model in models}, metric)


def read_metrics(dataset: str, model: str) -> Any:
    return read_json(paths.metrics(dataset, model), f"evaluate@{dataset}-{model}")
