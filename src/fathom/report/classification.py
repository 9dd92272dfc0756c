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
from fathom.report.charts import BLUE, GRAY, ORANGE, diagonal, render_svg
from fathom.report.drawing import Drawing
from fathom.report.results import NetworkResults

MANY_CLASSES = 20  # above which counts are not written into cells
MANY_SIZE = 760  # pixels
FAINTEST, STRONGEST = 0.15, 0.65  # opacity, so that text is readable in both themes
MAX_CONFUSIONS = 8
MAX_MISTAKES = 12


def confusion_matrix(network: NetworkResults, output: Output) -> Drawing:
    """Draw the number of test rows by true and predicted class.

    The color shows mistakes, by their share of the true class; correct rows are the majority, and
    would outshine them. Of many classes, only cells with rows are drawn, and larger.
    """
    assert output.classes is not None
    many = len(output.classes) > MANY_CLASSES
    counts = count_pairs(network.predictions)
    counts["text"] = [
        f"true {c.actual}, predicted {c.predicted}: {c.rows:,} rows, {c.share:.1%}"
        for c in counts.itertuples()
    ]
    counts["color"] = np.where(counts["actual"] == counts["predicted"], GRAY, ORANGE)
    # The square root, so that one row in a hundred is seen.
    strength = FAINTEST + (STRONGEST - FAINTEST) * np.sqrt(counts["share"])
    counts["opacity"] = np.where(counts["color"] == GRAY, FAINTEST, strength)
    classes = alt.Scale(domain=output.classes)
    size = 8 if many else 10
    base = alt.Chart(counts).encode(
        alt.X("predicted:N", title="predicted")
        .scale(classes)
        .axis(labelAngle=-90 if many else -40, labelFontSize=size, labelOverlap=False),
        alt.Y("actual:N", title="true").scale(classes).axis(labelFontSize=size, labelOverlap=False),
    )
    heat = base.mark_rect().encode(
        alt.Color("color:N", scale=None),
        alt.Opacity("opacity:Q", scale=None),
        description="text:N",
    )
    if many:
        return render_svg(heat, network.name, width=MANY_SIZE, height=MANY_SIZE)
    return render_svg(heat + base.mark_text(fontSize=10).encode(alt.Text("rows:Q")), network.name)


def count_pairs(predictions: pd.DataFrame) -> pd.DataFrame:
    """Return the number of `rows` of each `actual` and `predicted` class that has any, and their
    `share` of the actual class; the most frequent first.
    """
    counts = predictions.groupby(["actual", "predicted"], observed=True).size()
    pairs = counts.rename("rows").reset_index()
    pairs["share"] = pairs["rows"] / pairs.groupby("actual")["rows"].transform("sum")
    return pairs.sort_values("rows", ascending=False, kind="stable").reset_index(drop=True)


def list_confusions(network: NetworkResults) -> list[dict[Hashable, Any]]:
    """Return the most frequent mistakes: actual and predicted class, rows and share."""
    pairs = count_pairs(network.predictions)
    wrong = pairs[pairs["actual"] != pairs["predicted"]]
    return wrong[:MAX_CONFUSIONS].to_dict("records")


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


def reliability_diagram(network: NetworkResults, output: Output) -> Drawing:
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
    return render_svg(diagonal(0, 1) + circles, network.name)


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
