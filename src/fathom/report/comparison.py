"""The comparison of networks and baselines, in figures and in a sentence."""

from dataclasses import dataclass
from typing import Any

from fathom.artifacts.problem import Output
from fathom.artifacts.ranking import HIGHER_IS_BETTER
from fathom.evaluate.formatting import (
    METRIC_LABELS,
    format_mean,
    format_number,
    format_percent,
    format_signed,
)
from fathom.report.results import DatasetResults, Figures, Network


@dataclass(frozen=True)
class Row:
    """A model's line: its figures by part.

    `spread` holds mean, sd and n of the leading test figure over runs, `compared` the difference
    to the best baseline.
    """

    name: str
    kind: str
    figures: Figures
    spread: dict[str, float] | None = None
    compared: dict[str, Any] | None = None
    parameters: int | None = None
    seconds: float | None = None


def rows(results: DatasetResults) -> list[Row]:
    """Return a row for each network, auxiliary output and baseline, the best first."""
    metric = results.leading
    networks = [
        Row(
            name=n.name,
            kind="network",
            figures=n.metrics,
            spread=n.spread["test"][metric] if n.spread else None,
            compared=results.comparison["networks"][n.name],
            parameters=n.run["parameters"],
            seconds=n.run["seconds"],
        )
        for n in results.networks
    ]
    ensembles = [
        Row(f"{n.name}, average of {len(n.run['runs'])}", "output", n.ensemble)
        for n in results.networks
        if n.ensemble
    ]
    auxiliary = [
        Row(f"{n.name}, auxiliary output", "output", n.auxiliary)
        for n in results.networks
        if n.auxiliary and results.problem.outputs["aux_output"] == results.problem.main
    ]
    baselines = [Row(name, "baseline", figures) for name, figures in results.baselines.items()]
    every = networks + ensembles + auxiliary + baselines
    higher = metric in HIGHER_IS_BETTER
    return sorted(every, key=lambda row: row.figures["test"][metric], reverse=higher)


@dataclass(frozen=True)
class Verdict:
    """The best network's name, its test figure, what that means, and how it compares."""

    network: str
    figure: str
    label: str
    meaning: str
    comparison: str
    verdict: str


def verdict(results: DatasetResults) -> Verdict:
    """Say which network is best on the validation part, and what that is worth on the test part."""
    output, best, metric = results.problem.main, results.best, results.leading
    compared = results.comparison["networks"][best.name]
    spread = best.spread["test"][metric] if best.spread else None
    label = METRIC_LABELS[output.task][metric]
    unit = f", {output.unit}" if output.unit and metric == "rmse" else ""
    return Verdict(
        network=best.name,
        figure=format_mean(spread) or format_number(best.metrics["test"][metric]),
        label=f"test {label}{unit}" + (f", {spread['n']} runs" if spread else ""),
        meaning=meaning(best, output),
        comparison=f"{against(compared, results)}.",
        verdict=compared["verdict"],
    )


def meaning(network: Network, output: Output) -> str:
    """Say in everyday words how good a network is on rows that it has not seen."""
    figures = network.metrics["test"]
    unit = f" ({output.unit})" if output.unit else ""
    if output.task == "regression":
        return (
            f"Its predictions of {output.column} are off by {figures['mae']:.3g}{unit} on average."
        )
    wrong = round((1 - figures["accuracy"]) * 1000)
    return f"Of 1,000 new rows it gets about {1000 - wrong:,} right and {wrong:,} wrong."


def against(compared: dict[str, Any], results: DatasetResults) -> str:
    """Compare a network with the best baseline."""
    baseline = results.comparison["baseline"]
    words = {
        "better": "That is better than",
        "worse": "That is worse than",
        "can't be told apart": "That can't be told apart from",
    }[compared["verdict"]]
    low, high = compared["low"], compared["high"]
    return (
        f"{words} the best baseline, {baseline['name']}, with {format_number(baseline['figure'])}: "
        f"the difference is {format_signed(compared['difference'])}, "
        f"{format_percent(results.confidence)} interval "
        f"{format_signed(low)} to {format_signed(high)}"
    )
