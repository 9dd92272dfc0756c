"""Bounds on metrics, for a pipeline that fails when a network gets worse."""

from fathom.artifacts.ranking import best_network, read_comparison, read_metrics
from fathom.base.errors import did_you_mean
from fathom.settings.config import Bounds, Config


def gate(config: Config) -> list[tuple[str, bool]]:
    """Check metrics of the test set against the gates of the settings.

    A gate `<dataset>.<model>.<metric>` checks that network, `<dataset>.<metric>` the best network
    on the validation set. Returns a line for each gate, and whether it passed or was skipped,
    because its data set or model is not in `datasets` and `models`.

    Raises:
        FathomError: a gate names an unknown metric, or metrics are missing.
    """
    return [check_gate(name, bounds, config) for name, bounds in config.gates.items()]


def check_gate(name: str, bounds: Bounds, config: Config) -> tuple[str, bool]:
    dataset, *models, metric = name.split(".")
    if dataset not in config.datasets:
        return f"gates.{name}: not checked, {dataset} is not among datasets", True
    if not set(models) <= set(config.models):
        return f"gates.{name}: not checked, {models[0]} is not among models", True
    if not models:
        metric_of_models = read_comparison(dataset)["metric"]
        models = [best_network(dataset, config.models, metric_of_models)]
    metrics = read_metrics(dataset, models[0])["test"]
    if metric not in metrics:
        near = did_you_mean(metric, metrics, f"gates.{name}".removesuffix(metric))
        raise config.origins.error(["gates", name], f"{dataset} has no metric {metric}{near}")
    passed, reason = check_bounds(bounds, metrics[metric])
    outcome = "passes" if passed else "fails"
    where = f"data set {dataset}, model {models[0]}, test set"
    return f"gates.{name} {outcome}: {where}: {metric} {reason}", passed


def check_bounds(bounds: Bounds, value: float | None) -> tuple[bool, str]:
    if value is None:  # R² of a single row
        return False, "is not defined"
    if bounds.min is not None and value < bounds.min:
        return False, f"{value:.6g} is below {bounds.min}"
    if bounds.max is not None and value > bounds.max:
        return False, f"{value:.6g} is above {bounds.max}"
    limits = {"at least": bounds.min, "at most": bounds.max}
    words = [f"{word} {limit}" for word, limit in limits.items() if limit is not None]
    return True, f"{value:.6g} is {' and '.join(words)}"
