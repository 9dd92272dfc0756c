"""The page report/index.html, one file without dependencies, and report/summary.md."""

import math
from typing import Any

import jinja2
import yaml

from fathom.artifacts.ranking import find_best
from fathom.base import paths
from fathom.base.files import write_text
from fathom.evaluate.formatting import (
    METRIC_LABELS,
    SUBSET_LABELS,
    format_mean,
    format_number,
    format_percent,
    format_share,
    format_signed,
)
from fathom.report.git_history import Experiment, current_commit, last_experiments
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
    results = read_results(config)
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("fathom.report", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= {
        "cell": format_cell,
        "mean": format_mean,
        "number": format_number,
        "percent": format_percent,
        "share": format_share,
        "signed": format_signed,
    }
    versions = results[0].networks[0].run["versions"]
    page = templates.get_template("page.html.j2").render(
        sections=[describe_dataset(of_dataset) for of_dataset in results],
        subsets=SUBSET_LABELS,
        commit=current_commit(),
        versions=", ".join(f"{label} {versions[name]}" for name, label in VERSIONS.items()),
        heads=["experiment", "date", "settings", *map(name_metric, results)],
        experiments=[describe_experiment(e, results) for e in last_experiments()],
    )
    write_text(paths.REPORT, page)
    write_text(paths.SUMMARY, render_summary(results))


def name_metric(results: DatasetResults) -> str:
    labels = METRIC_LABELS[results.problem.main.task]
    return f"{results.problem.dataset}, {labels[results.primary_metric]}"


def describe_experiment(experiment: Experiment, results: list[DatasetResults]) -> dict[str, Any]:
    """Return a row of the table of experiments."""
    return {
        "name": experiment.name,
        "date": experiment.date,
        "settings": {key: format_setting(value) for key, value in experiment.settings.items()},
        "cells": [describe_best_of(experiment.metrics, of_dataset) for of_dataset in results],
    }


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
    return f"{format_number(networks[name]['test'][metric])} ({name})"


def format_cell(value: Any) -> str:
    """Return a value of a column: numbers with four significant digits, large ones whole."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "missing"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
