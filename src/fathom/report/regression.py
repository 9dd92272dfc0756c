"""Where networks err that predict numbers."""

from dataclasses import dataclass
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fathom.artifacts.problem import Output
from fathom.evaluate.formatting import format_number
from fathom.report.charts import BAD, GOOD, HEIGHT, MARK, diagonal, in_parentheses, svg
from fathom.report.results import Network

BINS = 40
QUANTILES = 10
GROUPS = 20
MOST = 8  # categories shown, the most frequent ones
WORST = 8


@dataclass(frozen=True)
class Mistake:
    """A test row with its prediction, and what it is by the columns that count most."""

    row: int
    actual: Any
    predicted: Any
    detail: str
    columns: dict[str, Any]


def predicted_against_actual(networks: list[Network], output: Output) -> list[str]:
    """Draw for each network how many test rows have which true and which predicted value."""
    values = np.concatenate([n.predictions[["actual", "predicted"]].to_numpy() for n in networks])
    low, high = np.quantile(values, [0.001, 0.999])
    return [one_against_the_other(network, output, low, high) for network in networks]


def one_against_the_other(network: Network, output: Output, low: float, high: float) -> str:
    edges = np.linspace(low, high, BINS + 1)
    clipped = network.predictions[["actual", "predicted"]].clip(low, high)
    counts, _, _ = np.histogram2d(clipped["actual"], clipped["predicted"], [edges, edges])
    x, y = np.nonzero(counts)
    cells = pd.DataFrame({"x": edges[x], "y": edges[y], "rows": counts[x, y].astype(int)})
    cells["x2"], cells["y2"] = edges[x + 1], edges[y + 1]
    cells["text"] = [
        f"{c.rows:,} rows: true {c.x:.4g} to {c.x2:.4g}, predicted {c.y:.4g} to {c.y2:.4g}"
        for c in cells.itertuples()
    ]
    scale = alt.Scale(domain=[low, high], nice=False)
    heat = (
        alt.Chart(cells)
        .mark_rect()
        .encode(
            alt.X("x:Q", title=f"true {output.column}{in_parentheses(output.unit)}").scale(scale),
            alt.X2("x2"),
            alt.Y("y:Q", title=f"predicted{in_parentheses(output.unit)}").scale(scale),
            alt.Y2("y2"),
            alt.Color("rows:Q", title="rows").scale(type="log", scheme="viridis"),
            description="text:N",
        )
    )
    return svg(heat + diagonal(low, high), network.name, height=300)


def residuals(network: Network, output: Output) -> str:
    """Draw how predictions are off by what they are: median and the middle 80 % of rows."""
    table = network.predictions
    errors = table["predicted"] - table["actual"]
    group = pd.qcut(table["predicted"], GROUPS, labels=False, duplicates="drop")
    bands = errors.groupby(group).quantile(np.array([0.1, 0.5, 0.9])).unstack()  # noqa: PD010
    bands.columns = pd.Index(["low", "median", "high"])
    bands["predicted"] = table["predicted"].groupby(group).median()
    bands["text"] = [
        f"about {b.predicted:.4g}: off by {b.median:.3g}, most by {b.low:.3g} to {b.high:.3g}"
        for b in bands.itertuples()
    ]
    x = alt.X("predicted:Q", title=f"predicted{in_parentheses(output.unit)}")
    base = alt.Chart(bands.reset_index(drop=True))
    band = base.mark_area(color=GOOD, opacity=0.25).encode(
        x, alt.Y("low:Q", title=f"predicted − true{in_parentheses(output.unit)}"), alt.Y2("high")
    )
    median = base.mark_line(color=GOOD, point=True).encode(x, alt.Y("median:Q"))
    points = base.mark_circle(opacity=0.001, size=200).encode(
        x, alt.Y("median:Q"), description="text:N"
    )
    zero = alt.Chart(pd.DataFrame({"at": [0.0]})).mark_rule(color=MARK).encode(alt.Y("at:Q"))
    return svg(band + zero + median + points, f"{network.name}: residuals by prediction")


def error_by_value(network: Network, column: "pd.Series[Any]", output: Output) -> str:
    """Draw the RMSE by tenths of a feature's values, or by its most frequent categories."""
    table = network.predictions
    groups = grouped(column)
    squares = pd.Series((table["predicted"] - table["actual"]).to_numpy() ** 2)
    found = squares.groupby(groups.to_numpy(), sort=False).agg(["mean", "size"])
    found = found.reindex([name for name in ordered(groups) if name in found.index])
    bars = pd.DataFrame(
        {"value": found.index, "rmse": np.sqrt(found["mean"]), "rows": found["size"]}
    )
    bars["text"] = [
        f"{column.name} {b.value}: RMSE {b.rmse:.3g}, {b.rows:,} rows" for b in bars.itertuples()
    ]
    every = float(np.sqrt(squares.mean()))
    base = alt.Chart(bars)
    drawn = base.mark_bar(color=GOOD).encode(
        alt.X("value:N", title=str(column.name), sort=None).axis(labelAngle=-40, labelLimit=90),
        alt.Y("rmse:Q", title=f"RMSE{in_parentheses(output.unit)}"),
        description="text:N",
    )
    whole = (
        alt.Chart(pd.DataFrame({"at": [every]}))
        .mark_rule(color=BAD, strokeDash=[4, 4])
        .encode(alt.Y("at:Q"))
    )
    return svg(drawn + whole, f"{network.name}: error by {column.name}", height=HEIGHT - 40)


def grouped(column: "pd.Series[Any]") -> "pd.Series[Any]":
    """Return for each row the tenth of the values, or the category, that it is in."""
    numeric = pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)
    if numeric and column.nunique() > QUANTILES:
        cut = pd.qcut(column, QUANTILES, duplicates="drop", precision=6)
        low = column.min()  # the first interval begins a little below
        names = {i: f"{max(i.left, low):.4g} – {i.right:.4g}" for i in cut.cat.categories}
        return cut.map(names).astype(object).fillna("missing")
    texts = column.astype(object).where(column.notna(), "missing").astype(str)
    frequent = texts.value_counts().index[:MOST]
    return texts.where(texts.isin(frequent), "other")


def ordered(groups: "pd.Series[Any]") -> list[str]:
    """Return groups by size, or numbers from low to high and then what is none."""
    names = list(groups.value_counts().index)
    low = {name: pd.to_numeric(name.split(" – ")[0], errors="coerce") for name in names}
    known = [name for name in names if name not in ("missing", "other")]
    if any(np.isnan(low[name]) for name in known):
        return names
    return sorted(known, key=low.__getitem__) + [name for name in names if name not in known]


def worst(network: Network, features: pd.DataFrame) -> list[Mistake]:
    """Return the test rows that a network is most off at, the worst first."""
    table = network.predictions
    errors = table["predicted"] - table["actual"]
    found = errors.abs().sort_values(ascending=False, kind="stable").index[:WORST]
    return [
        Mistake(
            row=int(table["row"][at]),
            actual=float(table["actual"][at]),
            predicted=float(table["predicted"][at]),
            detail=("+" if errors[at] > 0 else "") + format_number(float(errors[at])),
            columns={str(name): features[name].iloc[at] for name in features},
        )
        for at in found
    ]
