"""How columns are distributed in each set: the sets should look alike."""

from __future__ import annotations

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import sort_key
from fathom.artifacts.schema import Schema
from fathom.artifacts.split_rows import read_split
from fathom.evaluate.formatting import SUBSET_LABELS
from fathom.report.charts import WIDTH, draw_bars, encode_subsets, render_svg
from fathom.report.column_summaries import column_roles, read_columns
from fathom.report.drawing import Drawing

MAX_CHARTS = 24
MAX_CATEGORIES, MAX_OTHERS = 10, 2  # so few other categories are drawn, too
MAX_ROWS, SEED = 100_000, 42  # drawn rows of all sets together
BINS = 25
TAIL = 0.005  # of the rows at each end is drawn at the edge
SUBSETS = ("training", "validation", "test")


def draw_distributions(dataset: str) -> dict[str, Any]:
    """Draw for the target and the features of a table what share of each set has which value.

    Returns `charts` by column, how many columns are `left_out`, and if rows are `sampled`.
    """
    subsets = read_split(dataset)
    rows = sample_rows(subsets)
    roles = {name: role for name, role in column_roles(dataset).items() if role != "excluded"}
    order = {"target": 0, "auxiliary": 1}
    names = sorted(roles, key=lambda name: order.get(roles[name], len(order)))
    drawn = {name: roles[name] for name in names[:MAX_CHARTS]}
    needed = np.concatenate(list(rows.values())) if Schema.read(dataset).is_large else None
    charts = {}
    for column in read_columns(dataset, drawn, needed):
        values = {subset: column.content.loc[pd.Index(at)] for subset, at in rows.items()}
        title = f"{column.name} ({column.role})" if column.role in order else column.name
        if column.kind == "category":
            charts[column.name] = draw_categories(title, category_shares(values))
        else:
            charts[column.name] = draw_steps(title, bin_shares(values))
    return {
        "charts": charts,
        "left_out": len(names) - len(charts),
        "sampled": any(len(rows[subset]) < len(subsets[subset]) for subset in rows),
    }


def sample_rows(subsets: dict[str, NDArray[np.int64]]) -> dict[str, NDArray[np.int64]]:
    """Return up to MAX_ROWS rows of all sets together, the same ones every time."""
    generator = np.random.default_rng(SEED)
    most = MAX_ROWS // len(subsets)
    return {
        subset: rows if len(rows) <= most else np.sort(generator.choice(rows, most, replace=False))
        for subset, rows in subsets.items()
    }


def bin_shares(values: dict[str, pd.Series[Any]]) -> pd.DataFrame:
    """Return what share of each set's values is in each bin.

    Values beyond the outer half per cent count in the first and last bin, missing values nowhere.
    Whole numbers in a short range have a bin each.

    Returns the columns subset, low, high (the bin's edges) and share.
    """
    is_date = pd.api.types.is_datetime64_any_dtype(values["train"])
    convert = to_milliseconds if is_date else np.asarray
    numbers = {subset: convert(column.dropna()) for subset, column in values.items()}
    edges = bin_edges(np.concatenate(list(numbers.values())), whole=not is_date)
    tables = []
    for subset, of_subset in numbers.items():
        counts, _ = np.histogram(np.clip(of_subset, edges[0], edges[-1]), edges)
        columns = {"low": edges[:-1], "high": edges[1:], "share": counts / max(len(of_subset), 1)}
        tables.append(pd.DataFrame({"subset": SUBSET_LABELS[subset], **columns}))
    table = pd.concat(tables, ignore_index=True)
    if is_date:
        table[["low", "high"]] = table[["low", "high"]].apply(pd.to_datetime, unit="ms")
    return table


def to_milliseconds(dates: pd.Series[Any]) -> NDArray[np.float64]:
    utc = pd.to_datetime(dates, utc=True).astype("datetime64[ms, UTC]")
    return np.asarray(utc.astype(np.int64), np.float64)


def bin_edges(values: NDArray[np.float64], whole: bool) -> NDArray[np.float64]:
    """Return the edges of bins for values without missing ones."""
    if not len(values):
        return np.array([0.0, 1.0])
    low, high = values.min(), values.max()
    if whole and high - low < BINS and (values % 1 == 0).all():
        return np.arange(low - 0.5, high + 1)
    inner = np.quantile(values, [TAIL, 1 - TAIL])
    low, high = inner if inner[0] < inner[1] else (low, high)
    if low == high:
        low, high = low - 0.5, high + 0.5
    return np.linspace(low, high, BINS + 1)


def category_shares(values: dict[str, pd.Series[Any]]) -> pd.DataFrame:
    """Return what share of each set's rows has which value: the most frequent ones, and the rest.

    Returns the columns subset, value and share, the values in the order in which they are drawn.
    """
    counts = pd.concat(list(values.values()), ignore_index=True).value_counts()
    is_short = len(counts) <= MAX_CATEGORIES + MAX_OTHERS
    frequent = [str(value) for value in (counts if is_short else counts[:MAX_CATEGORIES]).index]
    rest, missing = f"({len(counts) - len(frequent):,} others)", "(missing)"
    tables = []
    for subset, column in values.items():
        if len(column):
            named = column.where(column.isin(frequent) | column.isna(), rest).fillna(missing)
            shares = named.value_counts(normalize=True)
            columns = {"value": shares.index, "share": shares}
            tables.append(pd.DataFrame({"subset": SUBSET_LABELS[subset], **columns}))
    order = [*(sorted(frequent, key=sort_key) if is_short else frequent), rest, missing]
    return pd.concat(tables, ignore_index=True).sort_values(
        "value", key=lambda value: value.map(order.index), kind="stable"
    )


def draw_steps(title: str, shares: pd.DataFrame) -> Drawing:
    """Draw shares of bins as one outline for each set."""
    outlines = []
    for subset, bins in shares.groupby("subset", sort=False):
        edges = [bins["low"].iloc[0], *bins["low"], bins["high"].iloc[-1]]
        outline = {"subset": subset, "x": edges, "share": [0, *bins["share"], 0]}
        outlines.append(pd.DataFrame(outline))
    points = pd.concat(outlines).reset_index(names="place")
    is_date = pd.api.types.is_datetime64_any_dtype(shares["low"])
    x = alt.X("x:T" if is_date else "x:Q", title=None).scale(zero=False, nice=False)
    chart = alt.Chart(points).encode(
        x.axis(tickCount=4),
        alt.Y("share:Q", title=None).axis(format="~%", tickCount=4),
        *encode_subsets(*SUBSETS),
        order="place:Q",
        description="subset:N",
    )
    steps = chart.mark_line(interpolate="step-after", strokeWidth=1.5)
    return render_svg(steps, title)


def draw_categories(title: str, shares: pd.DataFrame) -> Drawing:
    """Draw shares of categories as bars, one below the other for the sets."""
    order = list(dict.fromkeys(shares["value"]))
    shares["text"] = [f"{s.value}, {s.subset}: {s.share:.1%}" for s in shares.itertuples()]
    color, _ = encode_subsets(*SUBSETS)
    x = alt.X("share:Q", title=None).axis(format="~%", tickCount=3)
    y = alt.Y("value:N", title=None, sort=order).axis(labelLimit=WIDTH // 3, ticks=False)
    offset = alt.YOffset("subset:N", sort=list(SUBSETS))
    return draw_bars(shares, x, y, offset, color, title=title)
