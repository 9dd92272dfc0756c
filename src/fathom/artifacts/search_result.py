"""What came out of a search, as `searches/<dataset>/<model>-<search>.json` keeps it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fathom.artifacts.json_model import JsonModel
from fathom.base import paths
from fathom.base.errors import FathomError


class TrialResult(JsonModel):
    """A trial that has ended, and what it set: nothing for a key whose condition did not hold.
    `value` is what decides, None of a trial that was ended early or came to nothing.
    """

    number: int
    settings: dict[str, Any]
    value: float | None
    seconds: float


class EnsembleResult(JsonModel):
    """An ensemble: how often each trial is in it, by numbers, and its figures by part."""

    members: dict[int, int]
    figures: dict[str, dict[str, float | None]]


class SearchResult(JsonModel):
    """A search's outcome.

    `metric` is what decides, on the validation part or, of `cv` folds, on their mean. `figures`
    are those of the best trial's network by part, the test part among them. `seconds` are those
    that the search took in all. `importances` tell which share of the values' variance a key
    explains, and are empty where too few trials tell. `overrides` are what `dvc exp run` takes to
    rebuild the best trial.
    """

    dataset: str
    model: str
    search: str
    metric: str
    higher_is_better: bool
    cv: int | None
    seconds: float
    space: list[str]
    trials: list[TrialResult]
    importances: dict[str, float]
    best: int
    overrides: list[str]
    figures: dict[str, dict[str, float | None]]
    average: EnsembleResult | None
    selection: EnsembleResult | None

    @classmethod
    def read_all(cls, dataset: str) -> list[SearchResult]:
        """Read the results of all searches on a data set."""
        return [cls.read(file) for file in sorted(paths.searches(dataset).glob("*.json"))]

    @classmethod
    def read(cls, file: Path) -> SearchResult:
        """Read one file.

        Raises:
            FathomError: the file is damaged.
        """
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FathomError(f"{file} is damaged: delete it, or bring it back with git") from error

    @property
    def file(self) -> Path:
        return paths.searches(self.dataset) / f"{self.model}-{self.search}.json"

    def metrics_by_name(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """Return by what they are called the figures of the best trial and of ensembles."""
        found = {f"best trial, {self.best}": self.figures}
        if self.average is not None:
            found[f"mean of the {len(self.average.members)} best"] = self.average.figures
        if self.selection is not None:
            found[f"selection of {len(self.selection.members)}"] = self.selection.figures
        return found

    def best_first(self) -> list[TrialResult]:
        """Return the trials that came to their end, best first."""
        sign = -1 if self.higher_is_better else 1
        complete = [trial for trial in self.trials if trial.value is not None]
        return sorted(complete, key=lambda trial: (sign * (trial.value or 0.0), trial.number))
