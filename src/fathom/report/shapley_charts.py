"""Charts of the Shapley values that the stage `explain` writes."""

from typing import Any

import altair as alt
import pandas as pd

from fathom.report.charts import BLUE, ORANGE, render_svg, unit_suffix

MAX_COLUMNS = 12
BAR_HEIGHT = 22  # pixels


def shapley_charts(explanation: dict[str, Any]) -> list[str]:
    """Draw the importance of each column, and its contributions to a few predictions."""
    examples = [draw_example(e, explanation["unit"]) for e in explanation["examples"]]
    return [draw_importance(explanation), *examples]


def draw_importance(explanation: dict[str, Any]) -> str:
    bars = pd.DataFrame(explanation["importance"][:MAX_COLUMNS])
    unit = unit_suffix(explanation["unit"])
    bars["text"] = [f"{b.column}: {b.mean_absolute:.3g}{unit}" for b in bars.itertuples()]
    chart = (
        alt.Chart(bars)
        .mark_bar(color=BLUE)
        .encode(
            alt.X("mean_absolute:Q", title=f"mean |Shapley value|{unit}").axis(tickCount=5),
            alt.Y("column:N", title=None, sort=None),
            description="text:N",
        )
    )
    return render_svg(chart, "Importance of columns", height=BAR_HEIGHT * len(bars))


def draw_example(example: dict[str, Any], unit: str | None) -> str:
    """Draw what each column adds to one prediction."""
    bars = pd.DataFrame(example["contributions"][:MAX_COLUMNS])
    bars["label"] = [f"{b.column} = {b.value}" for b in bars.itertuples()]
    bars["text"] = [f"{b.label}: {b.contribution:+.3g}" for b in bars.itertuples()]
    chart = (
        alt.Chart(bars)
        .mark_bar()
        .encode(
            alt.X("contribution:Q", title=f"Shapley value{unit_suffix(unit)}").axis(tickCount=5),
            alt.Y("label:N", title=None, sort=None).axis(labelLimit=160),
            color=alt.condition("datum.contribution >= 0", alt.value(BLUE), alt.value(ORANGE)),
            description="text:N",
        )
    )
    title = f"Row {example['row']}: predicted {example['predicted']:.4g}"
    return render_svg(chart, title, height=BAR_HEIGHT * len(bars))
