"""What one should know of a network before using it, from what the stages wrote."""

import jinja2

from fathom.artifacts.checks import Checks
from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, find_best
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.files import read_json
from fathom.evaluate.formatting import (
    METRIC_LABELS,
    SUBSET_LABELS,
    describe_inputs,
    format_mean,
    format_number,
    format_percent,
    format_share,
)
from fathom.settings.config import CardText


def render_card(dataset: str, model: str, text: CardText) -> str:
    """Return a network's model card in Markdown.

    Args:
        dataset: name of the data set.
        model: name of the network.
        text: what the settings say of its use and limits.

    Raises:
        FathomError: a stage's results are not there.
    """
    problem, schema = Problem.read(dataset), Schema.read(dataset)
    metrics = read_json(paths.metrics(dataset, model), f"evaluate@{dataset}-{model}")
    baselines = read_json(paths.metrics(dataset, "baseline"), f"baseline@{dataset}")
    run = read_json(paths.model(dataset, model) / "run.json", f"train@{dataset}-{model}")
    leading = PRIMARY_METRIC[problem.main.task]
    templates = jinja2.Environment(
        loader=jinja2.PackageLoader("fathom.export", ""),
        autoescape=False,  # noqa: S701 - Markdown
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    templates.filters |= {
        "number": format_number,
        "percent": format_percent,
        "plain": plain,
        "share": format_share,
    }
    return templates.get_template("card.md.j2").render(
        problem=problem,
        schema=schema,
        given=given(problem),
        model=model,
        run=run,
        text=text,
        labels=METRIC_LABELS[problem.main.task],
        leading=leading,
        metrics=metrics,
        spread=format_mean(metrics["spread"]["test"][leading]) if "spread" in metrics else "",
        baseline=find_best(baselines, leading),
        baselines=baselines,
        warnings=[warning.sentence for warning in Checks.read(dataset).warnings],
        parts=SUBSET_LABELS,
    )


def given(problem: Problem) -> str:
    """Say what the network is given of a row."""
    if problem.kind == "table":
        return describe_inputs(problem)
    return f"an image of {' × '.join(map(str, problem.shape))} pixels"


def plain(text: str) -> str:
    """Keep Markdown from reading marks into names and sentences of the data."""
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)
