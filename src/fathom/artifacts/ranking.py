"""Which metric decides, and which of several models is the best by it."""

from collections.abc import Mapping
from typing import Any

from fathom.settings.fields import Task

PRIMARY_METRIC: dict[Task, str] = {"regression": "rmse", "classification": "accuracy"}
HIGHER_IS_BETTER = ("accuracy", "f1_macro", "r2")


def find_best(figures: Mapping[str, Mapping[str, Any]], metric: str) -> str:
    """Return the model with the best figure of a metric on the validation part, of equal ones the
    first: the test part chooses nothing.

    Args:
        figures: of each model by part and metric.
    """
    choose = max if metric in HIGHER_IS_BETTER else min
    return choose(figures, key=lambda name: figures[name]["valid"][metric])
