"""How columns are distributed in each part: whether parts are of the same data."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import vl_convert
from numpy.typing import NDArray

from fathom.artifacts.columns import sort_key
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.files import read_array
from fathom.report.column_summaries import Kind, converted, formats, kind_of, read_columns, roles

# Okabe & Ito's colours, and dashes for those who do not see them.
COLOURS = {"training": "#0072B2", "validation": "#D55E00", "test": "#009E73"}
DASHES = {"training": [1, 0], "validation": [5, 2], "test": [2, 2]}
NAMES = {"train": "training", "valid": "validation", "test": "test"}
CHARTS = 24  # columns that are drawn, at most
SHOWN, SPARED = 10, 2  # categories of one; so few others are drawn, too
ROWS, SEED = 100_000, 42  # that are drawn, of all parts together
BINS = 25
TAIL = 0.005  # of the rows at each end is drawn at the edge
WIDTH, HEIGHT, BAR = 220, 150, 7
INK = "currentColor"

Rows = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class Drawn:
    """Charts as HTML, the columns that they show, how many more there are, and whether the rows
    are a sample.
    """

    html: str
    columns: list[str]
    left_out: int
    sampled: bool


def distributions(dataset: str) -> Drawn:
    """Draw the target and the features of a data set, for each what share of a part is where.

    Raises:
        FathomError: what the stages before should have written is not there.
    """
    schema = Schema.read(dataset)
    folder = paths.split(dataset)
    every = {p: read_array(folder / f"{p}.npy", f"split@{dataset}") for p in paths.SUBSETS}
    rows = sample(every)
    charts: dict[str, alt.Chart] = {}
    left_out = 0
    if schema.kind == "images":
        labels = read_array(paths.raw(dataset) / "labels.npy", f"download@{dataset}")
        names = np.array(schema.classes)
        values = {part: pd.Series(names[labels[at]], dtype="str") for part, at in rows.items()}
        charts[schema.target] = draw(f"{schema.target} (target)", "category", values)
    else:
        known = roles(dataset)
        first = [n for role in ("target", "auxiliary") for n, r in known.items() if r == role]
        given = [n for n, role in known.items() if role in ("number", "category", "date")]
        shown = [*first, *given]
        left_out = len(shown[CHARTS:])
        dates = formats(dataset)
        few = np.concatenate(list(rows.values())) if schema.is_large else None
        for name, column in read_columns(dataset, shown[:CHARTS], few):
            kind = kind_of(column, known[name], schema)
            values = {p: converted(column.loc[pd.Index(at)], kind, dates) for p, at in rows.items()}
            suffix = f" ({known[name]})" if name in first else ""
            charts[name] = draw(f"{name}{suffix}", kind, values)
    drawings = "".join(svg(chart, name) for name, chart in charts.items())
    style = "display:flex;flex-wrap:wrap;align-items:flex-start;gap:1rem"
    return Drawn(
        html=f'{legend()}<div class="multiples" style="{style}">{drawings}</div>',
        columns=list(charts),
        left_out=left_out,
        sampled=any(len(rows[part]) < len(every[part]) for part in rows),
    )


def sample(rows: Rows) -> Rows:
    """Return as many rows of each part as can be drawn, the same ones every time."""
    generator = np.random.default_rng(SEED)
    most = ROWS // len(rows)
    return {
        part: at if len(at) <= most else np.sort(generator.choice(at, most, replace=False))
        for part, at in rows.items()
    }


def draw(title: str, kind: Kind, values: dict[str, pd.Series[Any]]) -> alt.Chart:
    if kind == "category":
        return bars(title, category_shares(values))
    return steps(title, binned_shares(values), kind)


def binned_shares(values: dict[str, pd.Series[Any]]) -> pd.DataFrame:
    """Return what share of a part's values is in each bin, the same bins for all parts.

    Values beyond the outer half per cent are counted in the first and last bin; missing ones not
    at all. Whole numbers in a short range have a bin each.

    Args:
        values: of each part, numbers or dates.

    Returns:
        The columns part, low, high (the bin's edges) and share; of a part without values no row.
    """
    present = {part: column.dropna() for part, column in values.items()}
    pooled = pd.concat(list(present.values()), ignore_index=True)
    if pooled.empty:
        return pd.DataFrame({"part": [], "low": [], "high": [], "share": []})
    is_date = pd.api.types.is_datetime64_any_dtype(pooled)
    numbers = {p: as_float(column) for p, column in present.items()}
    edges = bin_edges(np.concatenate(list(numbers.values())), whole=not is_date)
    tables = []
    for part, of_part in numbers.items():
        if len(of_part):
            counts, _ = np.histogram(np.clip(of_part, edges[0], edges[-1]), edges)
            shares = counts / len(of_part)
            columns = {"low": edges[:-1], "high": edges[1:], "share": shares}
            tables.append(pd.DataFrame({"part": NAMES[part], **columns}))
    table = pd.concat(tables, ignore_index=True)
    if is_date:
        table[["low", "high"]] = table[["low", "high"]].apply(pd.to_datetime, unit="ms")
    return table


def as_float(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return numbers as they are, and dates in milliseconds."""
    if pd.api.types.is_datetime64_any_dtype(column):
        if getattr(column.dt, "tz", None) is not None:
            column = column.dt.tz_convert(None)
        column = column.astype("datetime64[ms]").astype(np.int64)
    return column.to_numpy(np.float64)


def bin_edges(values: NDArray[np.float64], whole: bool) -> NDArray[np.float64]:
    """Return the edges of bins for values without missing ones."""
    low, high = values.min(), values.max()
    if whole and high - low < BINS and (values % 1 == 0).all():
        return np.arange(low - 0.5, high + 1)
    inner = np.quantile(values, [TAIL, 1 - TAIL])
    low, high = inner if inner[0] < inner[1] else (low, high)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def category_shares(values: dict[str, pd.Series[Any]]) -> pd.DataFrame:
    """Return what share of a part's rows has which value: the most frequent ones, and the rest.

    Args:
        values: of each part, texts.

    Returns:
        The columns part, value and share, the values in the order in which they are drawn.
    """
    counts = pd.concat(list(values.values()), ignore_index=True).value_counts()
    every = len(counts) <= SHOWN + SPARED
    frequent = [str(value) for value in (counts.index if every else counts.index[:SHOWN])]
    order = sorted(frequent, key=sort_key) if every else frequent
    rest = f"({len(counts) - len(frequent):,} others)"
    missing = "(missing)"
    tables = []
    for part, column in values.items():
        if len(column):
            named = column.where(column.isin(frequent) | column.isna(), rest).fillna(missing)
            shares = named.value_counts(normalize=True)
            tables.append(
                pd.DataFrame({"part": NAMES[part], "value": shares.index, "share": shares})
            )
    table = pd.concat(tables, ignore_index=True)
    ranks = {value: place for place, value in enumerate([*order, rest, missing])}
    return table.sort_values("value", key=lambda value: value.map(ranks), kind="stable")


def steps(title: str, shares: pd.DataFrame, kind: Kind) -> alt.Chart:
    """Draw shares of bins as an outline for each part."""
    outlines = []
    for part, table in shares.groupby("part", sort=False):
        low, high = list(table["low"]), list(table["high"])
        x = [low[0], *low, high[-1], high[-1]]
        heights = [0.0, *table["share"], table["share"].iloc[-1], 0.0]
        outlines.append(pd.DataFrame({"part": part, "x": x, "share": heights, "at": range(len(x))}))
    points = pd.concat(outlines) if outlines else pd.DataFrame(columns=["part", "x", "share", "at"])
    axis = "x:T" if kind == "date" else "x:Q"
    chart: alt.Chart = (
        alt.Chart(points)
        .mark_line(interpolate="step-after", strokeWidth=1.5)
        .encode(
            alt.X(axis, title=None).axis(tickCount=4).scale(zero=False, nice=False),
            alt.Y("share:Q", title=None).axis(format="~%", tickCount=4),
            alt.Color("part:N", legend=None).scale(scale(COLOURS)),
            alt.StrokeDash("part:N", legend=None).scale(scale(DASHES)),
            alt.Order("at:Q"),
        )
        .properties(width=WIDTH, height=HEIGHT, title=title)
    )
    return chart


def bars(title: str, shares: pd.DataFrame) -> alt.Chart:
    """Draw shares of categories as bars, those of the parts below one another."""
    order = list(dict.fromkeys(shares["value"]))
    height = max(HEIGHT, 50 + len(order) * (len(COLOURS) * BAR + 4))
    chart: alt.Chart = (
        alt.Chart(shares)
        .mark_bar()
        .encode(
            alt.X("share:Q", title=None).axis(format="~%", tickCount=3),
            alt.Y("value:N", title=None, sort=order).axis(labelLimit=80, ticks=False),
            alt.YOffset("part:N", sort=list(COLOURS)),
            alt.Color("part:N", legend=None).scale(scale(COLOURS)),
        )
        .properties(width=WIDTH, height=height, title=title)
    )
    return chart


def scale(values: dict[str, Any]) -> alt.Scale:
    return alt.Scale(domain=list(values), range=list(values.values()))


def legend() -> str:
    """Return HTML that says which line is of which part."""
    parts = []
    for name, colour in COLOURS.items():
        dashes = " ".join(str(length) for length in DASHES[name]) if name != "training" else "none"
        parts.append(
            f'<span style="white-space:nowrap"><svg width="28" height="8" aria-hidden="true" '
            f'style="width:28px;height:8px"><path d="M0 4h28" stroke="{colour}" stroke-width="4" '
            f'stroke-dasharray="{dashes}"/></svg> {name}</span>'
        )
    return f'<p class="legend">{" &ensp; ".join(parts)}</p>'


def svg(chart: alt.Chart, name: str) -> str:
    """Return a chart as SVG of a fixed width, in the page's own colour of text."""
    chart = chart.configure(
        autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        background="transparent",
        font="system-ui, sans-serif",
        padding={"left": 8, "top": 2, "right": 6, "bottom": 2},
    )
    chart = chart.configure_view(stroke=None)
    chart = chart.configure_axis(
        grid=False,
        labelColor=INK,
        labelFontSize=10,
        labelOverlap=True,
        labelSeparation=6,
        domainColor="#888",
        tickColor="#888",
    )
    chart = chart.configure_title(color=INK, anchor="start", fontSize=12, limit=WIDTH - 4)
    drawn: str = vl_convert.vegalite_to_svg(chart.to_dict())
    height = drawn.partition(' height="')[2].partition('"')[0]
    label = f"Shares of each part by {name}"
    # Letters may be wider in the reader's typeface than in the one that labels were measured in.
    style = f"width:{WIDTH}px;height:{height}px;overflow:visible"
    return drawn.replace(
        "<svg ", f'<svg role="img" aria-label="{escape(label)}" style="{style}" ', 1
    )
