"""Reads what the other stages wrote into one structure for the page."""

from dataclasses import dataclass
from typing import Any

import pandas as pd

from fathom import paths
from fathom.config.schema import Config
from fathom.data.schema import Checks, Problem, Warned
from fathom.files import read_json, read_table, reading

Figures = dict[str, dict[str, float | None]]
Spread = dict[str, dict[str, dict[str, float]]]


@dataclass(frozen=True)
class Network:
    """A trained network: its figures by part, its run, its history and test predictions.

    `spread` (by part, figure and then mean, sd and n) and `ensemble` are those of several runs.
    """

    name: str
    metrics: Figures
    auxiliary: Figures | None
    spread: Spread | None
    ensemble: Figures | None
    run: dict[str, Any]
    history: pd.DataFrame
    predictions: pd.DataFrame


@dataclass(frozen=True)
class DatasetResults:
    """All that there is of a data set; `baselines` are figures by name and part."""

    problem: Problem
    warnings: list[Warned]
    networks: list[Network]
    baselines: dict[str, Figures]


def read_results(config: Config) -> list[DatasetResults]:
    """Read the results of every data set and model in the settings."""
    return [read_dataset(dataset, config.models) for dataset in config.datasets]


def read_dataset(dataset: str, models: list[str]) -> DatasetResults:
    return DatasetResults(
        problem=Problem.read(dataset),
        warnings=Checks.read(dataset).warnings,
        networks=[read_network(dataset, model) for model in models],
        baselines=read_json(paths.metrics(dataset, "baseline"), f"baseline@{dataset}"),
    )


def read_network(dataset: str, model: str) -> Network:
    trained, evaluated = f"train@{dataset}-{model}", f"evaluate@{dataset}-{model}"
    metrics = read_json(paths.metrics(dataset, model), evaluated)
    auxiliary, spread, ensemble = (metrics.pop(key, None) for key in ("aux", "spread", "ensemble"))
    folder = paths.model(dataset, model)
    run = read_json(folder / "run.json", trained)
    with reading(folder / "history.csv", trained) as file:
        history = pd.read_csv(file)
    return Network(
        name=model,
        metrics=metrics,
        auxiliary=auxiliary,
        spread=spread,
        ensemble=ensemble,
        run=run,
        history=history[history["seed"] == run["seed"]],
        predictions=read_table(paths.predictions(dataset, model), evaluated),
    )
