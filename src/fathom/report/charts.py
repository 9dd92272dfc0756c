"""Charts as SVG text, drawn by Vega-Lite without a browser or a network.

Text, axes and grid take the colors of the page, which has a light and a dark theme. The page shows
the `description` of the mark under the pointer.
"""

import hashlib
import re
from typing import Any

import altair as alt
import pandas as pd
import vl_convert

from fathom.base.blocks import evenly_spaced
from fathom.report.drawing import Drawing
from fathom.report.results import NetworkResults

# Okabe & Ito's colors, which people with any color vision can tell apart.
BLUE, ORANGE, GREEN, GRAY = "#0072B2", "#D55E00", "#009E73", "#767676"
COLORS = {"training": BLUE, "validation": ORANGE, "test": GREEN}
DASHES = {"training": [1, 0], "validation": [5, 3], "test": [2, 2]}
WIDTH, HEIGHT = 360, 270  # of a chart with its axes, title and legend
MAX_EPOCHS = 1000  # evenly spaced, of a learning curve
GRADIENT = re.compile(r'(id="|url\(#)gradient_\d+')


def learning_curve(network: NetworkResults) -> Drawing:
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


def horizontal(at: float, **mark: Any) -> alt.Chart:
    """Draw a line at a value of the vertical axis."""
    rule: alt.Chart = alt.Chart(pd.DataFrame({"at": [at]})).mark_rule(**mark).encode(alt.Y("at:Q"))
    return rule


def draw_bars(bars: pd.DataFrame, *channels: Any, title: str | list[str]) -> Drawing:
    """Draw a bar for each row of a table; its column `text` describes them."""
    chart = alt.Chart(bars).mark_bar(color=BLUE).encode(*channels, description="text:N")
    return render_svg(chart, title)


def unit_suffix(unit: str | None) -> str:
    return f" ({unit})" if unit else ""


def render_svg(
    chart: alt.Chart | alt.LayerChart,
    title: str | list[str],
    width: int = WIDTH,
    height: int = HEIGHT,
) -> Drawing:
    """Render a chart; with its axes, title and legend it has this size, and scales with the page.

    Charts of one size have fonts of one size. Of several lines of the title, all but the first are
    smaller.
    """
    lines = [title] if isinstance(title, str) else title
    chart = (
        chart.properties(
            width=width,
            height=height,
            title=alt.Title(
                lines[0], fontSize=13, limit=width, subtitle=lines[1:], subtitleColor=GRAY
            ),
            autosize=alt.AutoSizeParams(type="fit", contains="padding"),
        )
        .configure(font="system-ui, sans-serif", background="transparent")
        .configure_view(stroke=None)
        .configure_legend(orient="bottom", title=None)
    )
    with alt.data_transformers.disable_max_rows():  # 5,000, which 1,000 trials exceed
        svg = vl_convert.vegalite_to_svg(chart.to_dict())
    # Vega numbers the gradients of a process. A chart has at most one, the colors of its legend.
    digest = hashlib.sha256(GRADIENT.sub("", svg).encode()).hexdigest()[:8]
    svg = GRADIENT.sub(rf"\1gradient_{digest}", svg)
    size = re.compile(r'(<svg [^>]*?) width="\d+" height="\d+"')
    return Drawing(size.sub(r"\1", svg, count=1))
