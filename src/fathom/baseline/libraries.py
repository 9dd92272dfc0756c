"""Which of CatBoost, LightGBM and XGBoost are installed, and which of them become baselines."""

from __future__ import annotations

import importlib.util
import math
from typing import TYPE_CHECKING, Any

from fathom.base.errors import FathomError
from fathom.settings.fields import BOOSTERS, Booster, Boosters

if TYPE_CHECKING:  # `fathom repro` imports this module, and must not import NumPy
    from fathom.artifacts.problem import Problem

MAX_PIXELS = 1_000_000  # of all training images; every round of ten classes makes ten trees of them


def is_installed(booster: Booster) -> bool:
    spec = importlib.util.find_spec(booster)
    return spec is not None and spec.origin is not None  # a folder of this name has no origin


def choose_boosters(boosters: Boosters, problem: Problem) -> list[Booster]:
    """Return the libraries that become baselines of a data set.

    `auto` takes those that are installed, unless the training images have more than MAX_PIXELS
    values; a list is taken as it is.
    """
    if boosters == "auto":
        return [] if count_pixels(problem) > MAX_PIXELS else installed_boosters()
    return list(boosters)


def describe_choice(boosters: Boosters, problem: Problem) -> str | None:
    """Say what `auto` has chosen, and how another machine has the same baselines."""
    installed = installed_boosters()
    if boosters != "auto" or not installed:
        return None
    names = ", ".join(BOOSTERS[booster] for booster in installed)
    setting = f"`boosters: [{', '.join(installed)}]` instead of `boosters: auto` in params.yaml"
    if choose_boosters(boosters, problem):
        return (
            f"installed, so also baselines: {names}; a machine without them has fewer baselines, "
            f"which {setting} makes an error"
        )
    return (
        f"installed, but no baselines: {names}, because {count_pixels(problem):,} values of "
        f"training images take them long; {setting} trains them nevertheless"
    )


def installed_boosters() -> list[Booster]:
    return [booster for booster in BOOSTERS if is_installed(booster)]


def count_pixels(problem: Problem) -> int:
    return problem.rows["train"] * math.prod(problem.shape) if problem.kind == "images" else 0


def import_booster(booster: Booster) -> Any:
    """Import a library.

    Raises:
        FathomError: it is not installed, or cannot be imported.
    """
    name = BOOSTERS[booster]
    if not is_installed(booster):
        raise FathomError(
            f"{name} is not installed: `python -m pip install {booster}`, or take {booster} out of "
            "baseline.boosters"
        )
    try:
        return importlib.import_module(booster)
    except Exception as error:  # also OSError without OpenMP, ValueError with another NumPy
        again = f"`python -m pip install --force-reinstall --no-deps {booster}`"
        if "gomp" in str(error):
            again = "install OpenMP, on Debian and Ubuntu `apt install libgomp1`"
        raise FathomError(
            f"{name} is installed but cannot be imported: {' '.join(str(error).split())}: {again}, "
            f"or `python -m pip uninstall {booster}`"
        ) from error
