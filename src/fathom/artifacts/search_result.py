"""The result of a search: `searches/<dataset>/<model>-<search>.json`."""

import json
from pathlib import Path
from typing import Any, Self

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import JsonModel


class TrialResult(JsonModel):
    """A trial that has ended; `value` is None if it was pruned or failed."""

    number: int
    settings: dict[str, Any]
    value: float | None
    seconds: float


class EnsembleResult(JsonModel):
    """An ensemble: the weight of each trial by its number, and the metrics by subset."""

    members: dict[int, int]
    figures: dict[str, dict[str, float | None]]


class SearchResult(JsonModel):
    """The result of a search.

    `monitor` is the metric whose value ranks trials, as Keras names it, with `cv` its mean over
    folds. `metric` is the primary one, which selects ensembles. `figures` are the metrics of the
    best trial's network by subset, including the test set. `seconds` is the duration of the whole
    search. `importances` maps a setting to the share of the values' variance
    that it explains; it is empty after too few trials. `overrides` rebuild the best trial with
    `dvc exp run`. `base` are the overrides of all trials, without those of the search itself.
    """

    dataset: str
    model: str
    search: str
    metric: str
    monitor: str
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
    base: list[str]

    @classmethod
    def read_all(cls, dataset: str) -> list[Self]:
        return [cls.read(file) for file in sorted(paths.searches(dataset).glob("*.json"))]

    @classmethod
    def read(cls, file: Path) -> Self:
        try:
            return cls.model_validate_json(file.read_text(encoding="utf-8"))
        except ValueError as error:
            raise FathomError(f"{file} is damaged: delete it, or restore it with git") from error

    @property
    def file(self) -> Path:
        return paths.searches(self.dataset) / f"{self.model}-{self.search}.json"

    def metrics_by_name(self) -> dict[str, dict[str, dict[str, float | None]]]:
        """Return the metrics of the best trial and of the ensembles, by their names in reports."""
        metrics = {f"best trial, {self.best}": self.figures}
        if self.average is not None:
            metrics[f"mean of the {len(self.average.members)} best"] = self.average.figures
        if self.selection is not None:
            metrics[f"selection of {len(self.selection.members)}"] = self.selection.figures
        return metrics

    def best_first(self) -> list[TrialResult]:
        """Return the complete trials with different settings, best first; of equal ones the
        earliest first.
        """
        return sort_trials(self.trials, self.higher_is_better)


def sort_trials(trials: list[TrialResult], higher_is_better: bool) -> list[TrialResult]:
    sign = -1 if higher_is_better else 1
    complete = [trial for trial in trials if trial.value is not None]
    complete.sort(key=lambda trial: (sign * (trial.value or 0.0), trial.number))
    distinct: dict[str, TrialResult] = {}
    for trial in complete:
        distinct.setdefault(settings_key(trial.settings), trial)
    return list(distinct.values())


def settings_key(settings: dict[str, Any]) -> str:
    """Return a text that is the same for trials with equal settings."""
    return json.dumps(settings, sort_keys=True)
