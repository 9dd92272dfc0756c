"""What a search makes of its best trials: metrics, ensembles and the result file."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial, TrialState

from fathom.artifacts.ranking import PRIMARY_METRIC, higher_is_better
from fathom.artifacts.search_result import EnsembleResult, SearchResult, TrialResult, sort_trials
from fathom.base.errors import FathomError
from fathom.evaluate.metrics import compute_metrics
from fathom.search.study import SECONDS, VALUES, finished_trials
from fathom.search.trial import ThreadEngine, TrialNetwork
from fathom.train.callbacks import monitor_name

if TYPE_CHECKING:
    from fathom.search.search import Search

MAX_MEMBERS = 50  # of a selection, repetitions included
AVERAGED = 10  # best trials in the plain average


def summarize(search: Search, engine: ThreadEngine) -> SearchResult:
    """Choose trials and ensembles by the validation set, and only then read the test set."""
    config, study = search.config, search.study
    trials = [trial_result(trial) for trial in finished_trials(study)]
    maximize = study.direction == optuna.study.StudyDirection.MAXIMIZE
    best = sort_trials(trials, maximize)
    if not best:
        raise FathomError(
            f"none of {len(trials)} trials is complete: all diverged or were pruned; check the "
            f"ranges in {config.origins.file('space')}"
        )
    limit = config.search.ensemble if config.search.cv is None else AVERAGED
    candidates = Candidates(search, engine, best[: max(min(limit, config.search.ensemble), 1)])
    numbers = list(candidates.trials)
    average = selection = None
    if len(numbers) > 1:
        average = candidates.ensemble(dict.fromkeys(numbers[:AVERAGED], 1))
        selection = candidates.ensemble(select_ensemble(candidates.valid, candidates.loss))
    return SearchResult(
        dataset=config.dataset.name,
        model=config.model.name,
        search=config.search.name,
        metric=candidates.metric,
        monitor=monitor_name(config, candidates.data.scaled.problem),
        higher_is_better=maximize,
        cv=config.search.cv,
        seconds=round(study.user_attrs.get(SECONDS, 0.0), 1),
        space=list(search.space),
        trials=trials,
        importances=importances(study),
        best=numbers[0],
        overrides=search.base.dvc_overrides(best[0].settings),
        figures=candidates.metrics({numbers[0]: 1}),
        average=average,
        selection=selection,
        base=search.base.stage_overrides(),
    )


class Candidates:
    """The networks of the best trials, and the metrics of their weighted means.

    Deletes the files of all other networks, and trains a network again if it has no file: after
    a search with folds, or if an earlier, smaller ensemble had it deleted.
    """

    def __init__(self, search: Search, engine: ThreadEngine, trials: list[TrialResult]) -> None:
        self.search, self.engine = search, engine
        self.trials = {trial.number: trial for trial in trials}
        files = {number: search.network_file(number) for number in self.trials}
        for file in (search.folder / "trials").glob("*.npz"):
            if file not in files.values():
                file.unlink()
        self.valid: dict[int, NDArray[Any]] = {}
        self.test: dict[int, NDArray[Any]] = {}
        for number, file in files.items():
            if not file.exists():
                values = self.trials[number].settings
                config = search.base.with_values(values)
                data = engine.data(config)
                network = engine.train(config, data, search.checkpoint(number, values)).network
                assert network is not None
                network.write(file)
            self.valid[number] = TrialNetwork.read(file).valid
        self.data = engine.data(search.config)
        self.output = self.data.scaled.problem.main
        self.metric = PRIMARY_METRIC[self.output.task]

    def loss(self, prediction: NDArray[Any]) -> float:
        """Return a validation loss: the primary metric, negative if higher is better."""
        actual = self.data.scaled.subset("valid").target("main_output")
        value = compute_metrics(self.output, actual, prediction)[self.metric]
        assert value is not None
        return -value if higher_is_better(self.metric) else value

    def ensemble(self, counts: dict[int, int]) -> EnsembleResult:
        return EnsembleResult(members=counts, figures=self.metrics(counts))

    def metrics(self, counts: dict[int, int]) -> dict[str, dict[str, float | None]]:
        for number in counts:
            if number not in self.test:
                config = self.search.base.with_values(self.trials[number].settings)
                weights = TrialNetwork.read(self.search.network_file(number)).weights
                self.test[number] = self.engine.predict_test(config, weights)
        subsets = {
            "valid": (self.data.scaled.subset("valid"), self.valid),
            "test": (self.data.test(), self.test),
        }
        result = {}
        for name, (subset, predictions) in subsets.items():
            prediction = mean(predictions, counts)
            result[name] = compute_metrics(self.output, subset.target("main_output"), prediction)
        return result


def select_ensemble(
    predictions: dict[int, NDArray[Any]], loss: Callable[[NDArray[Any]], float]
) -> dict[int, int]:
    """Select an ensemble greedily; return how often it contains each trial.

    Each step adds the trial that gives the mean the lowest loss; the best of all steps counts
    (Caruana et al. 2004, "Ensemble selection from libraries of models").
    """
    members: list[int] = []
    total, best, length = np.zeros_like(next(iter(predictions.values()))), np.inf, 0
    for count in range(1, MAX_MEMBERS + 1):
        losses = {number: loss((total + one) / count) for number, one in predictions.items()}
        member = min(losses, key=losses.__getitem__)
        members.append(member)
        total = total + predictions[member]
        if losses[member] < best:
            best, length = losses[member], count
    return dict(Counter(members[:length]).most_common())


def mean(predictions: dict[int, NDArray[Any]], counts: dict[int, int]) -> NDArray[Any]:
    arrays = [predictions[number] for number in counts]
    return np.asarray(np.average(arrays, axis=0, weights=list(counts.values())))


def trial_result(trial: FrozenTrial) -> TrialResult:
    return TrialResult(
        number=trial.number,
        settings=trial.user_attrs[VALUES],
        value=trial.value if trial.state == TrialState.COMPLETE else None,
        seconds=trial.user_attrs[SECONDS],
    )


def importances(study: optuna.Study) -> dict[str, float]:
    """Return each key's share of the values' variance, by fANOVA (Hutter et al. 2014)."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            shares = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (RuntimeError, ValueError):  # too few trials, or all have the same value
        return {}
    return {name: round(share, 6) for name, share in shares.items()}
