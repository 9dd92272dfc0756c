"""Charts as SVG text, drawn by Vega-Lite without a browser or a network.

Text, axes and grid take the colors of the page, which has a light and a dark theme. The page shows
the `description` of the mark under the pointer.
"""

import hashlib
import re
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from fathom.base.blocks import evenly_spaced
from fathom.report.results import NetworkResults

# Okabe & Ito's colors, which people with any color vision can tell apart.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#767676"
COLORS = {"training": BLUE, "validation": ORANGE, "test": GREEN}
DASHES = {"training": [1, 0], "validation": [5, 3], "test": [2, 2]}
WIDTH, HEIGHT = 300, 220
MAX_EPOCHS = 1000  # evenly spaced, of a learning curve
MAX_COLUMNS = 12  # with Shapley values
BAR_HEIGHT = 22  # pixels
GRADIENT = re.compile(r'(id="|url\(#)gradient_\d+')


def learning_curve(network: NetworkResults) -> str:
    """Draw the training and validation loss of the best run; a line marks its best epoch."""
    history = network.history[network.history["seed"] == network.run["seed"]]
    history = history.iloc[evenly_spaced(len(history), MAX_EPOCHS)]
    losses = history.rename(columns={"loss": "training", "val_loss": "validation"})
    curves = losses.melt("epoch", ["training", "validation"], var_name="subset", value_name="loss")
    curves["text"] = [f"epoch {c.epoch}, {c.subset}: {c.loss:.4g}" for c in curves.itertuples()]
    base = alt.Chart(curves).encode(
        alt.X("epoch:Q", title="epoch").axis(tickMinStep=1),
        alt.Y("loss:Q", title="loss").scale(type="log", nice=False),
    )
    lines = base.mark_line().encode(*encode_subsets("training", "validation"))
    points = base.mark_circle(opacity=0.001, size=60).encode(description="text:N")
    best = pd.DataFrame({"epoch": [network.run["kept_epoch"]]})
    rule = alt.Chart(best).mark_rule(color=GRAY).encode(alt.X("epoch:Q"))
    title = f"{network.name}, best epoch: {network.run['kept_epoch']}"
    return render_svg(lines + rule + points, title)


def encode_subsets(*names: str) -> tuple[alt.Color, alt.StrokeDash]:
    """Return the color and the dashes of each set, which the column `subset` names."""
    colors, dashes = ([of_subset[name] for name in names] for of_subset in (COLORS, DASHES))
    return (
        alt.Color("subset:N", title=None).scale(domain=list(names), range=colors),
        alt.StrokeDash("subset:N", title=None).scale(domain=list(names), range=dashes),
    )


def diagonal(low: float, high: float) -> alt.Chart:
    """Draw where both axes have the same value."""
    marks = alt.Chart(pd.DataFrame({"at": [low, high]})).mark_line(color=GRAY, strokeDash=[4, 4])
    line: alt.Chart = marks.encode(alt.X("at:Q"), alt.Y("at:Q"))
    return line


def shapley_charts(explanation: dict[str, Any]) -> list[str]:
    """Draw the importance of each column, and its contributions to a few predictions."""
    bars = pd.DataFrame(explanation["importance"][:MAX_COLUMNS])
    unit = unit_suffix(explanation["unit"])
    bars["text"] = [f"{b.column}: {b.mean_absolute:.3g}{unit}" for b in bars.itertuples()]
    x = alt.X("mean_absolute:Q", title=f"mean |Shapley value|{unit}").axis(tickCount=5)
    y, height = alt.Y("column:N", title=None, sort=None), BAR_HEIGHT * len(bars)
    charts = [draw_bars(bars, x, y, title="Importance of columns", height=height)]
    x = alt.X("contribution:Q", title=f"Shapley value{unit}").axis(tickCount=5)
    y = alt.Y("label:N", title=None, sort=None).axis(labelLimit=160)
    for example in explanation["examples"]:
        bars = pd.DataFrame(example["contributions"][:MAX_COLUMNS])
        bars["label"] = [f"{b.column} = {b.value}" for b in bars.itertuples()]
        bars["text"] = [f"{b.label}: {b.contribution:+.3g}" for b in bars.itertuples()]
        bars["color"] = np.where(bars["contribution"] >= 0, BLUE, ORANGE)
        color = alt.Color("color:N", scale=None)
        title = f"Row {example['row']}: predicted {example['predicted']:.4g}"
        charts.append(draw_bars(bars, x, y, color, title=title, height=BAR_HEIGHT * len(bars)))
    return charts


def draw_bars(bars: pd.DataFrame, *channels: Any, title: str, height: int = HEIGHT) -> str:
    """Draw a bar for each row of a table; its column `text` describes them."""
    chart = alt.Chart(bars).mark_bar(color=BLUE).encode(*channels, description="text:N")
    return render_svg(chart, title, height=height)


def unit_suffix(unit: str | None) -> str:
    return f" ({unit})" if unit else ""


def render_svg(
    chart: alt.Chart | alt.LayerChart, title: str, width: int = WIDTH, height: int = HEIGHT
) -> str:
    """Render a chart; it is at most `width` pixels wide and shrinks with the page."""
    chart = (
        chart.properties(width=width, height=height, title=title)
        .configure(font="system-ui, sans-serif", background="transparent")
        .configure_view(stroke=None)
        .configure_legend(orient="bottom", title=None)
    )
    with alt.data_transformers.disable_max_rows():  # 5,000, which 71 classes or 1,000 trials exceed
        svg = vl_convert.vegalite_to_svg(chart.to_dict())
    # Vega numbers the gradients of a process. A chart has at most one, the colors of its legend.
    digest = hashlib.sha256(GRADIENT.sub("", svg).encode()).hexdigest()[:8]
    svg = GRADIENT.sub(rf"\1gradient_{digest}", svg)
    size = re.compile(r'(<svg [^>]*?) width="(\d+)" height="\d+"')
    return size.sub(r'\1 style="max-width:\2px"', svg, count=1)
