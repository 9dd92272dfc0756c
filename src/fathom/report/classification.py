"""Where networks err that predict classes."""

from dataclasses import dataclass

import altair as alt
import numpy as np
import pandas as pd
from sklearn.metrics import precision_recall_fscore_support

from fathom.artifacts.problem import Output
from fathom.evaluate.calibration import reliability_bins
from fathom.evaluate.formatting import format_share
from fathom.report.charts import GOOD, diagonal, svg
from fathom.report.regression import Mistake
from fathom.report.results import Network

DARK = 0.75  # a share from which on black is hard to read on its colour
MISTAKES = 12


@dataclass(frozen=True)
class ClassFigures:
    """How a class is found: `rows` are those of the test part that are of it."""

    name: str
    precision: float
    recall: float
    f1: float
    rows: int


def confusion_matrix(network: Network, output: Output) -> str:
    """Draw how many test rows of a class went to which class."""
    counts = (
        pd.crosstab(network.predictions["actual"], network.predictions["predicted"])
        .reindex(index=output.classes, columns=output.classes, fill_value=0)
        .rename_axis(index="actual", columns="predicted")
        .reset_index()
        .melt("actual", value_name="rows")
    )
    total = counts.groupby("actual")["rows"].transform("sum").clip(lower=1)
    counts["share"] = counts["rows"] / total
    counts["text"] = [
        f"{c.rows:,} rows of {c.actual} taken for {c.predicted}, {c.share:.1%}"
        for c in counts.itertuples()
    ]
    base = alt.Chart(counts).encode(
        alt.X("predicted:N", title="predicted", sort=output.classes).axis(labelAngle=-40),
        alt.Y("actual:N", title="true", sort=output.classes),
    )
    heat = base.mark_rect().encode(
        alt.Color("share:Q", title="share").scale(scheme="blues", domain=[0, 1]),
        description="text:N",
    )
    text = (
        base.transform_filter("datum.rows > 0")
        .mark_text(fontSize=10)
        .encode(
            alt.Text("rows:Q"),
            color=alt.condition(f"datum.share > {DARK}", alt.value("white"), alt.value("black")),
        )
    )
    return svg(heat + text, network.name, height=300)


def class_figures(network: Network, output: Output) -> list[ClassFigures]:
    """Return precision, recall and F1 of every class."""
    assert output.classes is not None
    found = precision_recall_fscore_support(
        network.predictions["actual"],
        network.predictions["predicted"],
        labels=output.classes,
        zero_division=0,
    )
    return [
        ClassFigures(name, float(p), float(r), float(f), int(n))
        for name, p, r, f, n in zip(output.classes, *found, strict=True)
    ]


def probabilities(network: Network, output: Output) -> np.ndarray:
    """Return the predicted probabilities of the test part, of shape (rows, classes)."""
    assert output.classes is not None
    return network.predictions[[f"probability_{name}" for name in output.classes]].to_numpy()


def reliability_diagram(network: Network, output: Output) -> str:
    """Draw how often the network is right when it is so sure: on the diagonal it is calibrated."""
    table = network.predictions
    right = (table["actual"] == table["predicted"]).to_numpy()
    bins = reliability_bins(probabilities(network, output).max(axis=1), right)
    bins["text"] = [
        f"{b.rows:,} rows: sure to {b.confidence:.1%}, right in {b.accuracy:.1%}"
        for b in bins.itertuples()
    ]
    points = (
        alt.Chart(bins)
        .mark_circle(color=GOOD, opacity=0.9)
        .encode(
            alt.X("confidence:Q", title="mean probability of the predicted class").scale(
                domain=[0, 1]
            ),
            alt.Y("accuracy:Q", title="share that is right").scale(domain=[0, 1]),
            alt.Size("rows:Q", title="rows").scale(type="log", range=[20, 400]).legend(None),
            description="text:N",
        )
    )
    return svg(diagonal(0, 1) + points, network.name, height=300)


def most_confident(network: Network, output: Output, features: pd.DataFrame) -> list[Mistake]:
    """Return the test rows that went to a wrong class with the highest probability."""
    table = network.predictions
    sure = probabilities(network, output).max(axis=1)
    wrong = np.flatnonzero((table["actual"] != table["predicted"]).to_numpy())
    found = wrong[np.argsort(-sure[wrong], kind="stable")][:MISTAKES]
    return [
        Mistake(
            row=int(table["row"][at]),
            actual=table["actual"][at],
            predicted=table["predicted"][at],
            detail=format_share(float(sure[at])),
            columns={str(name): features[name].iloc[at] for name in features},
        )
        for at in found
    ]
