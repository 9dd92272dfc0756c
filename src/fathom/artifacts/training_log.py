"""What a training says about itself: `run.json`, and what it took on this machine.

Outputs in `dvc.yaml`, such as `models/<dataset>/<model>/run.json`, follow from a stage's deps and
params to the byte; `logs/trainings/<dataset>/<model>.json`, which does not, is in neither DVC nor
Git. It may be missing: DVC restores outputs from its cache without it.
"""

from typing import Any

from fathom.base import paths
from fathom.base.files import JsonModel, read_json


def read_run(dataset: str, model: str) -> Any:
    """Read `run.json`: settings, versions, layers, and the runs of a network."""
    return read_json(paths.model(dataset, model) / "run.json", f"train@{dataset}-{model}")


class RunLog(JsonModel):
    """`seconds` do not count epochs that a kill lost; `kills` is how often it was resumed."""

    seed: int
    seconds: float
    kills: int


class TrainingLog(JsonModel):
    """`seconds` count from the start or the last resume to the end of all runs; `at_once` of them
    trained at the same time, on `cores`.
    """

    seconds: float
    cores: int
    at_once: int
    runs: list[RunLog]
