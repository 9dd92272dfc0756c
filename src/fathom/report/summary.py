"""The report for a pull request: report/summary.md."""

from collections.abc import Iterator
from typing import Any

from fathom.evaluate.formatting import METRIC_LABELS, format_mean, format_number, format_signed
from fathom.report.comparison import rows, verdict
from fathom.report.results import DatasetResults
from fathom.report.versions import committed_metrics

SMALLEST = 1e-9  # a relative change that is one, and not rounding


def summary(every: list[DatasetResults]) -> str:
    """Return the comparison of all models as Markdown, and what changed against HEAD."""
    lines = ["# Fathom report", ""]
    for results in every:
        lines += [*comparison(results), ""]
    lines += changes(every, committed_metrics("HEAD"))
    return "\n".join(lines) + "\n"


def comparison(results: DatasetResults) -> Iterator[str]:
    metric, found = results.leading, verdict(results)
    labels = METRIC_LABELS[results.problem.main.task]
    yield f"## {results.problem.dataset}"
    yield ""
    yield f"**{found.network}**: {found.figure} ({found.label}). {found.comparison}"
    yield ""
    heads = [f"test {label}" for label in labels.values()]
    heads += ["over runs", f"against {results.comparison['baseline']['name']}"]
    yield f"| model | {' | '.join(heads)} |"
    yield "|---" * (len(labels) + 3) + "|"
    for row in rows(results):
        figures = " | ".join(format_number(row.figures["test"][name]) for name in labels)
        difference = format_signed(row.compared["difference"]) if row.compared else ""
        name = f"**{row.name}**" if row.kind == "network" else row.name
        yield f"| {name} | {figures} | {format_mean(row.spread)} | {difference} |"
    yield ""
    yield f"Models are chosen by validation {labels[metric]}, figures are of the test part."
    if results.trained_rows:
        of = results.problem.rows["train"]
        yield f"Baselines were trained on {results.trained_rows:,} of {of:,} training rows."


def changes(every: list[DatasetResults], before: dict[str, Any]) -> Iterator[str]:
    """List the networks' test figures that differ from those committed."""
    yield "## Against HEAD"
    yield ""
    found = []
    for results in every:
        dataset = results.problem.dataset
        for network in results.networks:
            old = before.get(dataset, {}).get(network.name, {}).get("test", {})
            for name, value in network.metrics["test"].items():
                known = old.get(name)
                if known is None or value is None:  # R² of a single row
                    continue
                if abs(value - known) > SMALLEST * abs(known):
                    figures = f"{format_number(known)} | {format_number(value)}"
                    difference = format_signed(value - known)
                    found.append(
                        f"| {dataset} | {network.name} | {name} | {figures} | {difference} |"
                    )
    if not found:
        yield "No test figure changed."
        return
    yield "| data set | model | test | HEAD | now | change |"
    yield "|---|---|---|---|---|---|"
    yield from found
