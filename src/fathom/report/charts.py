"""Charts as SVG text, drawn by Vega-Lite without a browser or a network."""

import re
from typing import Literal

import altair as alt
import numpy as np
import pandas as pd
import vl_convert

from fathom.data.schema import Output
from fathom.report.results import Network

# Okabe & Ito's colours, which people with any colour vision can tell apart.
TRAIN, VALID, MARK = "#0072B2", "#D55E00", "#767676"
PARTS = ["training", "validation"]
COLOURS: Literal["blues"] = "blues"
SIDE = 250
BINS = 40


def learning_curves(networks: list[Network]) -> str:
    """Draw the training and validation loss of each network, its kept epoch marked."""
    charts = []
    for network in networks:
        curves = network.history.melt(
            "epoch", ["loss", "val_loss"], var_name="part", value_name="value"
        ).replace({"loss": "training", "val_loss": "validation"})
        lines = (
            alt.Chart(curves)
            .mark_line()
            .encode(
                alt.X("epoch:Q", title="epoch").axis(tickMinStep=1),
                alt.Y("value:Q", title="loss").scale(type="log"),
                alt.Color("part:N", title=None).scale(domain=PARTS, range=[TRAIN, VALID]),
                alt.StrokeDash("part:N", title=None).scale(domain=PARTS, range=[[1, 0], [5, 3]]),
            )
        )
        kept = pd.DataFrame({"epoch": [network.run["kept_epoch"]]})
        rule = alt.Chart(kept).mark_rule(color=MARK).encode(alt.X("epoch:Q"))
        title = f"{network.name}, epoch {network.run['kept_epoch']} kept"
        charts.append((lines + rule).properties(width=SIDE, height=170, title=title))
    return svg(alt.hconcat(*charts))


def predicted_against_actual(networks: list[Network], output: Output) -> str:
    """Draw for each network how many test rows have which true and which predicted value."""
    values = np.concatenate([n.predictions[["actual", "predicted"]].to_numpy() for n in networks])
    low, high = np.quantile(values, [0.001, 0.999])
    edges = np.linspace(low, high, BINS + 1)
    unit = f" ({output.unit})" if output.unit else ""
    diagonal = pd.DataFrame({"actual": [low, high], "predicted": [low, high]})
    charts = []
    for network in networks:
        clipped = network.predictions[["actual", "predicted"]].clip(low, high)
        counts, _, _ = np.histogram2d(clipped["actual"], clipped["predicted"], [edges, edges])
        x, y = np.nonzero(counts)
        cells = pd.DataFrame({"x": edges[x], "y": edges[y], "rows": counts[x, y]})
        cells["x2"], cells["y2"] = edges[x + 1], edges[y + 1]
        scale = alt.Scale(domain=[low, high], nice=False)
        heat = (
            alt.Chart(cells)
            .mark_rect()
            .encode(
                alt.X("x:Q", title=f"true {output.column}{unit}").scale(scale),
                alt.X2("x2"),
                alt.Y("y:Q", title=f"predicted{unit}").scale(scale),
                alt.Y2("y2"),
                alt.Color("rows:Q", title="rows").scale(type="log", scheme=COLOURS),
            )
        )
        line = (
            alt.Chart(diagonal)
            .mark_line(color=MARK, strokeDash=[4, 4])
            .encode(alt.X("actual:Q"), alt.Y("predicted:Q"))
        )
        charts.append((heat + line).properties(width=SIDE, height=SIDE, title=network.name))
    return svg(alt.hconcat(*charts).resolve_scale(color="shared"))


def confusion_matrices(networks: list[Network], output: Output) -> str:
    """Draw for each network how many test rows of a class went to which class."""
    charts = []
    for network in networks:
        counts = (
            pd.crosstab(network.predictions["actual"], network.predictions["predicted"])
            .reindex(index=output.classes, columns=output.classes, fill_value=0)
            .rename_axis(index="actual", columns="predicted")
            .reset_index()
            .melt("actual", value_name="rows")
        )
        total = counts.groupby("actual")["rows"].transform("sum").clip(lower=1)
        counts["share"] = counts["rows"] / total
        base = alt.Chart(counts).encode(
            alt.X("predicted:N", title="predicted", sort=output.classes).axis(labelAngle=0),
            alt.Y("actual:N", title="true", sort=output.classes),
        )
        heat = base.mark_rect().encode(
            alt.Color("share:Q", title="share").scale(scheme=COLOURS, domain=[0, 1])
        )
        text = (
            base.transform_filter("datum.rows > 0")
            .mark_text(fontSize=10)
            .encode(
                alt.Text("rows:Q"),
                color=alt.condition("datum.share > 0.5", alt.value("white"), alt.value("black")),
            )
        )
        charts.append((heat + text).properties(width=SIDE, height=SIDE, title=network.name))
    return svg(alt.hconcat(*charts).resolve_scale(color="shared"))


def svg(chart: alt.HConcatChart) -> str:
    """Draw a chart; the drawing takes the width that the page gives it."""
    chart = chart.configure(font="system-ui, sans-serif", background="white").configure_view(
        stroke=None
    )
    drawn = vl_convert.vegalite_to_svg(chart.to_dict())
    size = re.compile(r'(<svg [^>]*?) width="(\d+)" height="\d+"')
    return size.sub(r'\1 style="max-width:\2px"', drawn, count=1)
