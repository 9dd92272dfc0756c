"""Errors of networks that predict classes."""

from collections.abc import Hashable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Output
from fathom.evaluate.calibration import reliability_bins
from fathom.evaluate.formatting import format_share
from fathom.report.charts import BLUE, diagonal, render_svg
from fathom.report.results import NetworkResults

DARK = 0.75  # share whose color is too dark for black text
MAX_MISTAKES = 12


def confusion_matrix(network: NetworkResults, output: Output) -> str:
    """Draw the number of test rows by true and predicted class."""
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
        f"true {c.actual}, predicted {c.predicted}: {c.rows:,} rows, {c.share:.1%}"
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
    marks = base.transform_filter("datum.rows > 0").mark_text(fontSize=10)
    text = marks.encode(
        alt.Text("rows:Q"),
        color=alt.condition(f"datum.share > {DARK}", alt.value("white"), alt.value("black")),
    )
    return render_svg(heat + text, network.name, height=300)


def class_metrics(network: NetworkResults, output: Output) -> list[dict[Hashable, Any]]:
    """Return name, precision, recall, F1 and number of test rows of every class. 0 / 0 is 0."""
    assert output.classes is not None
    actual, predictions = network.predictions["actual"], network.predictions["predicted"]
    rows, predicted, correct = (
        labels.value_counts().reindex(output.classes, fill_value=0)
        for labels in (actual, predictions, actual[actual == predictions])
    )
    metrics = {
        "precision": correct / predicted.clip(lower=1),
        "recall": correct / rows.clip(lower=1),
        "f1": 2 * correct / (rows + predicted).clip(lower=1),
        "rows": rows,
    }
    return pd.DataFrame(metrics).rename_axis("name").reset_index().to_dict("records")


def reliability_diagram(network: NetworkResults, output: Output) -> str:
    """Draw accuracy by predicted probability: a calibrated network is on the diagonal."""
    right = (network.predictions["actual"] == network.predictions["predicted"]).to_numpy()
    bins = reliability_bins(probabilities(network, output).max(axis=1), right)
    bins["text"] = [
        f"{b.rows:,} rows: mean probability {b.confidence:.1%}, accuracy {b.accuracy:.1%}"
        for b in bins.itertuples()
    ]
    zero_to_one = alt.Scale(domain=[0, 1])
    points = alt.Chart(bins).encode(
        alt.X("confidence:Q", title="mean predicted probability").scale(zero_to_one),
        alt.Y("accuracy:Q", title="accuracy").scale(zero_to_one),
        alt.Size("rows:Q", title="rows").scale(type="log", range=[20, 400]).legend(None),
        description="text:N",
    )
    circles = points.mark_circle(color=BLUE, opacity=0.9)
    return render_svg(diagonal(0, 1) + circles, network.name, height=300)


def most_confident_errors(
    network: NetworkResults, output: Output
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the places of the most probable wrong classes, and their probabilities."""
    table = network.predictions
    confidence = probabilities(network, output).max(axis=1)
    wrong = np.flatnonzero((table["actual"] != table["predicted"]).to_numpy())
    places = wrong[np.argsort(-confidence[wrong], kind="stable")][:MAX_MISTAKES]
    return places, [format_share(float(share)) for share in confidence[places]]


def probabilities(network: NetworkResults, output: Output) -> NDArray[np.float64]:
    """Return the predicted probabilities of test rows, of shape (rows, classes)."""
    assert output.classes is not None
    return network.predictions[[f"probability_{name}" for name in output.classes]].to_numpy()
