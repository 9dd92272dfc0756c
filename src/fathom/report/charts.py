"""Charts as SVG text, drawn by Vega-Lite without a browser or a network.

What is written on a chart and its axes takes the colours of the page, which has a light and a dark
theme. A mark's `description` is what the page shows when it is pointed at.
"""

import re

import altair as alt
import pandas as pd
import vl_convert

from fathom.report.results import Network

# Okabe & Ito's colours, which people with any colour vision can tell apart.
TRAIN, VALID, BAD, GOOD, MARK = "#0072B2", "#D55E00", "#D55E00", "#0072B2", "#767676"
PARTS = ["training", "validation"]
WIDTH, HEIGHT = 300, 220


def learning_curve(network: Network) -> str:
    """Draw the training and validation loss of the kept run, its kept epoch marked."""
    history = network.history[network.history["seed"] == network.run["seed"]]
    curves = history.melt(
        "epoch", ["loss", "val_loss"], var_name="part", value_name="value"
    ).replace({"loss": "training", "val_loss": "validation"})
    curves["text"] = [
        f"epoch {row.epoch}, {row.part}: {row.value:.4g}" for row in curves.itertuples()
    ]
    base = alt.Chart(curves).encode(
        alt.X("epoch:Q", title="epoch").axis(tickMinStep=1),
        alt.Y("value:Q", title="loss").scale(type="log", nice=False),
        alt.Color("part:N", title=None).scale(domain=PARTS, range=[TRAIN, VALID]),
    )
    lines = base.mark_line().encode(
        alt.StrokeDash("part:N", title=None).scale(domain=PARTS, range=[[1, 0], [5, 3]])
    )
    points = (
        alt.Chart(curves)
        .mark_circle(opacity=0.001, size=60)
        .encode(alt.X("epoch:Q"), alt.Y("value:Q"), description="text:N")
    )
    kept = pd.DataFrame({"epoch": [network.run["kept_epoch"]]})
    rule = alt.Chart(kept).mark_rule(color=MARK).encode(alt.X("epoch:Q"))
    return svg(lines + rule + points, f"{network.name}, epoch {network.run['kept_epoch']} kept")


def diagonal(low: float, high: float) -> alt.Chart:
    """Draw where both axes have the same value."""
    line: alt.Chart = (
        alt.Chart(pd.DataFrame({"at": [low, high]}))
        .mark_line(color=MARK, strokeDash=[4, 4])
        .encode(alt.X("at:Q"), alt.Y("at:Q"))
    )
    return line


def in_parentheses(unit: str | None) -> str:
    """Return what comes behind a name to say its unit."""
    return f" ({unit})" if unit else ""


def svg(
    chart: alt.Chart | alt.LayerChart, title: str, width: int = WIDTH, height: int = HEIGHT
) -> str:
    """Draw a chart; the drawing takes the width that the page gives it."""
    chart = (
        chart.properties(width=width, height=height, title=title)
        .configure(font="system-ui, sans-serif", background="transparent")
        .configure_view(stroke=None)
        .configure_legend(orient="bottom", title=None)
    )
    drawn = vl_convert.vegalite_to_svg(chart.to_dict())
    size = re.compile(r'(<svg [^>]*?) width="(\d+)" height="\d+"')
    return size.sub(r'\1 style="max-width:\2px"', drawn, count=1)
