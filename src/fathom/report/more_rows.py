"""Whether more training rows would help: the scores of boosting by their number."""

import math
from typing import Any

import altair as alt

from fathom.artifacts.ranking import higher_is_better
from fathom.report.charts import ORANGE, encode_subsets, render_svg
from fathom.report.digits import format_rounded
from fathom.report.drawing import Drawing
from fathom.report.results import DatasetResults

GAIN = 0.03  # share of the error: if twice the rows take away less, more rows hardly help


def describe_train_sizes(results: DatasetResults) -> dict[str, Any] | None:
    """Return the scores, what the last increase of the rows gained, and a chart.

    None if there are no smaller shares of the training rows.
    """
    sizes = results.train_sizes
    if len(sizes) < 2:
        return None
    return {
        "sizes": sizes.to_dict("records"),
        "gain": last_gain(results),
        "helps": helps(results),
        "evidence": describe_gain(results),
        "chart": draw_train_sizes(results),
    }


def last_gain(results: DatasetResults) -> float:
    """Return the share of the validation error that the last increase of the rows took away.

    Of a metric up to 1, such as accuracy, the error is what is missing to 1.
    """
    before, after = (to_error(value, results) for value in results.train_sizes["validation"][-2:])
    return 1 - after / before if before else 0.0


def to_error(value: float, results: DatasetResults) -> float:
    return 1 - value if higher_is_better(results.primary_metric) else value


def helps(results: DatasetResults) -> bool:
    """Whether the last increase of the rows took away more of the error than `GAIN`, and more
    than chance: the last validation value is better than that of each smaller draw, an accuracy
    by its standard error.
    """
    if len(results.train_sizes) < 2:
        return False
    before = results.train_sizes.iloc[-2]
    is_share = higher_is_better(results.primary_metric)
    best = to_error(before["highest" if is_share else "lowest"], results)
    chance = math.sqrt(best * (1 - best) / results.problem.rows["valid"]) if is_share else 0.0
    last = to_error(results.train_sizes["validation"].iloc[-1], results)
    return bool(last_gain(results) > GAIN and last < best - chance)


def describe_gain(results: DatasetResults) -> str:
    """Say how the score of boosting has changed with the last increase of the rows."""
    before, after = (results.train_sizes.iloc[place] for place in (-2, -1))
    label = results.labels[results.primary_metric]
    values = [format_rounded(line["validation"]) for line in (before, after)]
    return (
        f"The validation {label} of boosting is {values[0]} with {int(before['rows']):,} training "
        f"rows and {values[1]} with {int(after['rows']):,}"
    )


def draw_train_sizes(results: DatasetResults) -> Drawing:
    label = results.labels[results.primary_metric]
    names = ["training", "validation"]
    sizes = results.train_sizes
    scores = sizes.melt(["rows", "draws", "lowest", "highest"], names, "subset", "score")
    scores["text"] = [
        f"{line.rows:,} training rows, {line.subset}: {format_rounded(line.score)}"
        for line in scores.itertuples()
    ]
    base = alt.Chart(scores).encode(
        alt.X("rows:Q", title="training rows")
        .scale(type="log", nice=False)
        .axis(values=sizes["rows"].to_list(), format=",d", labelOverlap=True),
        alt.Y("score:Q", title=label).scale(zero=False),
    )
    lines = base.mark_line().encode(*encode_subsets(*names))
    points = base.mark_circle(opacity=0.001, size=60).encode(description="text:N")
    several = sizes[sizes["draws"] > 1]
    if len(several):  # an empty layer is an image without a text
        ranges = alt.Chart(several).mark_rule(color=ORANGE)
        lines += ranges.encode(alt.X("rows:Q"), alt.Y("lowest:Q"), alt.Y2("highest:Q"))
    return render_svg(lines + points, f"{label} of boosting by training rows")
