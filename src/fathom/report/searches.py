"""What searches for better settings found, as the page shows it."""

import json
import math
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import numpy as np
import pandas as pd

from fathom.artifacts.problem import Problem
from fathom.artifacts.search_result import SearchResult, TrialResult
from fathom.evaluate.formatting import METRIC_LABELS, format_duration, format_share
from fathom.report.charts import BAD, GOOD, HEIGHT, MARK, in_parentheses, svg

BEST = 10  # trials in the table
FIRST = 0.1  # share of trials that parallel coordinates show in colour
WIDE = 10  # highest over lowest value of an axis that is drawn by logarithms
WORST = 0.9  # quantile of values above which a point is drawn at the edge


def searches(problem: Problem) -> list[dict[str, Any]]:
    """Return what the template shows of each search of a data set."""
    return [lines(found, problem) for found in SearchResult.read_all(problem.dataset)]


def lines(found: SearchResult, problem: Problem) -> dict[str, Any]:
    ranked = found.best_first()
    best = ranked[:BEST]
    metric = METRIC_LABELS[problem.main.task][found.metric]
    decides = f"mean {metric} of {found.cv} folds" if found.cv else f"validation {metric}"
    unit = in_parentheses(problem.main.unit) if found.metric != "accuracy" else ""
    return {
        "found": found,
        "title": f"{found.model}, {found.search}",
        "metric": metric,
        "decides": decides,
        "trials": len(found.trials),
        "early": len(found.trials) - len(ranked),
        "time": format_duration(found.seconds),
        "dimensions": [short(key) for key in found.space],
        "best": [
            [trial.number, trial.value, *(written(trial, key) for key in found.space)]
            for trial in best
        ],
        "compared": found.metrics_by_name(),
        "charts": [
            history(found, f"{decides}{unit}"),
            *([importances(found)] if found.importances else []),
        ],
        "parallel": parallel(found, decides),
        "command": " ".join(["dvc exp run", *(f"-S '{override}'" for override in found.overrides)]),
    }


def short(key: str) -> str:
    """Return a key without what all keys of a network or of the training begin with."""
    return key.removeprefix("model.").removeprefix("train.").removeprefix("optimizer.")


def written(trial: TrialResult, key: str) -> str:
    """Return a value as the table and the axes have it; "" where a condition did not hold."""
    if key not in trial.settings:
        return ""
    return text(trial.settings[key])


def text(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value).replace('"', "")


def history(found: SearchResult, label: str) -> str:
    """Draw the value of each trial in the order of their numbers, and the best so far."""
    sign = -1 if found.higher_is_better else 1
    done = sorted((t for t in found.trials if t.value is not None), key=lambda t: t.number)
    values = np.array([trial.value for trial in done], dtype=float)
    best = sign * np.minimum.accumulate(sign * values)
    edge = sign * float(np.quantile(sign * values, WORST)) if len(values) > BEST else values.max()
    shown = sign * np.minimum(sign * values, sign * edge) if len(values) > BEST else values
    table = pd.DataFrame({"trial": [trial.number for trial in done], "value": shown, "best": best})
    table["text"] = [f"trial {t.number}: {t.value:.4g}" for t in done]
    base = alt.Chart(table)
    x = alt.X("trial:Q", title="trial").axis(tickMinStep=1)
    y = alt.Y("value:Q", title=label).scale(zero=False)
    points = base.mark_circle(color=MARK, size=30).encode(x, y, description="text:N")
    steps = base.mark_line(color=GOOD, interpolate="step-after").encode(x, alt.Y("best:Q"))
    return svg(points + steps, "Each trial, and the best so far")


def importances(found: SearchResult) -> str:
    """Draw which share of the values' variance each key explains."""
    table = pd.DataFrame(
        {
            "key": [short(key) for key in found.importances],
            "share": list(found.importances.values()),
        }
    )
    table["text"] = [f"{short(key)}: {format_share(s)}" for key, s in found.importances.items()]
    bars = (
        alt.Chart(table)
        .mark_bar(color=GOOD)
        .encode(
            alt.X("share:Q", title="share of the variance").axis(format="%"),
            alt.Y("key:N", title=None, sort=None).axis(labelLimit=140),
            description="text:N",
        )
    )
    return svg(bars, "What it depends on")


@dataclass(frozen=True)
class Axis:
    """Where values stand on an axis of length 1: numbers by their size or its logarithm, others one
    above the other.
    """

    values: list[Any]  # lowest and highest number, or all others
    kind: Literal["linear", "log", "others"]

    def place(self, value: Any) -> float:
        if self.kind == "others":
            return (self.values.index(value) + 0.5) / len(self.values)
        low, high = self.values
        if self.kind == "log":
            low, high, value = math.log(low), math.log(high), math.log(value)
        return float((value - low) / (high - low))

    def ticks(self) -> list[tuple[str, float]]:
        return [(text(value), self.place(value)) for value in self.values]


def axis(values: list[Any]) -> Axis:
    """Return the axis of some values; None are none."""
    known = [value for value in values if value is not None]
    distinct = sorted({json.dumps(value): value for value in known}.items())
    numbers = all(type(value) in (int, float) for value in known)
    if numbers and len(distinct) > 1:
        low, high = min(known), max(known)
        return Axis([low, high], "log" if low > 0 and high / low > WIDE else "linear")
    return Axis([value for _, value in distinct], "others")


def parallel(found: SearchResult, decides: str) -> str:
    """Draw each trial as a line from axis to axis; the best tenth in colour, over the others."""
    ranked = found.best_first()
    keys = [key for key in found.space if any(key in trial.settings for trial in ranked)]
    axes = {short(key): axis([t.settings.get(key) for t in ranked]) for key in keys}
    axes[decides] = axis([trial.value for trial in ranked])
    first = max(1, math.ceil(FIRST * len(ranked)))
    points = []
    for rank, trial in enumerate(ranked):
        values = [*(trial.settings.get(key) for key in keys), trial.value]
        for name, value in zip(axes, values, strict=True):
            if value is not None:
                points.append(
                    {
                        "axis": name,
                        "at": axes[name].place(value),
                        "trial": trial.number,
                        "best": rank < first,
                        "text": f"trial {trial.number}: {trial.value:.4g}",
                    }
                )
    ticks = [
        {"axis": name, "at": at, "text": tick}
        for name, one in axes.items()
        for tick, at in one.ticks()
    ]
    x = (
        alt.X("axis:N", title=None, sort=list(axes))
        .axis(
            labelAngle=0, orient="top", domain=False, ticks=False, labelLimit=130, labelPadding=14
        )
        .scale(padding=0.4)
    )
    y = alt.Y("at:Q").axis(None).scale(domain=[0, 1])
    rows = pd.DataFrame(points)
    others, first_ones = (
        alt.Chart(rows[rows["best"] == best])
        .mark_line(color=colour, opacity=opacity, strokeWidth=width)
        .encode(x, y, detail="trial:N", description="text:N")
        for best, colour, opacity, width in ((False, MARK, 0.35, 1), (True, BAD, 0.9, 1.5))
    )
    rules = alt.Chart(pd.DataFrame({"axis": list(axes)})).mark_rule(color=MARK).encode(x)
    texts = (
        alt.Chart(pd.DataFrame(ticks))
        .mark_text(align="left", dx=4, fontSize=10)
        .encode(x, y, text="text:N")
    )
    return svg(rules + others + first_ones + texts, "", width=130 * len(axes), height=HEIGHT + 60)
