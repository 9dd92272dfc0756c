"""Why a network predicts what it does: drawings of what the stage `explain` found."""

from typing import Any

import altair as alt
import pandas as pd

from fathom.report.charts import BAD, GOOD, in_parentheses, svg

MOST = 12  # columns shown
BAR = 22  # pixels


def importance(explanation: dict[str, Any]) -> str:
    """Draw how much each column moves predictions."""
    bars = pd.DataFrame(explanation["importance"][:MOST])
    unit = in_parentheses(explanation["unit"])
    bars["text"] = [f"{b.column}: {b.mean_absolute:.3g}{unit}" for b in bars.itertuples()]
    chart = (
        alt.Chart(bars)
        .mark_bar(color=GOOD)
        .encode(
            alt.X("mean_absolute:Q", title=f"mean |Shapley value|{unit}").axis(tickCount=5),
            alt.Y("column:N", title=None, sort=None),
            description="text:N",
        )
    )
    return svg(chart, "What moves predictions", height=BAR * len(bars))


def example(explained: dict[str, Any], explanation: dict[str, Any]) -> str:
    """Draw what each column adds to or takes from one row's prediction."""
    bars = pd.DataFrame(explained["contributions"][:MOST])
    bars["label"] = [f"{b.column} = {b.value}" for b in bars.itertuples()]
    bars["sign"] = ["raises" if value >= 0 else "lowers" for value in bars["contribution"]]
    size = bars["contribution"].abs()
    bars["text"] = [
        f"{b.label} {b.sign} it by {by:.3g}" for b, by in zip(bars.itertuples(), size, strict=True)
    ]
    unit = in_parentheses(explanation["unit"])
    chart = (
        alt.Chart(bars)
        .mark_bar()
        .encode(
            alt.X("contribution:Q", title=f"Shapley value{unit}").axis(tickCount=5),
            alt.Y("label:N", title=None, sort=None).axis(labelLimit=160),
            alt.Color("sign:N", title=None)
            .scale(domain=["raises", "lowers"], range=[GOOD, BAD])
            .legend(None),
            description="text:N",
        )
    )
    return svg(
        chart, f"Row {explained['row']}: predicted {explained['predicted']:.4g}",
        height=BAR * len(bars),
    )  # fmt: skip
