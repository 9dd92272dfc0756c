"""What the page shows of one data set, for the template dataset.html.j2."""

from collections.abc import Iterable
from typing import Any

import markdown
import numpy as np
import pandas as pd
from markdown.extensions.toc import TocExtension

from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import HIGHER_IS_BETTER
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.schema import Schema
from fathom.artifacts.search_result import SearchResult
from fathom.base import paths
from fathom.base.files import read_array
from fathom.evaluate.formatting import describe_criterion, describe_inputs
from fathom.report import classification, pictures, regression
from fathom.report.charts import learning_curve, shapley_charts
from fathom.report.column_summaries import summarize_columns, summarized_rows
from fathom.report.comparison import describe_best, model_rows
from fathom.report.distributions import draw_distributions
from fathom.report.network_drawing import draw_network
from fathom.report.results import DatasetResults, NetworkResults
from fathom.report.searches import describe_search

IMPORTANT_COLUMNS = 3  # the most important ones, shown with errors


def describe_dataset(results: DatasetResults) -> dict[str, Any]:
    problem = results.problem
    images = problem.kind == "images"
    shape = " × ".join(map(str, problem.shape))
    labels, primary = results.labels, results.primary_metric
    others = [metric for metric in labels if metric != primary]
    searches = SearchResult.read_all(problem.dataset)
    content = {
        "results": results,
        "inputs": f"images of {shape} pixels" if images else describe_inputs(problem),
        "best": describe_best(results),
        "models": model_rows(results),
        "other_metrics": others,
        "heads": [
            "model", f"test {labels[primary]}", "over runs", "difference", "verdict",
            *(f"test {labels[metric]}" for metric in others),
            f"validation {labels[primary]}", f"training {labels[primary]}", "parameters",
        ],
        "shown_rows": describe_shown_rows(results),
        "networks": [describe_network(network, problem) for network in results.networks],
        "searches": [describe_search(search, problem) for search in searches],
    }  # fmt: skip
    task = describe_regression if problem.main.task == "regression" else describe_classification
    data = describe_images if images else describe_table
    return content | task(results) | data(results)


def describe_shown_rows(results: DatasetResults) -> str:
    """Say which test rows the charts of errors show."""
    count = len(results.best.predictions)
    if count == results.problem.rows["test"]:
        return "Rows of the test set"
    return f"{count:,} evenly spaced rows of the test set, here and below"


def describe_network(network: NetworkResults, problem: Problem) -> dict[str, Any]:
    run, history = network.run, network.history
    best = history[(history["seed"] == run["seed"]) & (history["epoch"] == run["kept_epoch"])]
    file = paths.model(problem.dataset, network.name) / "model.keras"
    return {
        "name": network.name,
        "run": run,
        "criterion": describe_monitor(run["monitor"]),
        "loss_ratio": float(best["val_loss"].iloc[0] / best["loss"].iloc[0]),
        "curve": learning_curve(network),
        # A run.json of an earlier version has no layers: the drawing then shows no numbers.
        "drawing": draw_network(file, run.get("layers", {})),
        "card": markdown.markdown(network.card, extensions=["tables", TocExtension(baselevel=5)]),
    }


def describe_monitor(monitor: str) -> str:
    """Return "lowest validation RMSE" for "val_rmse"."""
    criterion = describe_criterion(monitor)
    if criterion == monitor:
        return f"best {monitor}"
    return f"{'highest' if monitor.endswith(HIGHER_IS_BETTER) else 'lowest'} {criterion}"


def describe_regression(results: DatasetResults) -> dict[str, Any]:
    best, output = results.best, results.problem.main
    table = best.predictions.astype({"actual": float, "predicted": float})
    features = important_columns(results)
    by_value = [regression.error_by_value(best, features[name], output) for name in features]
    return {
        "predictions": regression.predicted_against_actual(results.networks, output),
        "errors": [regression.residuals(best, output), *by_value],
        "mistakes": describe_mistakes(table, features, *regression.largest_errors(table)),
        "intervals": [
            {"name": n.name, "wanted": n.interval["wanted"]} | n.interval["test"]
            for n in results.networks
            if n.interval
        ],
    }


def describe_classification(results: DatasetResults) -> dict[str, Any]:
    best, output = results.best, results.problem.main
    errors = classification.most_confident_errors(best, output)
    wrong = describe_mistakes(best.predictions, important_columns(results), *errors)
    if results.problem.kind == "images":
        dataset = results.problem.dataset
        images = read_array(paths.raw(dataset) / "images.npy", f"download@{dataset}")
        white = pictures.brightest(images)
        for mistake in wrong:
            mistake["columns"]["picture"] = pictures.draw_image(images[mistake["row"]], white)
    return {
        "predictions": [classification.confusion_matrix(n, output) for n in results.networks],
        "errors": [classification.reliability_diagram(n, output) for n in results.networks],
        "classes": classification.class_metrics(best, output),
        "calibrated": [network for network in results.networks if network.calibrated],
        "mistakes": wrong,
    }


def describe_mistakes(
    table: pd.DataFrame, features: pd.DataFrame, places: Iterable[int], details: list[str]
) -> list[dict[str, Any]]:
    """Return row number, truth, prediction, detail and the values of features of some rows."""
    return [
        {name: table[name][at] for name in ("row", "actual", "predicted")}
        | {"detail": detail, "columns": {name: features[name].iloc[at] for name in features}}
        for at, detail in zip(places, details, strict=True)
    ]


def important_columns(results: DatasetResults) -> pd.DataFrame:
    """Return the most important raw columns of the shown test rows; images have none.

    Without an explanation, there are none either.
    """
    importance = results.explanation.get("importance", [])[:IMPORTANT_COLUMNS]
    if not importance:
        return pd.DataFrame()
    rows = results.best.predictions["row"].to_numpy()
    table = read_raw_rows(results.problem.dataset, rows, [line["column"] for line in importance])
    return table.reset_index(drop=True)


def describe_table(results: DatasetResults) -> dict[str, Any]:
    """Return the columns and how they are distributed, and why the best network predicts so."""
    dataset = results.problem.dataset
    rows = summarized_rows(Schema.read(dataset))
    return {
        "columns": summarize_columns(dataset),
        "summarized": None if rows is None else len(rows),
        "distributions": draw_distributions(dataset),
        "shapley": shapley_charts(results.explanation) if results.explanation["rows"] else [],
    }


def describe_images(results: DatasetResults) -> dict[str, Any]:
    """Return samples, and the mean attribution map of every class on one scale of brightness."""
    dataset = results.problem.dataset
    samples = pictures.draw_samples(dataset)
    if not results.explanation["rows"]:
        return {"samples": samples}
    file = paths.explanation(dataset) / "maps.npy"
    maps = np.asarray(read_array(file, f"explain@{dataset}"))
    if maps.ndim == 4:
        maps = maps.sum(axis=-1)
    limit = float(maps.max())
    return {
        "samples": samples,
        "maps": [
            {"name": name, "picture": pictures.draw_heat_map(of_class, limit)}
            for name, of_class in zip(results.explanation["classes"], maps, strict=True)
        ],
    }
