"""What a search that has ended makes of its best trials."""

import warnings
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.trial import FrozenTrial

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import HIGHER_IS_BETTER, PRIMARY_METRIC
from fathom.artifacts.search_result import EnsembleResult, SearchResult, TrialResult
from fathom.base.errors import FathomError
from fathom.evaluate.metrics import compute_metrics
from fathom.search import trial_files
from fathom.search.ensemble import AVERAGED, mean, selected
from fathom.search.experiments import overrides
from fathom.search.search import Search
from fathom.search.study import SECONDS, VALUES, finished, ranked
from fathom.search.trial import Trials, goes_on
from fathom.train.callbacks import direction, monitor_name

Arrays = dict[int, NDArray[Any]]
Figures = dict[str, dict[str, float | None]]


def conclude(search: Search, trials: Trials) -> SearchResult:
    """Choose by the validation part, and only then read the test part.

    Args:
        trials: carries out in this process what has no weights kept, without folds.

    Raises:
        FathomError: no trial came to its end.
    """
    config, study = search.config, search.study
    best_first = ranked(study)
    if not best_first:
        raise FathomError(
            f"none of {len(finished(study))} trials came to its end; see that the space in "
            f"{config.origins.file('space')} has settings that learn"
        )
    several = config.search.ensemble if config.search.cv is None else AVERAGED
    candidates = best_first[: max(min(several, config.search.ensemble), 1)]
    for trial in candidates:
        see_kept(trial, search, trials)
    trial_files.keep(search.folder, [trial.number for trial in candidates])
    judged = Judged(search, trials, {trial.number: trial for trial in candidates})
    best = best_first[0]
    average = selection = None
    if len(candidates) > 1:
        average = judged.combined({trial.number: 1 for trial in candidates[:AVERAGED]})
        selection = judged.combined(selected(judged.valid, judged.loss))
    monitor = monitor_name(config, judged.problem)
    return SearchResult(
        dataset=config.dataset.name,
        model=config.model.name,
        search=config.search.name,
        metric=judged.metric,
        higher_is_better=direction(monitor) == "max",
        cv=config.search.cv,
        seconds=round(study.user_attrs.get(SECONDS, 0.0), 1),
        space=list(search.space),
        trials=[tried(trial) for trial in finished(study)],
        importances=importances(study),
        best=best.number,
        overrides=overrides(search.base, best.user_attrs[VALUES]),
        figures=judged.figures({best.number: 1}),
        average=average,
        selection=selection,
    )


def see_kept(trial: FrozenTrial, search: Search, trials: Trials) -> None:
    """Train a trial's network again if its weights are not here: it was trained by folds, or by
    another process.
    """
    if not trial_files.place(search.folder, trial.number).exists():
        values = trial.user_attrs[VALUES]
        config, file = search.base.with_values(values), search.checkpoint(values)
        outcome = trials.carry_out(config, file, goes_on)
        assert outcome.network is not None  # these are without folds
        trial_files.write(search.folder, trial.number, outcome.network)


class Judged:
    """The predictions of some trials, and the figures of any mean of them."""

    def __init__(self, search: Search, trials: Trials, candidates: dict[int, FrozenTrial]) -> None:
        self.search, self.trials, self.candidates = search, trials, candidates
        data = trials.data(search.config)[0]
        self.problem: Problem = data.scaled.problem
        self.metric = PRIMARY_METRIC[self.problem.main.task]
        self.actual = {
            "valid": data.scaled.subset("valid").target("main_output"),
            "test": data.test().target("main_output"),
        }
        self.valid: Arrays = {at: trial_files.read_valid(search.folder, at) for at in candidates}
        self.test: Arrays = {}

    def loss(self, predicted: NDArray[Any]) -> float:
        value = compute_metrics(self.problem.main, self.actual["valid"], predicted)[self.metric]
        assert value is not None
        return -value if self.metric in HIGHER_IS_BETTER else value

    def combined(self, counts: dict[int, int]) -> EnsembleResult:
        return EnsembleResult(members=counts, figures=self.figures(counts))

    def figures(self, counts: dict[int, int]) -> Figures:
        """Score a mean of predictions on both parts."""
        for number in counts:
            if number not in self.test:
                self.test[number] = self.predicted_test(number)
        return {
            part: compute_metrics(self.problem.main, self.actual[part], mean(predictions, counts))
            for part, predictions in (("valid", self.valid), ("test", self.test))
        }

    def predicted_test(self, number: int) -> NDArray[Any]:
        config = self.search.base.with_values(self.candidates[number].user_attrs[VALUES])
        weights = trial_files.read_weights(self.search.folder, number)
        return np.asarray(self.trials.test_predictions(config, weights)["main_output"])


def tried(trial: FrozenTrial) -> TrialResult:
    return TrialResult(
        number=trial.number,
        settings=trial.user_attrs[VALUES],
        value=trial.value if trial.state == optuna.trial.TrialState.COMPLETE else None,
        seconds=trial.user_attrs[SECONDS],
    )


def importances(study: optuna.Study) -> dict[str, float]:
    """Return by key which share of the values' variance it explains: fANOVA, Hutter et al. 2014."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            evaluator = optuna.importance.FanovaImportanceEvaluator(seed=0)
            found = optuna.importance.get_param_importances(study, evaluator=evaluator)
    except (RuntimeError, ValueError):  # too few trials, or all alike
        return {}
    return {name: round(share, 6) for name, share in found.items()}
