"""Networks and baselines compared: in a table and in a sentence."""

from dataclasses import dataclass, replace
from typing import Any

from fathom.artifacts.problem import Output
from fathom.artifacts.ranking import HIGHER_IS_BETTER
from fathom.evaluate.formatting import format_number, format_percent, format_signed
from fathom.report.charts import unit_suffix
from fathom.report.results import DatasetResults, Metrics, NetworkResults

PHRASES = {
    "better": "This is better than the best baseline",
    "worse": "This is worse than the best baseline",
    "can't be told apart": "This can't be told apart from the best baseline",
}


@dataclass(frozen=True)
class ModelRow:
    """A model in the table of comparison, with the `spread` of the primary metric over runs."""

    name: str
    kind: str
    metrics: Metrics
    spread: dict[str, float] | None = None
    compared: dict[str, Any] | None = None
    parameters: int | None = None


def model_rows(results: DatasetResults) -> list[ModelRow]:
    """Return a row for each network, ensemble, auxiliary output and baseline, the best first.

    A network that averages its runs has another row for a single run.
    """
    metric = results.primary_metric
    rows = []
    for network in results.networks:
        name, run = network.name, network.run
        spread = network.spread["test"][metric] if network.spread else None
        compared = results.comparison["networks"][name]
        row = ModelRow(name, "network", network.metrics, None, compared, run["parameters"])
        if network.spread and run["ensemble"]:
            means = mean_metrics(network.spread)
            rows += [row, ModelRow(f"{name}, a single run", "output", means, spread)]
        else:
            rows.append(replace(row, spread=spread))
        if network.ensemble:
            rows.append(ModelRow(f"{name}, mean of {len(run['runs'])}", "output", network.ensemble))
        # Metrics of an auxiliary output with a target of its own are not comparable.
        same_target = results.problem.outputs.get("aux_output") == results.problem.main
        if network.auxiliary and same_target:
            rows.append(ModelRow(f"{name}, auxiliary output", "output", network.auxiliary))
    rows += [ModelRow(name, "baseline", metrics) for name, metrics in results.baselines.items()]
    higher = metric in HIGHER_IS_BETTER
    return sorted(rows, key=lambda row: row.metrics["test"][metric], reverse=higher)


def mean_metrics(spread: dict[str, dict[str, dict[str, float]]]) -> Metrics:
    """Return the mean over runs of each metric, by set."""
    return {
        subset: {name: values["mean"] for name, values in metrics.items()}
        for subset, metrics in spread.items()
    }


def describe_best(results: DatasetResults) -> dict[str, str]:
    """Describe the best network on the validation set.

    Its primary test metric (`value`, `label`), what it means, how it compares with the best
    baseline, and which networks are as good.
    """
    output, best, metric = results.problem.main, results.best, results.primary_metric
    average = best.run["ensemble"]
    unit = f", {output.unit}" if output.unit and metric == "rmse" else ""
    count = len(best.run["runs"])
    runs = "" if count == 1 else f", {'average' if average else 'best'} of {count} runs"
    baseline = results.comparison["baseline"]
    compared = results.comparison["networks"][best.name]
    difference, low, high = (format_signed(compared[k]) for k in ("difference", "low", "high"))
    return {
        "name": best.name,
        "value": format_number(best.metrics["test"][metric]),
        "label": f"test {results.labels[metric]}{unit}{runs}",
        "meaning": describe_metrics(best, output),
        "comparison": f"{PHRASES[compared['verdict']]}, {baseline['name']} "
        f"({format_number(baseline['figure'])}): difference {difference}, "
        f"{format_percent(results.confidence)} interval {low} to {high}.{describe_ties(results)}",
    }


def describe_ties(results: DatasetResults) -> str:
    """Name the networks that are as good as the best one on the validation set."""
    metric = results.primary_metric
    value = results.best.metrics["valid"][metric]
    ties = [n.name for n in results.networks if n.metrics["valid"][metric] == value]
    if len(ties) == 1:
        return ""
    label = results.labels[metric]
    return f" {' and '.join(ties)} have the same validation {label}; the first of them is shown."


def describe_metrics(network: NetworkResults, output: Output) -> str:
    """Say in everyday words how good a network is on new rows."""
    metrics = network.metrics["test"]
    if output.task == "regression":
        error = f"{metrics['mae']:.3g}{unit_suffix(output.unit)}"
        return f"On average, its predictions of {output.column} are off by {error}."
    right = 1000 - round((1 - metrics["accuracy"]) * 1000)
    return f"Of 1,000 new rows, it classifies about {right:,} correctly."
