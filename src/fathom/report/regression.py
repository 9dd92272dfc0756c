"""Errors of networks that predict numbers."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fathom.artifacts.problem import Output
from fathom.evaluate.formatting import format_number
from fathom.report.charts import (
    BLUE,
    GRAY,
    ORANGE,
    diagonal,
    horizontal,
    render_svg,
    unit_suffix,
)
from fathom.report.digits import format_rounded, format_short
from fathom.report.drawing import Drawing
from fathom.report.results import NetworkResults

BINS = 40
QUANTILES = 10
PREDICTION_GROUPS = 20
MAX_CATEGORIES = 8  # the most frequent ones
MAX_MISTAKES = 8


def predicted_against_actual(networks: list[NetworkResults], output: Output) -> list[Drawing]:
    """Draw for each network the number of test rows by true and predicted value."""
    values = np.concatenate([n.predictions[["actual", "predicted"]].to_numpy() for n in networks])
    low, high = np.quantile(values, [0.001, 0.999])
    return [draw_predictions(network, output, low, high) for network in networks]


def draw_predictions(network: NetworkResults, output: Output, low: float, high: float) -> Drawing:
    edges = np.linspace(low, high, BINS + 1)
    clipped = network.predictions[["actual", "predicted"]].clip(low, high)
    counts, _, _ = np.histogram2d(clipped["actual"], clipped["predicted"], [edges, edges])
    x, y = np.nonzero(counts)
    cells = pd.DataFrame({"x": edges[x], "y": edges[y], "rows": counts[x, y].astype(int)})
    cells["x2"], cells["y2"] = edges[x + 1], edges[y + 1]
    cells["text"] = [
        f"{c.rows:,} rows: true {format_rounded(c.x)} to {format_rounded(c.x2)}, "
        f"predicted {format_rounded(c.y)} to {format_rounded(c.y2)}"
        for c in cells.itertuples()
    ]
    scale, unit = alt.Scale(domain=[low, high], nice=False), unit_suffix(output.unit)
    heat = alt.Chart(cells).encode(
        alt.X("x:Q", title=f"true {output.column}{unit}").scale(scale),
        alt.X2("x2"),
        alt.Y("y:Q", title=f"predicted{unit}").scale(scale),
        alt.Y2("y2"),
        alt.Color("rows:Q", title="rows").scale(type="log", scheme="viridis"),
        description="text:N",
    )
    return render_svg(heat.mark_rect() + diagonal(low, high), network.name)


def residuals(network: NetworkResults, output: Output) -> Drawing:
    """Draw the median and the middle 80 % of residuals by prediction."""
    table, unit = network.predictions, unit_suffix(output.unit)
    errors = table["predicted"] - table["actual"]
    group = pd.qcut(table["predicted"], PREDICTION_GROUPS, labels=False, duplicates="drop")
    bands = errors.groupby(group).quantile(np.array([0.1, 0.5, 0.9])).unstack()  # noqa: PD010
    bands.columns = pd.Index(["low", "median", "high"])
    bands["predicted"] = table["predicted"].groupby(group).median()
    bands["text"] = [
        f"predicted {format_rounded(b.predicted)}: median {format_rounded(b.median)}, "
        f"80 % from {format_rounded(b.low)} to {format_rounded(b.high)}"
        for b in bands.itertuples()
    ]
    base = alt.Chart(bands.reset_index(drop=True)).encode(
        alt.X("predicted:Q", title=f"predicted{unit}")
    )
    band = base.mark_area(color=BLUE, opacity=0.25).encode(
        alt.Y("low:Q", title=f"predicted − true{unit}"), alt.Y2("high")
    )
    median = base.mark_line(color=BLUE, point=True).encode(alt.Y("median:Q"))
    points = base.mark_circle(opacity=0.001, size=200).encode(
        alt.Y("median:Q"), description="text:N"
    )
    zero = horizontal(0.0, color=GRAY)
    return render_svg(band + zero + median + points, "Residuals by prediction")


def error_groups(network: NetworkResults, column: "pd.Series[Any]") -> tuple[pd.DataFrame, float]:
    """Return `value`, `rmse` and `rows` by tenths of a feature's values or by its most frequent
    categories, and the RMSE of all rows.
    """
    table = network.predictions
    squares = pd.Series((table["predicted"] - table["actual"]).to_numpy(float) ** 2)
    groups = squares.groupby(group_values(column), observed=True).agg(["mean", "size"])
    by_value = pd.DataFrame(
        {"value": groups.index, "rmse": np.sqrt(groups["mean"]), "rows": groups["size"]}
    )
    return by_value.reset_index(drop=True), float(np.sqrt(squares.mean()))


def error_by_value(network: NetworkResults, column: "pd.Series[Any]", output: Output) -> Drawing:
    """Draw the RMSE by tenths of a feature's values, or by its most frequent categories."""
    bars, rmse = error_groups(network, column)
    bars["text"] = [
        f"{column.name} {b.value}: RMSE {format_rounded(b.rmse)}, {b.rows:,} rows"
        for b in bars.itertuples()
    ]
    chart = alt.Chart(bars).encode(
        alt.X("value:N", title=str(column.name), sort=None).axis(labelAngle=-40, labelLimit=90),
        alt.Y("rmse:Q", title=f"RMSE{unit_suffix(output.unit)}"),
        description="text:N",
    )
    all_rows = horizontal(rmse, color=ORANGE, strokeDash=[4, 4])
    return render_svg(chart.mark_bar(color=BLUE) + all_rows, f"Error by {column.name}")


def largest_errors(table: pd.DataFrame) -> tuple["pd.Index[Any]", list[str]]:
    """Return the places of the largest absolute errors, the largest first, and the errors."""
    errors = table["predicted"] - table["actual"]
    places = errors.abs().sort_values(ascending=False, kind="stable").index[:MAX_MISTAKES]
    return places, [f"{'+' if e > 0 else ''}{format_number(float(e))}" for e in errors[places]]


def group_values(column: "pd.Series[Any]") -> "pd.CategoricalIndex[Any]":
    """Return the group of each row, a tenth of the values or a category.

    Groups are in the order in which they are drawn: numbers from low to high, other categories by
    their number of rows.
    """
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and column.nunique() > QUANTILES:
        cut = pd.qcut(column, QUANTILES, duplicates="drop", precision=6)
        low = column.min()  # the first interval begins a little below
        names = {
            i: f"{format_short(max(i.left, low))} – {format_short(i.right)}"
            for i in cut.cat.categories
        }
        groups, order = cut.map(names).astype(object).fillna("missing"), list(names.values())
    else:
        texts = column.astype(object).where(column.notna(), "missing").astype(str)
        groups = texts.where(texts.isin(texts.value_counts().index[:MAX_CATEGORIES]), "other")
        order = list(groups.value_counts().index)
        known = [name for name in order if name not in ("missing", "other")]
        if pd.to_numeric(pd.Series(known, dtype=object), errors="coerce").notna().all():
            order = sorted(known, key=float)
    return pd.CategoricalIndex(groups, list(dict.fromkeys([*order, "missing", "other"])))
