"""The results of searches for better settings."""

import json
import math
from collections.abc import Callable
from typing import Any

import altair as alt
import numpy as np
import pandas as pd

from fathom.artifacts.problem import Problem
from fathom.artifacts.search_result import SearchResult
from fathom.evaluate.formatting import (
    METRIC_LABELS,
    describe_criterion,
    format_duration,
    format_share,
)
from fathom.report.charts import BLUE, GRAY, HEIGHT, ORANGE, draw_bars, render_svg, unit_suffix
from fathom.report.drawing import Drawing

MAX_TRIALS = 10  # in the table
HIGHLIGHTED = 0.1  # share of trials that parallel coordinates show in color
LOG_RATIO = 10  # of the highest and lowest value of an axis, from which on it is logarithmic
OUTLIERS = 0.9  # quantile of values above which a point is drawn at the edge


def describe_search(result: SearchResult, problem: Problem) -> dict[str, Any]:
    """Return what the template shows of a search."""
    ranked = result.best_first()
    metric = METRIC_LABELS[problem.main.task][result.metric]
    criterion = describe_criterion(result.monitor, result.cv)
    has_unit = result.monitor in ("val_rmse", "val_mae")
    unit = unit_suffix(problem.main.unit) if has_unit else ""
    charts = [draw_history(result, f"{criterion}{unit}")]
    if result.importances:
        charts.append(draw_importances(result))
    return {
        "result": result,
        "title": f"{result.model}, {result.search}",
        "metric": metric,
        "criterion": criterion,
        "trials": len(result.trials),
        "stopped": sum(trial.value is None for trial in result.trials),
        "time": format_duration(result.seconds),
        "settings": [shorten(key) for key in result.space],
        "best": [
            [trial.number, trial.value]
            # A trial does not have the settings of branches that it did not take.
            + [format_setting(trial.settings.get(key, "")) for key in result.space]
            for trial in ranked[:MAX_TRIALS]
        ],
        "compared": result.metrics_by_name(),
        "charts": charts,
        "parallel": draw_parallel_coordinates(result, criterion),
        "command": " ".join(["dvc exp run", *(f"-S '{o}'" for o in result.overrides)]),
    }


def shorten(key: str) -> str:
    """Return a key without the prefix that all keys of a model or of the training have."""
    return key.removeprefix("model.").removeprefix("train.").removeprefix("optimizer.")


def format_setting(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else json.dumps(value).replace('"', "")


def draw_history(result: SearchResult, label: str) -> Drawing:
    """Draw the value of each trial in the order of their numbers, and the best one so far."""
    sign = -1 if result.higher_is_better else 1
    trials = sorted((t for t in result.trials if t.value is not None), key=lambda t: t.number)
    losses = sign * np.array([trial.value for trial in trials], dtype=float)
    best = np.minimum.accumulate(losses)
    if len(losses) > MAX_TRIALS:
        losses = np.minimum(losses, np.quantile(losses, OUTLIERS))
    numbers = [trial.number for trial in trials]
    table = pd.DataFrame({"trial": numbers, "value": sign * losses, "best": sign * best})
    table["text"] = [f"trial {t.number}: {t.value:.4g}" for t in trials]
    base = alt.Chart(table).encode(alt.X("trial:Q", title="trial").axis(tickMinStep=1))
    points = base.mark_circle(color=GRAY, size=30).encode(
        alt.Y("value:Q", title=label).scale(zero=False), description="text:N"
    )
    steps = base.mark_line(color=BLUE, interpolate="step-after").encode(alt.Y("best:Q"))
    return render_svg(points + steps, "Trials, and the best one so far")


def draw_importances(result: SearchResult) -> Drawing:
    """Draw which share of the values' variance each setting explains."""
    shares = {shorten(key): share for key, share in result.importances.items()}
    table = pd.DataFrame({"key": list(shares), "share": list(shares.values())})
    table["text"] = [f"{key}: {format_share(share)}" for key, share in shares.items()]
    x = alt.X("share:Q", title="share of the variance").axis(format="%")
    y = alt.Y("key:N", title=None, sort=None).axis(labelLimit=140)
    return draw_bars(table, x, y, title="Importance of settings")


def make_axis(values: list[Any]) -> tuple[list[Any], Callable[[Any], float]]:
    """Return the ticks of an axis and where a value is on it, from 0 to 1.

    Numbers have ticks at the lowest and the highest, other values one tick each.
    """
    distinct = [value for _, value in sorted({json.dumps(v): v for v in values}.items())]
    if len(distinct) == 1 or any(type(value) not in (int, float) for value in values):
        return distinct, lambda value: (distinct.index(value) + 0.5) / len(distinct)
    low, high = min(values), max(values)
    scale = math.log if low > 0 and high / low > LOG_RATIO else float
    first, last = scale(low), scale(high)
    return [low, high], lambda value: (scale(value) - first) / (last - first)


def draw_parallel_coordinates(result: SearchResult, criterion: str) -> Drawing:
    """Draw each trial as a line from axis to axis, the best tenth in color above the others."""
    ranked = result.best_first()
    columns = {
        shorten(key): [(t, t.settings[key]) for t in ranked if t.settings.get(key) is not None]
        for key in result.space
    }
    columns = {name: column for name, column in columns.items() if column}
    columns[criterion] = [(trial, trial.value) for trial in ranked]
    points, ticks = [], []
    for name, column in columns.items():
        tick_values, place = make_axis([value for _, value in column])
        ticks += [(name, place(value), format_setting(value)) for value in tick_values]
        points += [
            (name, place(v), t.number, f"trial {t.number}: {t.value:.4g}") for t, v in column
        ]
    lines = pd.DataFrame(points, columns=["axis", "at", "trial", "text"])
    labels = pd.DataFrame(ticks, columns=["axis", "at", "text"])
    x = alt.X("axis:N", title=None, sort=list(columns)).scale(padding=0.4)
    x = x.axis(
        orient="top", domain=False, ticks=False, labelAngle=0, labelLimit=130, labelPadding=14
    )
    y = alt.Y("at:Q").axis(None).scale(domain=[0, 1])
    best = {trial.number for trial in ranked[: math.ceil(HIGHLIGHTED * len(ranked))]}
    is_best = lines["trial"].isin(best)
    others, highlighted = (
        alt.Chart(lines[rows])
        .mark_line(color=color, opacity=opacity, strokeWidth=width)
        .encode(x, y, detail="trial:N", description="text:N")
        for rows, color, opacity, width in ((~is_best, GRAY, 0.35, 1), (is_best, ORANGE, 0.9, 1.5))
    )
    rules = alt.Chart(pd.DataFrame({"axis": list(columns)})).mark_rule(color=GRAY).encode(x)
    texts = alt.Chart(labels).mark_text(align="left", dx=4, fontSize=10).encode(x, y, text="text:N")
    layers = rules + others + highlighted + texts
    return render_svg(layers, "", width=130 * len(columns), height=HEIGHT + 60)
