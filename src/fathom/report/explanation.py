"""Which columns move the predictions of the best network, drawn."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fathom.report.charts import BLUE, ORANGE, draw_bars, render_svg, unit_suffix
from fathom.report.digits import format_difference, format_rounded
from fathom.report.drawing import Drawing

MAX_COLUMNS = 12  # with Shapley values
RAISES, LOWERS = "raises", "lowers"


def draw_importance(explanation: dict[str, Any]) -> Drawing:
    """Draw the mean absolute Shapley value of each column."""
    bars = pd.DataFrame(explanation["importance"][:MAX_COLUMNS])
    unit = unit_suffix(explanation["unit"])
    bars["text"] = [
        f"{b.column}: {format_rounded(b.mean_absolute)}{unit}" for b in bars.itertuples()
    ]
    x = alt.X("mean_absolute:Q", title=f"mean |Shapley value|{unit}").axis(tickCount=5)
    y = alt.Y("column:N", title=None, sort=None).axis(labelLimit=120)
    return draw_bars(bars, x, y, title="Importance of columns")


def draw_examples(explanation: dict[str, Any]) -> list[Drawing]:
    """Draw how columns move a few predictions away from the mean of the background rows."""
    unit = unit_suffix(explanation["unit"])
    x = alt.X("contribution:Q", title=f"Shapley value{unit}").axis(tickCount=5)
    y = alt.Y("label:N", title=None, sort=None).axis(labelLimit=140)
    color = alt.Color("effect:N", title=None).scale(domain=[RAISES, LOWERS], range=[BLUE, ORANGE])
    charts = []
    for example in explanation["examples"]:
        bars = pd.DataFrame(example["contributions"][:MAX_COLUMNS])
        bars["label"] = [f"{b.column} = {b.value}" for b in bars.itertuples()]
        bars["text"] = [
            f"{b.label}: {format_difference(b.contribution)}" for b in bars.itertuples()
        ]
        bars["effect"] = np.where(bars["contribution"] >= 0, RAISES, LOWERS)
        base, predicted = (format_rounded(example[key]) for key in ("base", "predicted"))
        title = [
            f"Row {example['row']}: {predicted}{unit}",
            f"base {base} + all contributions = {predicted}",
        ]
        charts.append(draw_bars(bars, x, y, color, title=title))
    return charts


def draw_dependence(explanation: dict[str, Any]) -> list[Drawing]:
    """Draw the mean prediction, and the middle 80 % of rows, by the value of a column."""
    unit = unit_suffix(explanation["unit"])
    label = f"{explanation['explained']}{unit}"
    y = alt.Y("mean:Q", title=label).scale(zero=False)
    charts = []
    for line in explanation.get("dependence", []):
        points = pd.DataFrame(line["points"])
        numeric = line["kind"] == "number"
        points["text"] = [
            f"{line['column']} {format_rounded(p['value'], 4) if numeric else p['value']}: "
            f"{format_rounded(p['mean'])}, "
            f"80 % from {format_rounded(p['low'])} to {format_rounded(p['high'])}"
            for p in line["points"]
        ]
        x = alt.X("value:Q", title=line["column"]).scale(zero=False, nice=False)
        if not numeric:
            x = alt.X("value:N", title=line["column"], sort=None)
            x = x.axis(labelAngle=-40, labelLimit=90)
        base = alt.Chart(points).encode(x, description="text:N")
        ends = alt.Y("low:Q", title=label), alt.Y2("high")
        if numeric:
            band = base.mark_area(color=BLUE, opacity=0.2).encode(*ends)
            marks = band + base.mark_line(color=BLUE).encode(y)
        else:
            marks = base.mark_rule(color=BLUE, opacity=0.4, strokeWidth=4).encode(*ends)
        circles = base.mark_circle(color=BLUE, opacity=1, size=40).encode(y)
        charts.append(render_svg(marks + circles, f"Predictions by {line['column']}"))
    return charts
