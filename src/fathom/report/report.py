"""The page report/index.html, one file without dependencies, and report/summary.md."""

import math
from typing import Any

import jinja2
import yaml

from fathom.artifacts.ranking import find_best
from fathom.base import paths
from fathom.base.files import write_text
from fathom.evaluate import formatting
from fathom.report.git_history import current_commit, last_experiments
from fathom.report.results import DatasetResults, read_results
from fathom.report.section import describe_dataset
from fathom.report.summary import render_summary
from fathom.settings.config import Config

VERSIONS = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras",
            "scikit-learn": "scikit-learn"}  # fmt: skip


def report(config: Config) -> None:
    """Write the report of every data set and model in the settings.

    Raises:
        FathomError: results of a stage are missing.
    """
    results = [read_results(dataset, config) for dataset in config.datasets]
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("fathom.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= {
        "cell": format_cell,
        "mean": formatting.format_mean,
        "number": formatting.format_number,
        "percent": formatting.format_percent,
        "share": formatting.format_share,
        "signed": formatting.format_signed,
    }
    versions = results[0].networks[0].run["versions"]
    metrics = [f"{r.problem.dataset}, {r.labels[r.primary_metric]}" for r in results]
    page = templates.get_template("page.html.j2").render(
        sections=[describe_dataset(of_dataset) for of_dataset in results],
        subsets=formatting.SUBSET_LABELS,
        commit=current_commit(),
        versions=", ".join(f"{label} {versions[name]}" for name, label in VERSIONS.items()),
        heads=["experiment", "date", "settings", *metrics],
        experiments=[describe_experiment(e, results) for e in last_experiments()],
    )
    write_text(paths.REPORT, page)
    write_text(paths.SUMMARY, render_summary(results))


def describe_experiment(run: dict[str, Any], results: list[DatasetResults]) -> dict[str, Any]:
    """Return a row of the table of experiments."""
    settings = {key: format_setting(value) for key, value in run["settings"].items()}
    cells = [describe_best_of(run["metrics"], of_dataset) for of_dataset in results]
    return run | {"settings": settings, "cells": cells}


def format_setting(setting: Any) -> str:
    """Return a setting as the command line takes it."""
    text = yaml.safe_dump(setting, default_flow_style=True, width=10_000)
    return text.removesuffix("...\n").strip()


def describe_best_of(metrics: dict[str, Any], results: DatasetResults) -> str:
    """Return the test metric and name of the best network on the validation set, "" if none."""
    metric = results.primary_metric
    networks = {
        name: subsets
        for name, subsets in metrics.get(results.problem.dataset, {}).items()
        if metric in subsets.get("valid", {})
    }
    if not networks:
        return ""
    name = find_best(networks, metric)
    return f"{formatting.format_number(networks[name]['test'][metric])} ({name})"


def format_cell(value: Any) -> str:
    """Return a value of a column: numbers with four significant digits, large ones whole."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "missing"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
