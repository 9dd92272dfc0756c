"""What the page shows of one data set."""

from typing import Any

import markdown
import numpy as np
import pandas as pd
from markdown.extensions.toc import TocExtension

from fathom.artifacts.raw_table import read_raw_rows
from fathom.base import paths
from fathom.base.files import read_array
from fathom.evaluate.formatting import METRIC_LABELS, describe_inputs, format_percent
from fathom.report import classification, comparison, explanation, pictures, regression
from fathom.report.charts import learning_curve
from fathom.report.column_summaries import described_rows, summaries
from fathom.report.distributions import distributions
from fathom.report.network_drawing import draw_network
from fathom.report.results import DatasetResults, Network
from fathom.report.searches import searches

MOST_IMPORTANT = 3  # columns by which errors are looked at


def section(results: DatasetResults) -> dict[str, Any]:
    """Return what the template shows of a data set."""
    problem = results.problem
    images = problem.kind == "images"
    shape = " × ".join(map(str, problem.shape))
    shown = {
        "problem": problem,
        "output": problem.main,
        "given": f"images of {shape} pixels" if images else describe_inputs(problem),
        "total": sum(problem.rows.values()),
        "warnings": [warning.sentence for warning in results.warnings],
        "verdict": comparison.verdict(results),
        "metrics": METRIC_LABELS[problem.main.task],
        "leading": results.leading,
        "rows": comparison.rows(results),
        "trained_rows": results.trained_rows,
        "shown": shown_rows(results),
        "comparison": results.comparison,
        "confidence": format_percent(results.confidence),
        "run": results.networks[0].run,
        "data": data(results),
        "networks": [network_lines(network, problem.dataset) for network in results.networks],
        "explanation": results.explanation,
        "searches": searches(problem),
    }
    errors = numbers if problem.main.task == "regression" else classes
    return shown | errors(results) | (maps(results) if images else shapley(results))


def shown_rows(results: DatasetResults) -> str:
    """Say of which rows errors are shown."""
    shown = len(results.best.predictions)
    if shown == results.problem.rows["test"]:
        return "Rows of the test part"
    return f"{shown:,} rows of the test part, evenly drawn, here and below"


def data(results: DatasetResults) -> dict[str, Any]:
    """Return samples of images, or a table's columns and how they are distributed."""
    dataset = results.problem.dataset
    if results.problem.kind == "images":
        return {"samples": pictures.samples(dataset)}
    rows = described_rows(dataset)
    return {
        "columns": summaries(dataset),
        "described": None if rows is None else len(rows),
        "distributions": distributions(dataset),
    }


def network_lines(network: Network, dataset: str) -> dict[str, Any]:
    run, history = network.run, network.history
    kept = history[(history["seed"] == run["seed"]) & (history["epoch"] == run["kept_epoch"])]
    return {
        "name": network.name,
        "parameters": run["parameters"],
        "kept": run["kept_epoch"],
        "epochs": run["epochs"],
        "monitor": run["monitor"],
        "runs": len(run["runs"]),
        "ratio": float(kept["val_loss"].iloc[0] / kept["loss"].iloc[0]),
        "curve": learning_curve(network),
        "drawing": draw_network(paths.model(dataset, network.name) / "model.keras"),
        "card": markdown.markdown(network.card, extensions=["tables", TocExtension(baselevel=5)]),
    }


def numbers(results: DatasetResults) -> dict[str, Any]:
    """Return what there is to say of errors in regression."""
    best, output = results.best, results.problem.main
    features = important(results)
    by_value = [regression.error_by_value(best, features[name], output) for name in features]
    return {
        "errors": regression.predicted_against_actual(results.networks, output),
        "wrong": [regression.residuals(best, output), *by_value],
        "mistakes": regression.worst(best, features),
        "intervals": [
            {"name": n.name, "wanted": n.interval["wanted"]} | n.interval["test"]
            for n in results.networks
            if n.interval
        ],
    }


def classes(results: DatasetResults) -> dict[str, Any]:
    """Return what there is to say of errors in classification."""
    best, output = results.best, results.problem.main
    found = classification.most_confident(best, output, important(results))
    if results.problem.kind == "images":
        images = read_array(
            paths.raw(results.problem.dataset) / "images.npy", f"download@{results.problem.dataset}"
        )
        white = pictures.brightest(images)
        for mistake in found:
            mistake.columns["picture"] = pictures.picture(np.asarray(images[mistake.row]), white)
    return {
        "errors": [classification.confusion_matrix(n, output) for n in results.networks],
        "wrong": [classification.reliability_diagram(n, output) for n in results.networks],
        "classes": classification.class_figures(best, output),
        "calibration": [calibration(n) for n in results.networks if n.calibrated],
        "mistakes": found,
    }


def calibration(network: Network) -> dict[str, Any]:
    """Return a network's calibration as it is and after temperature scaling."""
    assert network.calibrated is not None
    before, after = network.metrics["test"], network.calibrated["test"]
    return {
        "name": network.name,
        "temperature": network.calibrated["temperature"],
        "ece": (before["ece"], after["ece"]),
        "cross_entropy": (before["cross_entropy"], after["cross_entropy"]),
    }


def important(results: DatasetResults) -> pd.DataFrame:
    """Return the shown rows' most important raw columns; images have none."""
    if results.problem.kind == "images":
        return pd.DataFrame()
    dataset = results.problem.dataset
    names = [line["column"] for line in results.explanation["importance"][:MOST_IMPORTANT]]
    rows = results.best.predictions["row"].to_numpy()
    return read_raw_rows(dataset, rows, names).reset_index(drop=True)


def shapley(results: DatasetResults) -> dict[str, Any]:
    found = results.explanation
    drawn = [explanation.example(example, found) for example in found["examples"]]
    return {"why": [explanation.importance(found), *drawn]}


def maps(results: DatasetResults) -> dict[str, Any]:
    """Return the mean attribution map of every class, all on one scale of brightness."""
    dataset = results.problem.dataset
    found = read_array(paths.explanation(dataset) / "maps.npy", f"explain@{dataset}")
    flat = found.sum(axis=-1) if found.ndim == 4 else np.asarray(found)
    limit = float(flat.max())
    return {
        "maps": [
            {"name": name, "picture": pictures.heat_map(of_class, limit)}
            for name, of_class in zip(results.explanation["classes"], flat, strict=True)
        ]
    }
