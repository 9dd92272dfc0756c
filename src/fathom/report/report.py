"""The page report/index.html, one file without dependencies."""

import math
from typing import Any

import jinja2

from fathom.base import paths
from fathom.base.files import write_text
from fathom.evaluate import formatting
from fathom.report.provenance import register_page, set_page_id
from fathom.report.results import read_results
from fathom.report.section import describe_dataset
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
    page = templates.get_template("page.html.j2").render(
        sections=[describe_dataset(of_dataset) for of_dataset in results],
        subsets=formatting.SUBSET_LABELS,
        versions=", ".join(f"{label} {versions[name]}" for name, label in VERSIONS.items()),
    )
    page, page_id = set_page_id(page)
    write_text(paths.REPORT, page)
    register_page(page_id)


def format_cell(value: Any) -> str:
    """Return a value of a column: numbers with four significant digits, large ones whole."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "missing"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"
