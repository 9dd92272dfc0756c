"""All models compared: a row of a table and an interval of a chart for each."""

from dataclasses import dataclass, replace
from typing import Any

import altair as alt
import pandas as pd

from fathom.artifacts.ranking import higher_is_better
from fathom.report.charts import BLUE, GRAY, render_svg, unit_suffix
from fathom.report.digits import format_fixed
from fathom.report.drawing import Drawing
from fathom.report.results import DatasetResults, Metrics


@dataclass(frozen=True)
class ModelRow:
    """A model in the table of comparison: its `interval` on the test set, the `spread` of the
    primary metric over runs, and the comparison with the best baseline.
    """

    name: str
    kind: str
    metrics: Metrics
    interval: dict[str, float] | None = None
    spread: dict[str, float] | None = None
    compared: dict[str, Any] | None = None
    parameters: int | None = None


def model_rows(results: DatasetResults) -> list[ModelRow]:
    """Return a row for each network, ensemble, auxiliary output and baseline, the best first.

    A network that averages its runs has another row for a single run.
    """
    metric, intervals = results.primary_metric, results.comparison["intervals"]
    rows = []
    for network in results.networks:
        name, run = network.name, network.run
        spread = network.spread["test"][metric] if network.spread else None
        compared = results.comparison["networks"][name]
        row = ModelRow(
            name, "network", network.metrics, intervals[name], None, compared, run["parameters"]
        )
        if network.spread and run["ensemble"]:
            means = mean_metrics(network.spread)
            rows += [row, ModelRow(f"{name}, a single run", "output", means, spread=spread)]
        else:
            rows.append(replace(row, spread=spread))
        if network.ensemble:
            rows.append(ModelRow(f"{name}, mean of {len(run['runs'])}", "output", network.ensemble))
        # Metrics of an auxiliary output with a target of its own are not comparable.
        same_target = results.problem.outputs.get("aux_output") == results.problem.main
        if network.auxiliary and same_target:
            rows.append(ModelRow(f"{name}, auxiliary output", "output", network.auxiliary))
    rows += [
        ModelRow(name, "baseline", metrics, intervals[name])
        for name, metrics in results.baselines.items()
    ]
    higher = higher_is_better(metric)
    return sorted(rows, key=lambda row: row.metrics["test"][metric], reverse=higher)


def mean_metrics(spread: dict[str, dict[str, dict[str, float]]]) -> Metrics:
    """Return the mean over runs of each metric, by set."""
    return {
        subset: {name: values["mean"] for name, values in metrics.items()}
        for subset, metrics in spread.items()
    }


def draw_intervals(rows: list[ModelRow], results: DatasetResults, decimals: int) -> Drawing:
    """Draw the test metric of each model that has an interval."""
    metric = results.primary_metric
    table = pd.DataFrame(
        [
            {"model": row.name, "kind": row.kind, "value": row.metrics["test"][metric]}
            | row.interval
            for row in rows
            if row.interval
        ]
    )
    texts = [format_fixed(value, decimals) for value in table["value"]]
    ends = [[format_fixed(v, decimals) for v in table[end]] for end in ("low", "high")]
    table["text"] = [
        f"{name}: {text}, {low} to {high}"
        for name, text, low, high in zip(table["model"], texts, *ends, strict=True)
    ]
    unit = results.problem.main.unit if metric == "rmse" else None
    color = alt.Color("kind:N", title=None).scale(
        domain=["network", "baseline"], range=[BLUE, GRAY]
    )
    base = alt.Chart(table).encode(
        alt.Y("model:N", title=None, sort=None).axis(labelLimit=110),
        color,
        description="text:N",
    )
    x = alt.X("low:Q", title=f"test {results.labels[metric]}{unit_suffix(unit)}")
    bars = base.mark_rule(strokeWidth=3).encode(
        x.scale(zero=False).axis(tickCount=5), alt.X2("high")
    )
    points = base.mark_circle(size=90, opacity=1).encode(alt.X("value:Q"))
    return render_svg(bars + points, "Models with their intervals")
