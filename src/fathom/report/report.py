"""The page, report/index.html, one file that needs nothing else; and its short form in Markdown."""

import math
from typing import Any

import jinja2
import yaml

from fathom.artifacts.ranking import find_best
from fathom.base import paths
from fathom.base.files import write_text
from fathom.evaluate.formatting import (
    SUBSET_LABELS,
    format_mean,
    format_number,
    format_percent,
    format_share,
    format_signed,
)
from fathom.report.results import DatasetResults, read_results
from fathom.report.section import section
from fathom.report.summary import summary
from fathom.report.versions import Experiment, commit, experiments
from fathom.settings.config import Config

VERSIONS = {"tensorflow": "TensorFlow", "keras": "Keras", "scikit-learn": "scikit-learn"}


def report(config: Config) -> None:
    """Write the report of every data set and model in the settings.

    Raises:
        FathomError: a stage's results are not there.
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
        "number": format_number,
        "over_runs": format_mean,
        "percent": format_percent,
        "share": format_share,
        "signed": format_signed,
        "value": value,
    }
    page = templates.get_template("page.html.j2").render(
        sections=[section(of_dataset) for of_dataset in results],
        parts=SUBSET_LABELS,
        commit=commit(),
        versions=versions(results),
        experiments=[cells(experiment, results) for experiment in experiments()],
    )
    write_text(paths.REPORT, page)
    write_text(paths.SUMMARY, summary(results))


def versions(results: list[DatasetResults]) -> str:
    """Say what all networks were trained with."""
    found = results[0].networks[0].run["versions"]
    return f"Python {found['python']}, " + ", ".join(
        f"{label} {found[name]}" for name, label in VERSIONS.items()
    )


def cells(experiment: Experiment, results: list[DatasetResults]) -> dict[str, Any]:
    """Return an experiment's line: by data set the test figure of its best network."""
    return {
        "name": experiment.name,
        "date": experiment.date,
        "settings": {key: flow(value) for key, value in experiment.settings.items()},
        "cells": [best_of(experiment.metrics, of_dataset) for of_dataset in results],
    }


def flow(setting: Any) -> str:
    """Return a setting as it is written on a command line."""
    return (
        yaml.safe_dump(setting, default_flow_style=True, width=10_000).removesuffix("...\n").strip()
    )


def best_of(metrics: dict[str, Any], results: DatasetResults) -> str:
    """Return the best network on the validation part with its test figure, "" without any."""
    metric = results.leading
    found = {
        name: figures
        for name, figures in metrics.get(results.problem.dataset, {}).items()
        if metric in figures.get("valid", {})
    }
    if not found:
        return ""
    name = find_best(found, metric)
    return f"{format_number(found[name]['test'][metric])} ({name})"


def value(of_cell: Any) -> str:
    """Return a table's value: numbers to four significant digits, large ones whole."""
    if isinstance(of_cell, float):
        if math.isnan(of_cell):
            return "missing"
        return f"{of_cell:,.0f}" if abs(of_cell) >= 10_000 else f"{of_cell:.4g}"
    return str(of_cell)
