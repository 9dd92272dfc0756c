"""Stages `baseline` that are unchanged for DVC, but lack a library that was installed later."""

import json

from fathom.base import paths
from fathom.baseline.libraries import choose_boosters, installed_boosters
from fathom.settings.fields import BOOSTERS
from fathom.settings.selection import read_selection


def lacks_library(stage: str) -> bool:
    """Return whether a stage would add a baseline of an installed library to its metrics.

    Raises:
        FathomError: the settings are not valid.
    """
    name, _, dataset = stage.partition("@")
    file = paths.metrics(dataset, "baseline")
    if name != "baseline" or not file.is_file():
        return False
    there = json.loads(file.read_text(encoding="utf-8"))
    if all(BOOSTERS[booster] in there for booster in installed_boosters()):
        return False
    # Not above: they import NumPy, whose threads a fork loses.
    from fathom.artifacts.problem import Problem
    from fathom.settings.compose import compose
    from fathom.settings.config import DatasetConfig

    overrides = [f"dataset={dataset}", f"experiment={read_selection().experiment}"]
    boosters = compose(overrides, DatasetConfig).baseline.boosters
    chosen = choose_boosters(boosters, Problem.read(dataset))
    return any(BOOSTERS[booster] not in there for booster in chosen)
