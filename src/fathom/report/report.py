"""The page report/index.html, one file without dependencies, and its content for machines."""

import math
from typing import Any

from fathom.base import paths
from fathom.base.files import write_json, write_text
from fathom.base.templates import load_templates
from fathom.evaluate import formatting
from fathom.report.content import to_json, to_markdown
from fathom.report.digits import format_difference, format_fixed, format_rounded, format_short
from fathom.report.provenance import register_page, set_page_id
from fathom.report.results import read_results
from fathom.report.section import describe_dataset
from fathom.settings.config import Config

VERSIONS = {"python": "Python", "tensorflow": "TensorFlow", "keras": "Keras",
            "scikit-learn": "scikit-learn"}  # fmt: skip


def report(config: Config) -> None:
    """Write the report of every data set and model in the settings: `report/index.html`, its
    values in `report.json`, and its first screen in `summary.md`.

    Raises:
        FathomError: results of a stage are missing.
    """
    results = [read_results(dataset, config) for dataset in config.datasets]
    templates = load_templates(
        "fathom.report",
        html=True,
        cell=format_cell,
        difference=format_difference,
        fixed=format_fixed,
        mean=formatting.format_mean,
        number=format_rounded,
        parts=list_parts,
        percent=formatting.format_percent,
        share=formatting.format_share,
        other_heads=other_heads,
    )
    versions = results[0].networks[0].run["versions"]
    sections = [describe_dataset(of_dataset) for of_dataset in results]
    page = templates.get_template("page.html.j2").render(
        sections=sections,
        subsets=formatting.SUBSET_LABELS,
        versions=", ".join(f"{label} {versions[name]}" for name, label in VERSIONS.items()),
    )
    page, page_id = set_page_id(page)
    write_text(paths.REPORT, page)
    content = {"versions": versions, "datasets": {s["dataset"]: to_json(s) for s in sections}}
    write_json(paths.REPORT.with_name("report.json"), content)
    write_text(paths.REPORT.with_name("summary.md"), to_markdown(sections))
    register_page(page_id)


def list_parts(section: dict[str, Any]) -> list[tuple[str, str]]:
    """Return the parts of a section that the navigation lists: the end of their id, and a name."""
    parts = {
        "comparison": "Comparison",
        "data": "Data",
        "networks": "Networks",
        "predictions": "Predictions",
        "errors": "Errors",
        "decision": "Threshold",
        "explanation": "Explanation",
    }
    return [(key, name) for key, name in parts.items() if key != "decision" or section["decision"]]


def other_heads(section: dict[str, Any]) -> list[str]:
    """Return the heads of the metrics of the test set, without the primary one."""
    comparison = section["comparison"]
    labels = comparison["labels"].items()
    return [f"test {label}" for name, label in labels if name != comparison["metric"]]


def format_cell(value: Any) -> str:
    """Return a value of a column: numbers with four significant digits, large ones whole."""
    if not isinstance(value, float):
        return str(value)
    if math.isnan(value):
        return "missing"
    return f"{value:,.0f}" if abs(value) >= 10_000 else format_short(value)
