"""Two classes: what a threshold of the probability costs, and ROC and precision-recall curves."""

from typing import Any

import altair as alt
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Problem
from fathom.artifacts.scalers import Floats
from fathom.report.charts import BLUE, GRAY, ORANGE, diagonal, horizontal, render_svg
from fathom.report.classification import probabilities
from fathom.report.digits import format_rounded
from fathom.report.drawing import Drawing
from fathom.report.results import NetworkResults

MAX_THRESHOLDS = 100
RATIOS = (0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0)  # of the costs

Bools = NDArray[np.bool_]


def describe_decision(network: NetworkResults, problem: Problem) -> dict[str, Any] | None:
    """Return for several ratios of costs the threshold that is the cheapest on the validation set,
    and what it does on the test set; None unless there are two classes in both sets.
    """
    classes = problem.main.classes
    if classes is None or len(classes) != 2:
        return None
    held_out = Predictions.read(problem, network.name).held_out_sample()
    valid = np.asarray(held_out[0]) == 1, np.asarray(held_out[1][:, 1], np.float64)
    test = (
        (network.predictions["actual"] == classes[1]).to_numpy(),
        probabilities(network, problem.main)[:, 1],
    )
    if any(actual.all() or not actual.any() for actual, _ in (valid, test)):
        return None
    thresholds = choose_thresholds(valid[1])
    places = [cheapest(*valid, thresholds, ratio) for ratio in RATIOS]
    points = curve_points(*test, thresholds)
    from sklearn.metrics import average_precision_score, roc_auc_score  # slow to import

    return {
        "positive": classes[1],
        "negative": classes[0],
        "roc_auc": float(roc_auc_score(*test)),
        "average_precision": float(average_precision_score(*test)),
        "default": RATIOS.index(1.0),
        "choices": [
            {"ratio": ratio, "place": place} | outcomes(*test, float(thresholds[place]), ratio)
            for ratio, place in zip(RATIOS, places, strict=True)
        ],
        "charts": draw_curves(points, float(test[0].mean())),
    }


def choose_thresholds(probability: Floats) -> Floats:
    """Return thresholds at evenly spaced ranks of probabilities, with 0.5, in rising order."""
    ranks = np.quantile(probability, np.linspace(0, 1, MAX_THRESHOLDS), method="nearest")
    return np.unique(np.append(ranks, 0.5))


def cheapest(actual: Bools, probability: Floats, thresholds: Floats, ratio: float) -> int:
    """Return the place of the cheapest threshold, if a miss costs `ratio` times a false alarm; of
    equal ones the nearest to 0.5.
    """
    costs = [cost(actual, probability, threshold, ratio) for threshold in thresholds]
    best = np.flatnonzero(np.isclose(costs, min(costs)))
    return int(best[np.abs(thresholds[best] - 0.5).argmin()])


def cost(actual: Bools, probability: Floats, threshold: float, ratio: float) -> float:
    called = probability >= threshold
    return float(ratio * (actual & ~called).mean() + (~actual & called).mean())


def outcomes(
    actual: Bools, probability: Floats, threshold: float, ratio: float
) -> dict[str, float | int]:
    """Return what happens to 1,000 test rows at a threshold, and its cost relative to 0.5's."""
    called = probability >= threshold
    usual = cost(actual, probability, 0.5, ratio)
    return {
        "threshold": threshold,
        "caught": round(1000 * float((actual & called).mean())),
        "missed": round(1000 * float((actual & ~called).mean())),
        "false_alarms": round(1000 * float((~actual & called).mean())),
        "relative_cost": cost(actual, probability, threshold, ratio) / usual if usual else 1.0,
    }


def curve_points(actual: Bools, probability: Floats, thresholds: Floats) -> pd.DataFrame:
    """Return recall, precision and false alarms of the test set by threshold."""
    lines = []
    for threshold in thresholds:
        called = probability >= threshold
        caught = float((actual & called).sum())
        lines.append(
            {
                "threshold": threshold,
                "recall": caught / actual.sum(),
                "false_alarms": float((~actual & called).sum() / (~actual).sum()),
                "precision": caught / called.sum() if called.any() else 1.0,
            }
        )
    points = pd.DataFrame(lines)
    points["text"] = [
        f"from probability {format_rounded(p.threshold)}: recall {p.recall:.3f}, precision "
        f"{p.precision:.3f}, false alarms {p.false_alarms:.3f}"
        for p in points.itertuples()
    ]
    return points


def draw_curves(points: pd.DataFrame, share: float) -> list[Drawing]:
    """Draw both curves, with a circle for each threshold: the page shows that of the choice."""
    whole = alt.Scale(domain=[0, 1])
    ends = pd.DataFrame({"recall": [1.0, 0.0], "false_alarms": [1.0, 0.0]})
    roc_line = pd.concat([ends[:1], points, ends[1:]]).reset_index(drop=True)
    chance = horizontal(share, color=GRAY, strokeDash=[4, 4])
    charts = []
    for title, x, y, line, reference in (
        ("ROC curve", "false_alarms", "recall", roc_line, diagonal(0, 1)),
        ("Precision and recall", "recall", "precision", points, chance),
    ):
        label = {"false_alarms": "false alarms (share of negatives)"}
        channels = (
            alt.X(f"{x}:Q", title=label.get(x, x)).scale(whole),
            alt.Y(f"{y}:Q", title=label.get(y, y)).scale(whole),
        )
        curve = alt.Chart(line.reset_index(names="place")).mark_line(color=BLUE)
        circles = alt.Chart(points).mark_circle(color=ORANGE, opacity=0.01, size=120)
        marks = circles.encode(*channels, description="text:N")
        charts.append(
            render_svg(reference + curve.encode(*channels, order="place:Q") + marks, title)
        )
    return charts
