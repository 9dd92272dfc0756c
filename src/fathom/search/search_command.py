"""`fathom search`: what it takes, and what it tells."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import click
from rich import box
from rich.console import Console
from rich.table import Table

from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.evaluate.formatting import format_duration, format_number
from fathom.messages.origins import default_experiment
from fathom.settings.compose import compose, options
from fathom.settings.config import Config, SearchConfig
from fathom.settings.search_settings import SearchSettings
from fathom.train.devices import start_tensorflow

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from fathom.artifacts.search_result import SearchResult

BEST = 5  # trials in the table at the end


def search(given: list[str]) -> None:
    """Search, tell how far that is, and write and print what came out.

    Args:
        given: the command line: overrides as those of a stage; keys of the section `search` by
            their names alone.

    Raises:
        FathomError: settings are no settings, or cannot be trained; or the user stopped it.
    """
    overrides = as_overrides(given)
    config = compose(overrides, SearchConfig)
    from fathom.search.overrides import Base, refuse_unknown
    from fathom.search.space import grid, ordered
    from fathom.search.study import is_grid

    refuse_unknown(config)
    ordered(config)
    if is_grid(config):
        grid(config)
    strategy = start_tensorflow(config)
    from fathom.search import experiments
    from fathom.search.session import session  # imports Keras, which starts TensorFlow

    base = Base(overrides)
    found = session(config, base, strategy, Progress().tell)
    show(found)
    click.echo(f"{found.file} has it all")
    for trial in found.best_first()[: config.search.experiments]:
        name = f"{found.dataset}-{found.model}-{found.search}-{trial.number}"
        click.echo(f"{name}: the pipeline, as an experiment of DVC")
        experiments.run(name, experiments.overrides(base, trial.settings))
        click.echo(f"dvc exp apply {name}")


class Progress:
    """Prints a line for each trial that has ended."""

    def __init__(self) -> None:
        self.began, self.done, self.before = time.perf_counter(), 0, 0

    def tell(self, news: int | FrozenTrial, wanted: int) -> None:
        if isinstance(news, int):
            self.before = news
            if news:
                click.echo(f"goes on from {news:,} trials")
            return
        self.done += 1
        seconds = time.perf_counter() - self.began
        left = (wanted - self.before - self.done) * seconds / self.done
        value = "ended early" if news.value is None else format_number(news.value)
        place = f"{self.before + self.done}/{wanted}"
        click.echo(f"{place:>9}  trial {news.number}  {value}  about {format_duration(left)} left")


def as_overrides(given: list[str]) -> list[str]:
    """Return Hydra's overrides, with the space that is called like the model if none is named."""
    found: list[str] = []
    for text in given:
        key, equals, _ = text.partition("=")
        if not equals:
            raise FathomError(f"{text}: must be key=value, such as dataset=digits")
        if key == "space" or key == "search/space":
            text = f"+search/space={text.partition('=')[2]}"
        elif key.partition(".")[0] in set(SearchSettings.model_fields) - set(Config.model_fields):
            text = f"search.{text}"
        found.append(text)
    chosen = dict(text.lstrip("+").split("=", 1) for text in found)
    for group in ("dataset", "model", "search"):
        if group not in chosen:
            names = ", ".join(options(group))
            raise FathomError(f"{group}=… is missing; there are: {names}")
    if "experiment" not in chosen:  # the one that the pipeline's stages are given
        found.append(f"experiment={default_experiment()}")
    if "search/space" not in chosen:
        found.append(f"+search/space={chosen['model']}")
    spaces, wanted = options("search/space"), chosen.get("search/space", chosen["model"])
    if chosen["model"] in options("model") and wanted not in spaces:
        raise FathomError(
            f"there is no {paths.CONF}/search/space/{wanted}.yaml to say what is tried"
            f"{did_you_mean(wanted, spaces)} (space=… names another)"
        )
    return found


def show(found: SearchResult) -> None:
    """Print the best trials, and the figures of the best one and of ensembles."""
    from fathom.search.space import as_text

    console = Console(highlight=False)
    best = found.best_first()[:BEST]
    table = Table(box=box.SIMPLE_HEAD, title=f"{len(found.trials):,} trials", title_justify="left")
    of = "mean of folds" if found.cv else "validation"
    table.add_column("trial", justify="right")
    table.add_column(f"{found.metric}, {of}", justify="right")
    table.add_column("settings")
    for trial in best:
        settings = ", ".join(f"{key}={as_text(value)}" for key, value in trial.settings.items())
        table.add_row(str(trial.number), format_number(trial.value), settings)
    console.print(table)
    table = Table(box=box.SIMPLE_HEAD)
    for heading in ("", "validation", "test"):
        table.add_column(heading, justify="right" if heading else "left")
    for name, figures in found.metrics_by_name().items():
        table.add_row(
            name, *(format_number(figures[part][found.metric]) for part in ("valid", "test"))
        )
    console.print(table)
