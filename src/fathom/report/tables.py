"""The comparison of networks and baselines."""

import math
from dataclasses import dataclass

from fathom.data.schema import Output, Problem
from fathom.report.results import DatasetResults, Figures

METRICS = {
    "regression": {"rmse": "RMSE", "mse": "MSE", "mae": "MAE", "r2": "R²"},
    "classification": {
        "accuracy": "accuracy",
        "cross_entropy": "cross-entropy",
        "f1_macro": "macro F1",
    },
}
PARTS = {"test": "test", "valid": "valid.", "train": "train"}
HIGHER_IS_BETTER = ("accuracy", "f1_macro", "r2")


@dataclass(frozen=True)
class Row:
    """A model's line: test figures of each metric, then the leading metric on other parts.

    `spread` holds mean, sd and n of the leading test figure over runs.
    """

    name: str
    kind: str
    figures: Figures
    spread: dict[str, float] | None = None
    parameters: int | None = None
    seconds: float | None = None


def rows(results: DatasetResults) -> list[Row]:
    """Return a row for each network, auxiliary output and baseline, the best first."""
    metric = leading(results.problem.main)
    networks = [
        Row(
            name=n.name,
            kind="network",
            figures=n.metrics,
            spread=n.spread["test"][metric] if n.spread else None,
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
    return sorted(every, key=lambda row: rank(row, results.problem.main))


def over_runs(spread: dict[str, float] | None) -> str:
    """Return a mean with its standard deviation, to as many decimals as that has two digits in."""
    if spread is None:
        return ""
    sd = spread["sd"]
    decimals = 1 - math.floor(math.log10(sd)) if sd else 4
    return f"{spread['mean']:,.{max(decimals, 0)}f} ± {sd:,.{max(decimals, 0)}f}"


def inputs(problem: Problem) -> str:
    """Say how many columns of a table networks are given."""
    kinds = {"number": len(problem.numbers), "category": len(problem.categories)}
    plurals = {"number": "numbers", "category": "categories"}
    return " and ".join(
        f"{count} {name if count == 1 else plurals[name]}" for name, count in kinds.items() if count
    )


def leading(output: Output) -> str:
    """Return the metric that models are ranked by."""
    return "rmse" if output.task == "regression" else "accuracy"


def rank(row: Row, output: Output) -> float:
    figure = row.figures["test"][leading(output)]
    assert figure is not None
    return -figure if leading(output) in HIGHER_IS_BETTER else figure


def verdict(results: DatasetResults) -> str:
    """Say in a sentence which network is best, and what the best baseline gives."""
    output = results.problem.main
    ordered = rows(results)
    metric = leading(output)
    network = next(row for row in ordered if row.kind == "network")
    baseline = next(row for row in ordered if row.kind == "baseline")
    unit = f" {output.unit}" if output.unit and metric == "rmse" else ""
    label = METRICS[output.task][metric]
    better = rank(network, output) < rank(baseline, output)
    return (
        f"The best network is {network.name}: test {label} "
        f"{number(network.figures['test'][metric])}{unit}. It "
        f"{'beats' if better else 'does not beat'} the best baseline, {baseline.name}, with "
        f"{number(baseline.figures['test'][metric])}{unit}."
    )


def number(value: float | None) -> str:
    """Return a figure with four significant digits, large ones whole."""
    if value is None:
        return "–"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:#.4g}"
