"""Which metric decides, and which of several models is the best by it."""

from collections.abc import Mapping

from fathom.config.schema import Task

LEADING: dict[Task, str] = {"regression": "rmse", "classification": "accuracy"}
HIGHER_IS_BETTER = ("accuracy", "f1_macro", "r2")


def best(figures: Mapping[str, float], metric: str) -> str:
    """Return the name with the best figure of a metric; of equal ones the first."""
    choose = max if metric in HIGHER_IS_BETTER else min
    return choose(figures, key=lambda name: figures[name])
