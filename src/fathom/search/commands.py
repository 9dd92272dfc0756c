"""The commands `fathom search` and `fathom apply`. Each imports what it needs when it runs."""

import click

from fathom import completion as names

NAME = click.option(
    "--name",
    type=names.FileName("experiment"),
    help="The experiment. Default: made of data set, model and search.",
)
FORCE = click.option("--force", is_flag=True, help="Replace an experiment of that name.")


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument(
    "settings",
    metavar="KEY=VALUE...",
    nargs=-1,
    required=True,
    shell_complete=names.completes(names.search_settings),
)
@click.option("--apply", is_flag=True, help="Write the best trial as an experiment: fathom apply.")
@NAME
@FORCE
def search(settings: tuple[str, ...], apply: bool, name: str | None, force: bool) -> None:
    """Search for better settings of one network on one data set.

    \b
    fathom search dataset=california_housing model=wide_deep search=random trials=100

    search=random, grid, evolutionary or tpe names a file in conf/search/. The search space is
    conf/search/space/MODEL.yaml (space=NAME chooses another). Other settings are those of the
    section `search` of params.yaml, or any setting of a stage.

    Run the same command again to resume a search that was stopped. The validation set selects
    the best trial. The test set is read once, at the end. Results go to searches/ and into the
    report, the best trials become experiments of DVC.
    """  # noqa: D301  click looks for the backspace
    from fathom.search.search_command import search as run_search

    if (name or force) and not apply:
        raise click.UsageError("--name and --force are for --apply")
    run_search(list(settings), apply, name, force)


@click.command()
@click.argument("search")
@click.option("--trial", type=click.IntRange(0), help="The number of a trial. Default: the best.")
@NAME
@FORCE
def apply(search: str, trial: int | None, name: str | None, force: bool) -> None:
    """Write the best trial of a finished search as an experiment.

    SEARCH is a result in searches/, such as california_housing/mlp-random. Writes
    conf/experiment/NAME.yaml, whose settings are those of the trial, and prints the command that
    runs the pipeline with it. A file that was not written so, or edited since, stays.
    """
    from fathom.search.apply import apply_trial, find_result, print_use

    result = find_result(search)
    print_use(result, trial, apply_trial(result, trial, name, force))
