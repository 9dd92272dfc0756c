"""The metric that decides, and the best of several models."""

from collections.abc import Mapping
from typing import Any

from fathom.settings.fields import Task

PRIMARY_METRIC: dict[Task, str] = {"regression": "rmse", "classification": "accuracy"}
HIGHER_IS_BETTER = ("accuracy", "f1_macro", "r2")


def find_best(metrics: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    """Return the model with the best value of a metric on the validation set, the first of equals.

    `metrics` maps a model, a subset and a metric to a value.
    """
    choose = max if metric in HIGHER_IS_BETTER else min
    return choose(metrics, key=lambda name: metrics[name]["valid"][metric])
