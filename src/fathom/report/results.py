"""The results of the other stages, read into one structure."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from fathom.artifacts.checks import Checks, DataWarning
from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import (
    PRIMARY_METRIC,
    find_best,
    read_baselines,
    read_comparison,
    read_metrics,
)
from fathom.artifacts.training_log import read_run
from fathom.base import paths
from fathom.base.blocks import evenly_spaced, rows_at_once
from fathom.base.files import read_json, stage_output
from fathom.base.tables import read_table
from fathom.evaluate.formatting import METRIC_LABELS
from fathom.export.card import render_card
from fathom.settings.config import CardText, Config
from fathom.settings.fields import BOOSTERS

MAX_ROWS = 100_000  # test rows whose errors the page shows

Metrics = dict[str, dict[str, Any]]  # by subset and name


@dataclass(frozen=True)
class NetworkResults:
    """The results of a network.

    `metrics` are those of the best run, `auxiliary` those of an auxiliary output, `ensemble` those
    of the runs' mean prediction, `calibrated` those after temperature scaling, `interval` those of
    intervals or, for classes, of prediction sets; `spread` has mean, sd and n over several runs.
    `card` is the model card in Markdown, `run` the content of `run.json`, `history` has the epochs
    of all runs, and `predictions` evenly spaced test rows.
    """

    name: str
    metrics: Metrics
    auxiliary: Metrics | None
    spread: dict[str, dict[str, dict[str, float]]] | None
    ensemble: Metrics | None
    calibrated: dict[str, Any] | None
    interval: dict[str, Any] | None
    card: str
    run: dict[str, Any]
    history: pd.DataFrame
    predictions: pd.DataFrame


@dataclass(frozen=True)
class DatasetResults:
    """The results of a data set.

    `trained_rows` is how many training rows baselines were fitted on, None for all; `confidence` is
    that of the intervals in `comparison`.
    """

    problem: Problem
    warnings: list[DataWarning]
    networks: list[NetworkResults]
    baselines: dict[str, Metrics]
    trained_rows: int | None
    train_sizes: pd.DataFrame
    comparison: dict[str, Any]
    explanation: dict[str, Any]
    confidence: float

    @property
    def primary_metric(self) -> str:
        """The metric that compares models."""
        return PRIMARY_METRIC[self.problem.main.task]

    @property
    def labels(self) -> dict[str, str]:
        return METRIC_LABELS[self.problem.main.task]

    @property
    def boosters(self) -> list[str]:
        """The baselines that stop early."""
        return [name for name in self.baselines if name in BOOSTERS.values()]

    @property
    def best(self) -> NetworkResults:
        """The best network on the validation set; the test set selects nothing."""
        name = find_best({n.name: n.metrics for n in self.networks}, self.primary_metric)
        return next(network for network in self.networks if network.name == name)


def read_results(dataset: str, config: Config) -> DatasetResults:
    """Read the results of a data set and of every model in the settings."""
    problem = Problem.read(dataset)
    text = config.cards.get(dataset, CardText())
    explanation = paths.explanation(dataset) / "explanation.json"
    baselines = read_baselines(dataset)
    trained_rows = [metrics.pop("trained_rows", None) for metrics in baselines.values()]
    sizes = paths.plots("train_sizes", dataset, "boosting") / "rows.csv"
    with stage_output(sizes, f"baseline@{dataset}") as file:
        train_sizes = pd.read_csv(file)
    return DatasetResults(
        problem=problem,
        warnings=Checks.read(dataset).warnings,
        networks=[read_network(problem, model, text) for model in config.models],
        baselines=baselines,
        trained_rows=trained_rows[0],
        train_sizes=train_sizes,
        comparison=read_comparison(dataset),
        explanation=read_json(explanation, f"explain@{dataset}"),
        confidence=config.compare.confidence,
    )


def read_network(problem: Problem, model: str, text: CardText) -> NetworkResults:
    dataset, rows = problem.dataset, problem.rows["test"]
    metrics = read_metrics(dataset, model)
    history_file = paths.model(dataset, model) / "history.csv"
    with stage_output(history_file, f"train@{dataset}-{model}") as file:
        history = pd.read_csv(file)
    predictions, evaluate = paths.predictions(dataset, model), f"evaluate@{dataset}-{model}"
    drawn = evenly_spaced(rows, min(MAX_ROWS, rows_at_once(problem.main.units)))
    return NetworkResults(
        name=model,
        auxiliary=metrics.pop("aux", None),
        spread=metrics.pop("spread", None),
        ensemble=metrics.pop("ensemble", None),
        calibrated=metrics.pop("calibrated", None),
        interval=metrics.pop("interval", None) or metrics.pop("prediction_set", None),
        metrics=metrics,
        card=render_card(dataset, model, text),
        run=read_run(dataset, model),
        history=history,
        predictions=read_table(predictions, evaluate, rows=drawn),
    )
