"""`logs/trainings/<dataset>/<model>.json`: what a training took on this machine.

Outputs in `dvc.yaml` follow from a stage's deps and params to the byte; this file, which does
not, is in neither DVC nor Git. It may be missing: DVC restores outputs from its cache without it.
"""

from fathom.base.files import JsonModel


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
