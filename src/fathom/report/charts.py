"""Charts as SVG text, drawn by Vega-Lite without a browser or a network.

Text, axes and grid take the colors of the page, which has a light and a dark theme. The page shows
the `description` of the mark under the pointer.
"""

import re

import altair as alt
import pandas as pd
import vl_convert

from fathom.report.results import NetworkResults

# Okabe & Ito's colors, which people with any color vision can tell apart.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#767676"
COLORS = {"training": BLUE, "validation": ORANGE, "test": GREEN}
DASHES = {"training": [1, 0], "validation": [5, 3], "test": [2, 2]}
WIDTH, HEIGHT = 300, 220


def learning_curve(network: NetworkResults) -> str:
    """Draw the training and validation loss of the best run; a line marks its best epoch."""
    history = network.history[network.history["seed"] == network.run["seed"]]
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
    domain = list(names)
    return (
        alt.Color("subset:N", title=None).scale(domain=domain, range=[COLORS[n] for n in names]),
        alt.StrokeDash("subset:N", title=None).scale(
            domain=domain, range=[DASHES[n] for n in names]
        ),
    )


def diagonal(low: float, high: float) -> alt.Chart:
    """Draw where both axes have the same value."""
    line: alt.Chart = (
        alt.Chart(pd.DataFrame({"at": [low, high]}))
        .mark_line(color=GRAY, strokeDash=[4, 4])
        .encode(alt.X("at:Q"), alt.Y("at:Q"))
    )
    return line


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
    svg = vl_convert.vegalite_to_svg(chart.to_dict())
    size = re.compile(r'(<svg [^>]*?) width="(\d+)" height="\d+"')
    return size.sub(r'\1 style="max-width:\2px"', svg, count=1)
