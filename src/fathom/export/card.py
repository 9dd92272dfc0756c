"""The model card: use, data, metrics and limits of a network."""

from pathlib import Path

from fathom.artifacts.checks import Checks
from fathom.artifacts.problem import Problem
from fathom.artifacts.ranking import PRIMARY_METRIC, find_best, read_baselines, read_metrics
from fathom.artifacts.schema import Schema
from fathom.artifacts.training_log import read_run
from fathom.base import paths
from fathom.base.files import atomic_write, write_text
from fathom.base.templates import load_templates
from fathom.evaluate.formatting import (
    METRIC_LABELS,
    SUBSET_LABELS,
    format_mean,
    format_number,
    format_percent,
    format_share,
    join_words,
)
from fathom.settings.config import CardText, NetworkConfig


def export_card(config: NetworkConfig) -> None:
    """Write the model card alone to `exports/<dataset>/<model>/`."""
    dataset, model = config.dataset.name, config.model.name
    with atomic_write(paths.export(dataset, model)) as folder:
        folder.mkdir()
        write_card(folder, config)


def write_card(folder: Path, config: NetworkConfig) -> None:
    dataset, model = config.dataset.name, config.model.name
    text = config.cards.get(dataset, CardText())
    write_text(folder / "MODEL_CARD.md", render_card(dataset, model, text))


def render_card(dataset: str, model: str, text: CardText) -> str:
    """Return the model card of a network in Markdown.

    Raises:
        FathomError: an output of an earlier stage is missing.
    """
    problem, schema = Problem.read(dataset), Schema.read(dataset)
    metrics = read_metrics(dataset, model)
    baselines, run = read_baselines(dataset), read_run(dataset, model)
    primary = PRIMARY_METRIC[problem.main.task]
    inputs = f"an image of {' × '.join(map(str, problem.shape))} pixels"
    if problem.kind == "table":
        inputs = describe_inputs(dataset)
    templates = load_templates(
        "fathom.export",
        number=format_number,
        percent=format_percent,
        markdown=escape_markdown,
        share=format_share,
    )
    return templates.get_template("card.md.j2").render(
        problem=problem,
        schema=schema,
        inputs=inputs,
        model=model,
        run=run,
        folds=run["folds"],
        text=text,
        labels=METRIC_LABELS[problem.main.task],
        primary=primary,
        metrics=metrics,
        spread=format_mean(metrics["spread"]["test"][primary]) if "spread" in metrics else "",
        baseline=find_best(baselines, primary),
        baselines=baselines,
        warnings=[warning.sentence for warning in Checks.read(dataset).warnings],
        subsets=SUBSET_LABELS,
    )


def describe_inputs(dataset: str) -> str:
    """Return how many raw columns of a table predict: "8 numbers and 1 category".

    Indicators of missing values and parts of dates are features, but no columns.
    """
    from fathom.scale.encoder import Encoder  # imports pandas

    encoder = Encoder.read(dataset)
    ordinals = {ordinal.column for ordinal in encoder.ordinals}
    parts = {name for date in encoder.dates for name in date.names}
    counts = {
        ("number", "numbers"): len({n.column for n in encoder.numbers} - ordinals - parts),
        ("category", "categories"): len(
            {category.column for category in encoder.categories} - parts | ordinals
        ),
        ("date", "dates"): len(encoder.dates),
    }
    texts = [
        f"{count:,} {one if count == 1 else several}"
        for (one, several), count in counts.items()
        if count
    ]
    return join_words(texts)


def escape_markdown(text: str) -> str:
    return "".join(f"\\{letter}" if letter in "\\`*_[]<>|#" else letter for letter in text)
