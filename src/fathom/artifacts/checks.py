"""Warnings about a data set: `data/checks/<dataset>.json`."""

from typing import Literal, Self

from fathom.base import paths
from fathom.base.files import JsonModel

WarningKind = Literal[
    "duplicates", "giveaway", "combination", "drift", "outlier", "order", "precision", "unlabelled"
]


class DataWarning(JsonModel):
    """A warning. `figures` are the numbers in its sentence, or a number for each column."""

    kind: WarningKind
    columns: list[str]
    figures: dict[str, int | float]
    sentence: str


class Checks(JsonModel):
    """All warnings about a data set."""

    dataset: str
    warnings: list[DataWarning]

    @classmethod
    def read(cls, dataset: str) -> Self:
        return cls.read_file(paths.checks(dataset), f"check@{dataset}")
