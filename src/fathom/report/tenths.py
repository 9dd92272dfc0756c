"""Whether predictions of numbers, and their intervals, hold by tenths of the prediction."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fathom.artifacts.problem import Output
from fathom.report.charts import BLUE, ORANGE, diagonal, horizontal, render_svg, unit_suffix
from fathom.report.digits import format_rounded
from fathom.report.drawing import Drawing
from fathom.report.results import NetworkResults

TENTHS = 10


def tabulate_tenths(network: NetworkResults) -> list[dict[str, Any]]:
    """Return for each tenth of the shown test rows by prediction: `rows`, the mean `predicted` and
    `actual`, and, with intervals, their `coverage` and mean `width`.
    """
    table = network.predictions
    tenth = pd.qcut(table["predicted"], TENTHS, labels=False, duplicates="drop")
    values = {"predicted": table["predicted"], "actual": table["actual"]}
    if "low" in table:
        inside = (table["actual"] >= table["low"]) & (table["actual"] <= table["high"])
        values |= {"coverage": inside.astype(float), "width": table["high"] - table["low"]}
    groups = pd.DataFrame(values).groupby(tenth)
    found = groups.mean().assign(rows=groups.size()).to_dict("records")
    return [{str(key): value for key, value in line.items()} for line in found]


def draw_calibration(tenths: list[dict[str, Any]], output: Output) -> Drawing:
    """Draw the mean true value by the mean prediction: right on the diagonal."""
    table, unit = pd.DataFrame(tenths), unit_suffix(output.unit)
    table["text"] = [
        f"{t.rows:,} rows: predicted {format_rounded(t.predicted)}, true {format_rounded(t.actual)}"
        for t in table.itertuples()
    ]
    ends = table[["predicted", "actual"]].to_numpy()
    low, high = float(ends.min()), float(ends.max())
    margin = 0.05 * (high - low)
    scale = alt.Scale(domain=[low - margin, high + margin], nice=False)
    points = alt.Chart(table).encode(
        alt.X("predicted:Q", title=f"mean prediction{unit}").scale(scale),
        alt.Y("actual:Q", title=f"mean true value{unit}").scale(scale),
        description="text:N",
    )
    line = diagonal(low, high)
    circles = points.mark_circle(color=BLUE, size=80, opacity=1)
    return render_svg(line + circles, "Calibration by tenths of predictions")


def draw_coverage(tenths: list[dict[str, Any]], wanted: float, output: Output) -> Drawing:
    """Draw which share of the true values the intervals hold, by tenths of predictions."""
    table = pd.DataFrame(tenths)
    table["text"] = [
        f"predictions around {format_rounded(t.predicted)}: {t.coverage:.1%} of "
        f"{t.rows:,} rows, mean width {format_rounded(t.width)}"
        for t in table.itertuples()
    ]
    low = min(float(np.floor(table["coverage"].min() * 20) / 20), wanted - 0.05)
    scale = alt.Scale(domain=[max(low, 0.0), 1.0], nice=False)
    points = alt.Chart(table).encode(
        alt.X("predicted:Q", title=f"mean prediction{unit_suffix(output.unit)}"),
        alt.Y("coverage:Q", title="share within the interval").scale(scale).axis(format="~%"),
        description="text:N",
    )
    rule = horizontal(wanted, color=ORANGE, strokeDash=[4, 4]).encode(alt.Y("at:Q").scale(scale))
    marks = points.mark_line(color=BLUE) + points.mark_circle(color=BLUE, size=80, opacity=1)
    return render_svg(rule + marks, "Coverage by tenths of predictions")
