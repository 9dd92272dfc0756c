"""The figures of a trained network, and how they spread over its runs."""

from typing import Any

import pandas as pd

from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_targets, target_of
from fathom.base import paths
from fathom.base.blocks import blocks, evenly_spaced, rows_in_block
from fathom.base.files import TableWriter, atomic_write, write_json
from fathom.evaluate.calibration import at_temperature, fitted_temperature
from fathom.evaluate.intervals import fit_interval, measure_coverage
from fathom.evaluate.metrics import prediction_table, spread
from fathom.evaluate.sums import Scores, tally
from fathom.settings.config import NetworkConfig

PLOTS = ("confusion", "predicted", "residuals")
PLOTTED = 10_000  # rows, at most: `dvc plots` puts a mark for each into a page


def evaluate(config: NetworkConfig) -> dict[str, Any]:
    """Score on every part what the network in `models/<dataset>/<model>/` predicts.

    Writes `metrics/<dataset>/<model>.json`, with figures by part, and under `aux` the same for an
    auxiliary output; of a network trained several times, under `spread` the mean and the standard
    deviation of its runs' figures, and under `ensemble` the figures of their averaged predictions;
    of classes, if so set, under `calibrated` what `calibrated` returns, and of numbers under
    `interval` what `intervals` does. Writes the test part's
    predictions, in `data/predictions/`; and for `dvc plots` the test part's truth and prediction,
    in `plots/confusion/`, or in `plots/predicted/` and `plots/residuals/`.

    Only a block of rows is in memory at a time. Temperature and intervals are fitted to as many
    rows of the validation part as a block has, a million at most, evenly drawn.

    Raises:
        FathomError: the trained network or the scaled data is not there.
    """
    dataset, name = config.dataset.name, config.model.name
    problem = Problem.read(dataset)
    network = Predictions.read(problem, name)
    metrics: dict[str, Any] = {**figures(network, network.model_seeds)}
    if network.has_auxiliary:
        metrics["aux"] = figures(network, network.model_seeds, "aux_output")
    if len(network.seeds) > 1:
        metrics |= over_runs(network)
    if problem.main.task == "regression":
        metrics |= intervals(network, config.evaluate.coverage)
    elif config.evaluate.temperature_scaling:
        metrics["calibrated"] = calibrated(network)
    write_predictions(network)
    write_json(paths.metrics(dataset, name), metrics)
    return metrics


def figures(
    network: Predictions,
    seeds: list[int],
    output: str = "main_output",
    temperature: float | None = None,
) -> dict[str, Scores]:
    """Score by part what some runs predict on average, probabilities perhaps at a temperature."""
    found: dict[str, Scores] = {}
    for part in paths.SUBSETS:
        rows = tally(network.problem.outputs[output])
        for actual, values in network.blocks(seeds, part, output):
            rows.add(actual, values if temperature is None else at_temperature(values, temperature))
        found[part] = rows.scores()
    return found


def over_runs(network: Predictions) -> dict[str, Any]:
    """Return how figures spread over runs, and those of the runs' averaged predictions."""
    runs = [figures(network, [seed]) for seed in network.seeds]
    return {
        "spread": {part: spread([run[part] for run in runs]) for part in paths.SUBSETS},
        "ensemble": figures(network, network.seeds),
    }


def intervals(network: Predictions, coverage: float) -> dict[str, Any]:
    """Return under `interval` which share of test rows prediction intervals hold that are fitted
    to the validation part, and their mean width; nothing if that part has too few rows.
    """
    actual, predicted = network.sample("valid")
    interval = fit_interval(predicted, actual, coverage)
    if interval is None:
        return {}
    test = measure_coverage(interval, network.blocks(network.model_seeds, "test"))
    return {"interval": {"wanted": coverage, "test": test}}


def calibrated(network: Predictions) -> dict[str, Any]:
    """Return the `temperature` fitted to the validation part, and by part the figures of the main
    output's probabilities at it.
    """
    actual, predicted = network.sample("valid")
    temperature = fitted_temperature(predicted, actual)
    scored = figures(network, network.model_seeds, temperature=temperature)
    return {"temperature": temperature, **scored}


def write_predictions(network: Predictions) -> None:
    """Write predictions of the test part for readers, and what `dvc plots` shows of them."""
    problem, model = network.problem, network.model
    chosen = evenly_spaced(problem.rows["test"], PLOTTED)
    plotted = []
    with (
        atomic_write(paths.predictions(problem.dataset, model)) as beside,
        TableWriter(beside) as writer,
    ):
        for rows in blocks(problem.rows["test"], problem.main.units):
            table = beside_truth(network, rows)
            writer.write(table)
            plotted.append(table.iloc[rows_in_block(chosen, rows)])
    tables = plot_tables(pd.concat(plotted), problem)
    for kind in PLOTS:
        with atomic_write(paths.plots(kind, problem.dataset, model)) as beside:
            beside.mkdir()
            if kind in tables:
                tables[kind].to_csv(beside / "test.csv", index=False)


def beside_truth(network: Predictions, rows: range) -> pd.DataFrame:
    """Return the kept model's predictions for some rows of the test part, beside the truth."""
    targets = read_targets(network.problem, "test", rows)
    names = ["main_output", "aux_output"] if network.has_auxiliary else ["main_output"]
    table, *auxiliary = (
        prediction_table(
            network.problem.outputs[name],
            targets["row"].to_numpy(),
            target_of(name, targets),
            network.mean(network.model_seeds, "test", name, rows),
        )
        for name in names
    )
    others = [other.drop(columns="row").add_prefix("aux_") for other in auxiliary]
    return pd.concat([table, *others], axis=1)


def plot_tables(table: pd.DataFrame, problem: Problem) -> dict[str, pd.DataFrame]:
    """Return by kind what `dvc plots` shows. A file is in one plot alone: DVC has it so."""
    pairs = table[["actual", "predicted"]]
    if problem.main.task == "classification":
        return {"confusion": pairs}
    residuals = table[["predicted"]].assign(residual=table["predicted"] - table["actual"])
    return {"predicted": pairs, "residuals": residuals}
