"""The figures of a trained network, and how they spread over its runs."""

from typing import Any

import numpy as np
import pandas as pd

from fathom import paths
from fathom.config.schema import NetworkConfig
from fathom.data.parts import read_targets, target_of
from fathom.data.predictions import Predictions, average, read_predictions
from fathom.data.scaling import Floats
from fathom.data.schema import Problem
from fathom.evaluation.calibration import at_temperature, fitted_temperature
from fathom.evaluation.intervals import coverage_figures, fitted_interval
from fathom.evaluation.scores import Scores, prediction_table, scores, spread
from fathom.files import replacing, write_json

PLOTS = ("confusion", "predicted", "residuals")

Targets = dict[str, pd.DataFrame]  # by part


def evaluate(config: NetworkConfig) -> dict[str, Any]:
    """Score on every part what the network in `models/<dataset>/<model>/` predicts.

    Writes `metrics/<dataset>/<model>.json`, with figures by part, and under `aux` the same for an
    auxiliary output; of a network trained several times, under `spread` the mean and the standard
    deviation of its runs' figures, and under `ensemble` the figures of their averaged predictions;
    of classes, if so set, under `calibrated` what `calibrated` returns, and of numbers under
    `interval` what `intervals` does. Writes the test part's
    predictions, in `data/predictions/`; and for `dvc plots` the test part's truth and prediction,
    in `plots/confusion/`, or in `plots/predicted/` and `plots/residuals/`.

    Raises:
        FathomError: the trained network or the scaled data is not there.
    """
    dataset, name = config.dataset.name, config.model.name
    problem = Problem.read(dataset)
    targets = {part: read_targets(problem, part) for part in paths.PARTS}
    predicted = read_predictions(problem, name)
    kept = predicted.kept
    metrics = figures(kept, targets, problem)
    if len(predicted.runs) > 1:
        metrics |= over_runs(predicted.runs, targets, problem)
    if problem.main.task == "regression":
        metrics |= intervals(kept, targets, config.evaluate.coverage)
    elif config.evaluate.temperature_scaling:
        metrics["calibrated"] = calibrated(kept, targets, problem)
    write_predictions(kept["test"], targets["test"], problem, name)
    write_json(paths.metrics(dataset, name), metrics)
    return metrics


def figures(predicted: Predictions, targets: Targets, problem: Problem) -> dict[str, Any]:
    """Score predictions: figures of the main output by part, and under `aux` of an auxiliary."""
    by_output: dict[str, dict[str, Scores]] = {}
    for part, outputs in predicted.items():
        for name, values in outputs.items():
            actual = target_of(name, targets[part])
            scored = scores(problem.output(name), actual, values)
            by_output.setdefault(name, {})[part] = scored
    auxiliary = by_output.pop("aux_output", None)
    main: dict[str, Any] = dict(next(iter(by_output.values())))
    return main if auxiliary is None else main | {"aux": auxiliary}


def over_runs(runs: list[Predictions], targets: Targets, problem: Problem) -> dict[str, Any]:
    """Return how figures spread over runs, and those of the runs' averaged predictions."""
    scored = [figures(run, targets, problem) for run in runs]
    of_average = figures(average(runs), targets, problem)
    return {
        "spread": {part: spread([run[part] for run in scored]) for part in paths.PARTS},
        "ensemble": {part: of_average[part] for part in paths.PARTS},
    }


def intervals(predicted: Predictions, targets: Targets, coverage: float) -> dict[str, Any]:
    """Return under `interval` which share of test rows prediction intervals hold that are fitted
    to the validation part, and their mean width; nothing if that part has too few rows.
    """
    by_part = [(predicted[p]["main_output"], targets[p]["main_output"]) for p in ("valid", "test")]
    valid, test = ((values, np.asarray(actual)) for values, actual in by_part)
    interval = fitted_interval(*valid, coverage)
    if interval is None:
        return {}
    return {"interval": {"wanted": coverage, "test": coverage_figures(interval, *test)}}


def calibrated(predicted: Predictions, targets: Targets, problem: Problem) -> dict[str, Any]:
    """Return the `temperature` fitted to the validation part, and by part the figures of the main
    output's probabilities at it.
    """
    outputs = {part: values["main_output"] for part, values in predicted.items()}
    actual = {part: target_of("main_output", table) for part, table in targets.items()}
    temperature = fitted_temperature(outputs["valid"], actual["valid"])
    scored = {
        part: scores(problem.main, actual[part], at_temperature(values, temperature))
        for part, values in outputs.items()
    }
    return {"temperature": temperature} | scored


def write_predictions(
    predicted: dict[str, Floats], targets: pd.DataFrame, problem: Problem, model: str
) -> None:
    """Write predictions of the test part for readers, and what `dvc plots` shows of them."""
    rows = targets["row"].to_numpy()
    tables = {
        name: prediction_table(problem.output(name), rows, target_of(name, targets), values)
        for name, values in predicted.items()
    }
    table = next(iter(tables.values()))
    if "aux_output" in tables:
        auxiliary = tables["aux_output"].drop(columns="row").add_prefix("aux_")
        table = pd.concat([table, auxiliary], axis=1)
    with replacing(paths.predictions(problem.dataset, model)) as beside:
        table.to_parquet(beside, index=False)
    plotted = plot_tables(table, problem)
    for kind in PLOTS:
        with replacing(paths.plots(kind, problem.dataset, model)) as beside:
            beside.mkdir()
            if kind in plotted:
                plotted[kind].to_csv(beside / "test.csv", index=False)


def plot_tables(table: pd.DataFrame, problem: Problem) -> dict[str, pd.DataFrame]:
    """Return by kind what `dvc plots` shows. A file is in one plot alone: DVC has it so."""
    pairs = table[["actual", "predicted"]]
    if problem.main.task == "classification":
        return {"confusion": pairs}
    residuals = table[["predicted"]].assign(residual=table["predicted"] - table["actual"])
    return {"predicted": pairs, "residuals": residuals}
