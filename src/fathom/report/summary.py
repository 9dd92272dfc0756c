"""The report for a pull request: report/summary.md."""

from collections.abc import Iterator
from typing import Any

from fathom.evaluate.formatting import format_mean, format_number, format_signed
from fathom.report.comparison import describe_best, model_rows
from fathom.report.git_history import committed_metrics
from fathom.report.results import DatasetResults

ROUNDING = 1e-9  # relative change that is only rounding


def render_summary(datasets: list[DatasetResults]) -> str:
    """Return the comparison of all models and the changes against HEAD as Markdown."""
    lines = ["# Fathom report", ""]
    for results in datasets:
        lines += [*list_models(results), ""]
    lines += list_changes(datasets, committed_metrics("HEAD"))
    return "\n".join(lines) + "\n"


def list_models(results: DatasetResults) -> Iterator[str]:
    best, labels = describe_best(results), results.labels
    yield f"## {results.problem.dataset}"
    yield ""
    yield "**{name}**: {value} ({label}). {comparison}".format(**best)
    yield ""
    heads = [f"test {label}" for label in labels.values()]
    heads += ["over runs", f"against {results.comparison['baseline']['name']}"]
    yield f"| model | {' | '.join(heads)} |"
    yield "|---" * (len(heads) + 1) + "|"
    for row in model_rows(results):
        name = f"**{row.name}**" if row.kind == "network" else row.name
        cells = [format_number(row.metrics["test"][metric]) for metric in labels]
        cells += [format_mean(row.spread)]
        cells += [format_signed(row.compared["difference"]) if row.compared else ""]
        yield f"| {name} | {' | '.join(cells)} |"
    yield ""
    metric = labels[results.primary_metric]
    yield f"Validation {metric} selects the best models; the metrics are of the test set."
    if results.trained_rows:
        all_rows = results.problem.rows["train"]
        yield f"Baselines were trained on {results.trained_rows:,} of {all_rows:,} training rows."


def list_changes(datasets: list[DatasetResults], before: dict[str, Any]) -> Iterator[str]:
    """List the test metrics of networks that differ from the committed ones."""
    yield "## Against HEAD"
    yield ""
    lines = []
    for results in datasets:
        dataset = results.problem.dataset
        for network in results.networks:
            old = before.get(dataset, {}).get(network.name, {}).get("test", {})
            for name, value in network.metrics["test"].items():
                known = old.get(name)
                if known is None or value is None:  # R² of a single row
                    continue
                if abs(value - known) > ROUNDING * abs(known):
                    cells = [dataset, network.name, name, format_number(known)]
                    cells += [format_number(value), format_signed(value - known)]
                    lines.append(f"| {' | '.join(cells)} |")
    if lines:
        yield "| data set | model | test | HEAD | now | change |"
        yield "|---|---|---|---|---|---|"
        yield from lines
    else:
        yield "No test metric has changed."
