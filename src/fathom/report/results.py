"""Reads what the other stages wrote into one structure for the page."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.checks import Checks, DataWarning
from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, find_best
from fathom.base import paths
from fathom.base.blocks import evenly_spaced, rows_at_once
from fathom.base.files import read_json, read_table, stage_output
from fathom.export.card import render_card
from fathom.settings.config import CardText, Config

SHOWN = 100_000  # test rows, at most

Figures = dict[str, dict[str, Any]]
Spread = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Network:
    """A trained network: its figures by part, its run, the history of all runs and the kept
    model's test predictions, of many rows some.

    `spread` (by part, figure and then mean, sd and n) and `ensemble` are those of several runs.
    `calibrated` are the figures by part after temperature scaling, and the `temperature`;
    `interval` the `wanted` share of rows that prediction intervals hold, and by part the
    `coverage` and mean `width`; `card` is the model card in Markdown.
    """

    name: str
    metrics: Figures
    auxiliary: Figures | None
    spread: Spread | None
    ensemble: Figures | None
    calibrated: dict[str, Any] | None
    interval: dict[str, Any] | None
    card: str
    run: dict[str, Any]
    history: pd.DataFrame
    predictions: pd.DataFrame


@dataclass(frozen=True)
class DatasetResults:
    """All that there is of a data set.

    `baselines` are figures by name and part, of models of so many `trained_rows`, if not of all;
    `comparison` and `explanation` are what the stages `compare` and `explain` found; intervals of
    differences are of this `confidence`.
    """

    problem: Problem
    warnings: list[DataWarning]
    networks: list[Network]
    baselines: dict[str, Figures]
    trained_rows: int | None
    comparison: dict[str, Any]
    explanation: dict[str, Any]
    confidence: float

    @property
    def leading(self) -> str:
        """The figure by which models are compared."""
        return PRIMARY_METRIC[self.problem.main.task]

    @property
    def best(self) -> Network:
        """The network that is best on the validation part: the test part chooses nothing."""
        networks = {network.name: network for network in self.networks}
        return networks[find_best({n: networks[n].metrics for n in networks}, self.leading)]


def read_results(config: Config) -> list[DatasetResults]:
    """Read the results of every data set and model in the settings."""
    confidence = config.compare.confidence
    return [
        read_dataset(name, config.models, confidence, config.cards.get(name, CardText()))
        for name in config.datasets
    ]


def read_dataset(
    dataset: str, models: list[str], confidence: float, text: CardText
) -> DatasetResults:
    problem = Problem.read(dataset)
    explanation = paths.explanation(dataset) / "explanation.json"
    baselines = read_json(paths.metrics(dataset, "baseline"), f"baseline@{dataset}")
    trained_rows = [figures.pop("trained_rows", None) for figures in baselines.values()]
    return DatasetResults(
        problem=problem,
        warnings=Checks.read(dataset).warnings,
        networks=[read_network(problem, model, text) for model in models],
        baselines=baselines,
        trained_rows=trained_rows[0],
        comparison=read_json(paths.metrics(dataset, "comparison"), f"compare@{dataset}"),
        explanation=read_json(explanation, f"explain@{dataset}"),
        confidence=confidence,
    )


def read_network(problem: Problem, model: str, text: CardText) -> Network:
    dataset = problem.dataset
    trained, evaluated = f"train@{dataset}-{model}", f"evaluate@{dataset}-{model}"
    metrics = read_json(paths.metrics(dataset, model), evaluated)
    beside = ("aux", "spread", "ensemble", "calibrated", "interval")
    auxiliary, spread, ensemble, calibrated, interval = (metrics.pop(key, None) for key in beside)
    folder = paths.model(dataset, model)
    with stage_output(folder / "history.csv", trained) as file:
        history = pd.read_csv(file)
    return Network(
        name=model,
        metrics=metrics,
        auxiliary=auxiliary,
        spread=spread,
        ensemble=ensemble,
        calibrated=calibrated,
        interval=interval,
        card=render_card(dataset, model, text),
        run=read_json(folder / "run.json", trained),
        history=history,
        predictions=read_table(paths.predictions(dataset, model), evaluated, rows=shown(problem)),
    )


def shown(problem: Problem) -> NDArray[np.int64]:
    """Return the places of the test rows of which errors are shown."""
    return evenly_spaced(problem.rows["test"], min(SHOWN, rows_at_once(problem.main.units)))
