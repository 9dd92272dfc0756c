"""The command `fathom search`."""

import click
from rich import box
from rich.console import Console
from rich.table import Table

from fathom.artifacts.search_result import SearchResult
from fathom.base.errors import FathomError
from fathom.evaluate.formatting import describe_criterion, format_number
from fathom.messages.origins import default_experiment
from fathom.search.apply import apply_trial, check_free, default_name, print_use
from fathom.search.base_settings import BaseSettings
from fathom.search.dvc_experiment import experiment_problem, run_experiment
from fathom.search.space import check_space, describe
from fathom.settings.compose import check_overrides, compose
from fathom.settings.config import Config, SearchConfig
from fathom.settings.file_names import no_file, options
from fathom.settings.search_settings import SearchSettings
from fathom.train.devices import start_tensorflow

SHOWN = 5  # best trials in the table


def search(
    arguments: list[str], apply: bool = False, name: str | None = None, force: bool = False
) -> None:
    """Search, print the best trials, and run the best of them as DVC experiments.

    Args:
        arguments: overrides as for a stage; keys of the section `search` by their names alone.
        apply: whether the best trial also becomes an experiment in conf/, of a `name` (None: made
            from the search); `force` replaces one of that name.

    Raises:
        FathomError: a setting is not valid or cannot be trained, or the user stopped the search.
    """
    overrides = as_overrides(arguments)
    config = compose(overrides, SearchConfig)
    check_space(config)
    if config.search.experiments and (problem := experiment_problem()):
        raise FathomError(f"{problem}; experiments=0 searches without them")
    if apply:
        names = config.dataset.name, config.model.name, config.search.name
        check_free(name or default_name(*names), force)
    strategy = start_tensorflow(config)
    from fathom.search.search import run_search  # imports TensorFlow
    from fathom.search.trainer_pool import TrainerPool

    base = BaseSettings(overrides)
    result = run_search(config, base, TrainerPool(strategy))
    print_result(result)
    click.echo(f"all trials: {result.file}")
    if apply:
        print_use(result, None, apply_trial(result, None, name, force))
    for trial in result.best_first()[: config.search.experiments]:
        experiment = f"{result.dataset}-{result.model}-{result.search}-{trial.number}"
        click.echo(f"{experiment}: runs the pipeline as a DVC experiment")
        run_experiment(experiment, base.dvc_overrides(trial.settings))
        click.echo(f"dvc exp apply {experiment}")


def as_overrides(arguments: list[str]) -> list[str]:
    """Return Hydra's overrides, by default with the space of the model's name."""
    overrides: dict[str, str] = {}
    names = set(SearchSettings.model_fields) - set(Config.model_fields)
    for argument in arguments:
        key, equals, value = argument.partition("=")
        if not equals:
            raise FathomError(f"{argument}: must be key=value, such as dataset=digits")
        if key == "space":
            key = "search/space"
        elif key.partition(".")[0] in names:
            key = f"search.{key}"
        overrides[key] = value
    for group in ("dataset", "model", "search"):
        if group not in overrides:
            raise FathomError(f"{group}=… is missing; there are: {', '.join(options(group))}")
    overrides.setdefault("experiment", default_experiment())  # as the stages have it
    check_overrides([f"{key}={value}" for key, value in overrides.items()])
    space = overrides.pop("search/space", overrides["model"])
    if overrides["model"] in options("model") and space not in options("search/space"):
        raise FathomError(f"{no_file('search/space', space)} (space=NAME chooses one)")
    overrides["+search/space"] = space
    return [f"{key}={value}" for key, value in overrides.items()]


def print_result(result: SearchResult) -> None:
    """Print the best trials, and the metrics of the best one and of ensembles."""
    console = Console(highlight=False)
    table = Table(title=f"{len(result.trials):,} trials", title_justify="left", box=box.SIMPLE_HEAD)
    table.add_column("trial", justify="right")
    table.add_column(describe_criterion(result.monitor, result.cv), justify="right")
    table.add_column("settings")
    for trial in result.best_first()[:SHOWN]:
        table.add_row(str(trial.number), format_number(trial.value), describe(trial.settings))
    console.print(table)
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("")
    for subset in ("validation", "test"):
        table.add_column(f"{subset} {result.metric}", justify="right")
    for name, metrics in result.metrics_by_name().items():
        values = (format_number(metrics[subset][result.metric]) for subset in ("valid", "test"))
        table.add_row(name, *values)
    console.print(table)
