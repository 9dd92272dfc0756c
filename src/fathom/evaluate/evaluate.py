"""Metrics of a trained network, and how they vary between its runs."""

from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_targets, target_of
from fathom.artifacts.signature import Interval
from fathom.base import paths
from fathom.base.blocks import blocks, evenly_spaced, rows_in_block
from fathom.base.files import atomic_write, write_json
from fathom.base.tables import TableWriter
from fathom.evaluate.calibration import fit_temperature, scale_temperature
from fathom.evaluate.intervals import fit_interval, measure_coverage
from fathom.evaluate.metrics import Metrics, metrics_for, prediction_table
from fathom.evaluate.prediction_sets import fit_set, measure_sets
from fathom.settings.config import EvaluateSettings, NetworkConfig

PLOTS = ("confusion", "predicted", "residuals")
PLOT_ROWS = 10_000  # at most: `dvc plots` puts a mark for each into the page


def evaluate(config: NetworkConfig) -> dict[str, Any]:
    """Evaluate the network in `models/<dataset>/<model>/` on all sets.

    Writes `metrics/<dataset>/<model>.json` with the metrics by set, and, where they apply, `aux`
    (those of the auxiliary output), `spread` and `ensemble` (see `evaluate_runs`), `interval`
    (coverage and mean width of prediction intervals on the test set), `prediction_set` (coverage
    and mean number of classes of prediction sets on the test set) and `calibrated` (the
    temperature, and the metrics by set at it). Temperature, intervals and sets are fitted to evenly
    spaced rows of the validation set, a million at most. Also writes the predictions for the test
    set to `data/predictions/`, with the bounds `low` and `high` of the intervals, and, for
    `dvc plots`, to `plots/`.

    With `train.folds`, all metrics of the training and validation set, temperature, intervals and
    sets are those of out-of-fold predictions, the latter three of both sets.

    Raises:
        FathomError: the trained network or the scaled data is missing.
    """
    dataset, name = config.dataset.name, config.model.name
    problem = Problem.read(dataset)
    network = Predictions.read(problem, name)
    seeds = network.model_seeds
    metrics: dict[str, Any] = {**evaluate_sets(network, seeds)}
    if network.has_auxiliary:
        metrics["aux"] = evaluate_sets(network, seeds, "aux_output")
    if len(network.seeds) > 1:
        metrics |= evaluate_runs(network)
    held_out, interval = evaluate_held_out(network, config.evaluate)
    metrics |= held_out
    write_test_predictions(network, interval)
    write_json(paths.metrics(dataset, name), metrics)
    return metrics


def evaluate_held_out(
    network: Predictions, settings: EvaluateSettings
) -> tuple[dict[str, Any], Interval | None]:
    """Return the metrics of what is fitted to rows that no weights were fitted to, and the
    intervals of a regression.
    """
    actual, predicted = network.held_out_sample()
    coverage, test_rows = settings.coverage, network.blocks(network.model_seeds, "test")
    metrics: dict[str, Any] = {}
    if network.problem.main.task == "regression":
        interval = fit_interval(predicted, actual, coverage)
        if interval is not None:
            test = measure_coverage(interval, test_rows)
            metrics["interval"] = {"wanted": coverage, "test": test}
        return metrics, interval
    prediction_set = fit_set(predicted, actual, coverage)
    if prediction_set is not None:
        test = measure_sets(prediction_set, test_rows)
        metrics["prediction_set"] = {"wanted": coverage, "test": test}
    if settings.temperature_scaling:
        temperature = fit_temperature(predicted, actual)
        calibrated = evaluate_sets(network, network.model_seeds, temperature=temperature)
        metrics["calibrated"] = {"temperature": temperature, **calibrated}
    return metrics, None


def evaluate_sets(
    network: Predictions,
    seeds: list[int],
    output: str = "main_output",
    temperature: float | None = None,
) -> dict[str, Metrics]:
    """Return by set the metrics of the mean prediction of some runs."""
    by_set: dict[str, Metrics] = {}
    for subset in paths.SUBSETS:
        metrics = metrics_for(network.problem.outputs[output])
        for actual, predicted in network.blocks(seeds, subset, output):
            if temperature is not None:
                predicted = scale_temperature(predicted, temperature)
            metrics.update(actual, predicted)
        by_set[subset] = metrics.result()
    return by_set


def evaluate_runs(network: Predictions) -> dict[str, Any]:
    """Return by set the `spread` of each metric over runs (mean, sample standard deviation and
    number), and, unless the model is the ensemble of the runs, the metrics of their mean prediction
    (`ensemble`).
    """
    runs = [evaluate_sets(network, [seed]) for seed in network.seeds]
    metrics: dict[str, Any] = {
        "spread": {
            subset: {name: spread([run[subset][name] for run in runs]) for name in metrics}
            for subset, metrics in runs[0].items()
        }
    }
    if network.model_seeds != network.seeds:
        metrics["ensemble"] = evaluate_sets(network, network.seeds)
    return metrics


def spread(values: list[float | None]) -> dict[str, float | int | None]:
    if None in values:
        return {"mean": None, "sd": None, "n": len(values)}
    numbers = np.array(values, np.float64)
    return {"mean": float(numbers.mean()), "sd": float(numbers.std(ddof=1)), "n": len(values)}


def write_test_predictions(network: Predictions, interval: Interval | None) -> None:
    problem, model = network.problem, network.model
    plot_rows = evenly_spaced(problem.rows["test"], PLOT_ROWS)
    samples = []
    with (
        atomic_write(paths.predictions(problem.dataset, model)) as temporary,
        TableWriter(temporary) as writer,
    ):
        for rows in blocks(problem.rows["test"], problem.main.units):
            table = tabulate_predictions(network, rows)
            if interval is not None:
                table["low"], table["high"] = interval.around(table["predicted"].to_numpy())
            writer.write(table)
            samples.append(table.iloc[rows_in_block(plot_rows, rows)])
    table = pd.concat(samples)
    pairs = table[["actual", "predicted"]]
    if problem.main.task == "classification":
        plots = {"confusion": pairs}
    else:  # two files, since DVC takes a file for one plot only
        residuals = table[["predicted"]].assign(residual=table["predicted"] - table["actual"])
        plots = {"predicted": pairs, "residuals": residuals}
    for kind in PLOTS:
        with atomic_write(paths.plots(kind, problem.dataset, model)) as temporary:
            temporary.mkdir()
            if kind in plots:
                plots[kind].to_csv(temporary / "test.csv", index=False)
            else:  # DVC would warn of an empty folder, and does not track this one
                (temporary / "none").mkdir()


def tabulate_predictions(network: Predictions, rows: range) -> pd.DataFrame:
    targets = read_targets(network.problem, "test", rows)
    tables = []
    for name in ["main_output", "aux_output"] if network.has_auxiliary else ["main_output"]:
        predicted = network.mean(network.model_seeds, "test", name, rows)
        actual, output = target_of(name, targets), network.problem.outputs[name]
        tables.append(prediction_table(output, targets["row"].to_numpy(), actual, predicted))
    auxiliary = [table.drop(columns="row").add_prefix("aux_") for table in tables[1:]]
    return pd.concat([tables[0], *auxiliary], axis=1)
