"""Metrics of models, `metrics/<dataset>/`; the one that decides, and the best of several models."""

from collections.abc import Mapping
from typing import Any

from fathom.base import paths
from fathom.base.files import read_json
from fathom.settings.fields import Task

PRIMARY_METRIC: dict[Task, str] = {"regression": "rmse", "classification": "accuracy"}
SECOND_METRIC = "cross_entropy"  # of classifiers; two of them often have as many right
HIGHER_IS_BETTER = ("accuracy", "auc", "precision", "recall", "f1", "r2")


def higher_is_better(metric: str) -> bool:
    """Whether more is better of a metric, or of what a training monitors ("val_accuracy")."""
    return any(word in metric for word in HIGHER_IS_BETTER)


def is_better(metric: str, value: float, other: float) -> bool:
    return value > other if higher_is_better(metric) else value < other


def find_best(metrics: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    """Return the model with the best value of a metric on the validation set, and of equals that
    with the lowest cross-entropy there, if they have one, or else the first.

    `metrics` maps a model, a subset and a metric to a value.
    """
    sign = -1 if higher_is_better(metric) else 1

    def place(name: str) -> tuple[float, float]:
        values = metrics[name]["valid"]
        return sign * values[metric], values.get(SECOND_METRIC, 0.0)

    return min(metrics, key=place)


def best_network(dataset: str, models: list[str], metric: str) -> str:
    """Return the best network on the validation set by a metric."""
    return find_best({model: read_metrics(dataset, model) for model in models}, metric)


def read_metrics(dataset: str, model: str) -> Any:
    """Read what the stage `evaluate` wrote about a network."""
    return read_json(paths.metrics(dataset, model), f"evaluate@{dataset}-{model}")


def read_baselines(dataset: str) -> Any:
    return read_json(paths.metrics(dataset, "baseline"), f"baseline@{dataset}")


def read_comparison(dataset: str) -> Any:
    return read_json(paths.metrics(dataset, "comparison"), f"compare@{dataset}")
