"""What the page shows of one data set: the values of `report.json`, and drawings (Drawing)."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import markdown
import numpy as np
import pandas as pd
from markdown.extensions.toc import TocExtension

from fathom.artifacts.ranking import higher_is_better
from fathom.artifacts.raw_images import read_images
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.schema import Schema
from fathom.artifacts.search_result import SearchResult
from fathom.base import paths
from fathom.base.files import read_array
from fathom.evaluate.formatting import describe_criterion
from fathom.export.card import describe_inputs
from fathom.report import classification, explanation, pictures, regression, tenths
from fathom.report.charts import learning_curve
from fathom.report.column_summaries import column_roles, summarize_columns, summarized_rows
from fathom.report.comparison import ModelRow, draw_intervals, model_rows
from fathom.report.decisions import describe_decision
from fathom.report.digits import choose_decimals
from fathom.report.distributions import draw_distributions
from fathom.report.drawing import Drawing
from fathom.report.headline import describe_headline
from fathom.report.maps import draw_maps, find_coordinates
from fathom.report.more_rows import describe_train_sizes
from fathom.report.network_drawing import draw_network
from fathom.report.next_steps import suggest
from fathom.report.results import DatasetResults, NetworkResults
from fathom.report.searches import describe_search

NO_ID = r"\W+"  # what an id should not have
IMPORTANT_COLUMNS = 3  # the most important ones, shown with errors


def describe_dataset(results: DatasetResults) -> dict[str, Any]:
    """Return the content of a section of the page, by its parts."""
    problem, metric = results.problem, results.primary_metric
    interval = results.comparison["intervals"][results.best.name]
    half_width = (interval["high"] - interval["low"]) / 2
    decimals = choose_decimals(results.best.metrics["test"], metric, half_width)
    searches = SearchResult.read_all(problem.dataset)
    features = important_columns(results)
    images = problem.kind == "images"
    roles = {} if images else column_roles(problem.dataset)
    if images:
        inputs = f"images of {' × '.join(map(str, problem.shape))} pixels"
    else:
        inputs = describe_inputs(problem.dataset)
    task = describe_regression if problem.main.task == "regression" else describe_classification
    return {
        "dataset": problem.dataset,
        "kind": problem.kind,
        "output": problem.main.model_dump(),
        "rows": problem.rows,
        "inputs": inputs,
        "decimals": decimals,
        "headline": describe_headline(results, decimals),
        "suggestions": suggest(results, searches, features),
        "comparison": describe_comparison(results, decimals),
        "searches": [describe_search(search, problem) for search in searches],
        "data": describe_images(results) if images else describe_table(results),
        "train_sizes": describe_train_sizes(results),
        "networks": [describe_network(network, results) for network in results.networks],
        "predictions": {"shown": describe_shown_rows(results)} | task(results, features),
        "decision": describe_decision(results.best, problem),
        "maps": describe_places(results, roles),
        "explanation": describe_explanation(results),
        "run": results.networks[0].run,
    }


def describe_comparison(results: DatasetResults, decimals: dict[str, int]) -> dict[str, Any]:
    rows: list[ModelRow] = model_rows(results)
    metric = results.primary_metric
    return {
        "metric": metric,
        # MSE is the square of RMSE.
        "labels": {name: label for name, label in results.labels.items() if name != "mse"},
        "best": results.best.name,
        "baseline": results.comparison["baseline"],
        "models": rows,
        "pairs": results.comparison["pairs"],
        "confidence": results.confidence,
        "boosters": results.boosters,
        "trained_rows": results.trained_rows,
        "chart": draw_intervals(rows, results, decimals[metric]),
    }


def describe_shown_rows(results: DatasetResults) -> str:
    """Say which test rows the charts of errors show."""
    count = len(results.best.predictions)
    if count == results.problem.rows["test"]:
        return "Rows of the test set"
    return f"{count:,} evenly spaced rows of the test set, here and below"


def describe_network(network: NetworkResults, results: DatasetResults) -> dict[str, Any]:
    run, dataset = network.run, results.problem.dataset
    file = paths.model(dataset, network.name) / "model.keras"
    prefix = f"{dataset}-{network.name}-card"
    headings = TocExtension(
        baselevel=5, slugify=lambda text, _: f"{prefix}-{re.sub(NO_ID, '-', text.lower())}"
    )
    metric = results.primary_metric
    return {
        "name": network.name,
        "parameters": run["parameters"],
        "best_epoch": run["kept_epoch"],
        "epochs": run["epochs"],
        "runs": len(run["runs"]),
        "criterion": describe_monitor(run["monitor"]),
        "train": network.metrics["train"][metric],
        "valid": network.metrics["valid"][metric],
        "overfits": overfits(network, results),
        "curve": learning_curve(network),
        "drawing": draw_network(file, run["layers"]),
        "card": Drawing(markdown.markdown(network.card, extensions=["tables", headings])),
    }


def overfits(network: NetworkResults, results: DatasetResults) -> bool:
    """Whether a network is better than the best one on the training set, yet worse on the
    validation set and, beyond chance, on the test set: it learns more of what does not hold for
    other rows. The best one never does.
    """
    metric, sets = results.primary_metric, ("train", "valid")
    sign = 1 if higher_is_better(metric) else -1
    train, valid = (
        sign * (network.metrics[subset][metric] - results.best.metrics[subset][metric])
        for subset in sets
    )
    verdicts = {tuple(pair["networks"]): pair["verdict"] for pair in results.comparison["pairs"]}
    name, best = network.name, results.best.name
    is_worse = verdicts.get((name, best)) == "worse" or verdicts.get((best, name)) == "better"
    return bool(train > 0 > valid and is_worse)


def describe_monitor(monitor: str) -> str:
    """Return "lowest validation RMSE" for "val_rmse"."""
    criterion = describe_criterion(monitor)
    if criterion == monitor:
        return f"best {monitor}"
    return f"{'highest' if higher_is_better(monitor) else 'lowest'} {criterion}"


def describe_regression(results: DatasetResults, features: pd.DataFrame) -> dict[str, Any]:
    best, output = results.best, results.problem.main
    table = best.predictions.astype({"actual": float, "predicted": float})
    by_value = [regression.error_by_value(best, features[name], output) for name in features]
    groups = tenths.tabulate_tenths(best)
    calibration = [tenths.draw_calibration(groups, output)]
    if best.interval and "coverage" in groups[0]:
        calibration.append(tenths.draw_coverage(groups, best.interval["wanted"], output))
    return {
        "charts": regression.predicted_against_actual(results.networks, output),
        "errors": [regression.residuals(best, output), *by_value],
        "mistakes": describe_mistakes(table, features, *regression.largest_errors(table)),
        "intervals": describe_intervals(results),
        "tenths": groups,
        "calibration": calibration,
    }


def describe_classification(results: DatasetResults, features: pd.DataFrame) -> dict[str, Any]:
    best, output = results.best, results.problem.main
    errors = classification.most_confident_errors(best, output)
    wrong = describe_mistakes(best.predictions, features, *errors)
    if results.problem.kind == "images":
        dataset = results.problem.dataset
        images = read_images(dataset)
        white = pictures.brightest(images)
        for mistake in wrong:
            mistake["columns"]["picture"] = pictures.draw_image(images[mistake["row"]], white)
    many = output.units > classification.MANY_CLASSES
    return {
        "many_classes": many,
        "charts": [
            classification.confusion_matrix(network, output)
            for network in ([best] if many else results.networks)
        ],
        "calibration": [classification.reliability_diagram(n, output) for n in results.networks],
        "classes": classification.class_metrics(best, output),
        "confusions": classification.list_confusions(best),
        "calibrated": [
            {"name": n.name, "temperature": n.calibrated["temperature"]}
            | {
                name: {"before": n.metrics["test"][name], "after": n.calibrated["test"][name]}
                for name in ("ece", "cross_entropy")
            }
            for n in results.networks
            if n.calibrated
        ],
        "intervals": describe_intervals(results),
        "mistakes": wrong,
    }


def describe_intervals(results: DatasetResults) -> list[dict[str, Any]]:
    """Return the coverage of each network's intervals or prediction sets, wanted and measured."""
    return [
        {"name": n.name, "wanted": n.interval["wanted"]} | n.interval["test"]
        for n in results.networks
        if n.interval
    ]


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
    """Return warnings, the columns, and how they are distributed."""
    dataset = results.problem.dataset
    rows = summarized_rows(Schema.read(dataset))
    return {
        "warnings": results.warnings,
        "columns": summarize_columns(dataset),
        "summarized": None if rows is None else len(rows),
        "distributions": draw_distributions(dataset),
    }


def describe_images(results: DatasetResults) -> dict[str, Any]:
    samples = pictures.draw_samples(results.problem.dataset)
    return {"warnings": results.warnings, "samples": samples}


def describe_places(results: DatasetResults, roles: Mapping[str, str]) -> dict[str, Any] | None:
    """Return the columns of latitude and longitude, and maps; None without such columns."""
    coordinates, problem = find_coordinates(roles), results.problem
    if coordinates is None:
        return None
    charts = draw_maps(problem.dataset, coordinates, results.best, problem.main)
    return {"columns": coordinates, "charts": charts} if charts else None


def describe_explanation(results: DatasetResults) -> dict[str, Any]:
    """Return why the best network predicts as it does, drawn for a table or for images."""
    found, dataset = results.explanation, results.problem.dataset
    if not found["rows"]:
        return {"rows": 0}
    if results.problem.kind == "table":
        return found | {
            "importance_chart": explanation.draw_importance(found),
            "example_charts": explanation.draw_examples(found),
            "dependence_charts": explanation.draw_dependence(found),
        }
    file = paths.explanation(dataset) / "maps.npy"
    maps = np.asarray(read_array(file, f"explain@{dataset}"))
    if maps.ndim == 4:
        maps = maps.sum(axis=-1)
    limit = float(maps.max())
    return found | {
        "maps": [
            {"name": name, "picture": pictures.draw_heat_map(of_class, limit)}
            for name, of_class in zip(found["classes"], maps, strict=True)
        ]
    }
