"""The command `fathom fit`."""

from pathlib import Path
from typing import Any

import click

from fathom.completion import FileName


@click.command(context_settings={"show_default": True})
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="The column of a table to predict.")
@click.option("--minutes", type=click.FloatRange(1), default=10.0, help="Time for everything.")
@click.option("--task", type=click.Choice(["regression", "classification"]), help="As new-dataset.")
@click.option(
    "--name",
    type=FileName("dataset"),
    help="The data set and the experiment. Default: made from the file's name.",
)
@click.option(
    "--model",
    type=FileName("model"),
    help="A file of conf/model/. Default: mlp; for images mlp or cnn.",
)
@click.option("--trials", type=click.IntRange(1), help="Of the search. Default: as many as fit.")
@click.option("--force", is_flag=True, help="Replace a data set of that name, and begin anew.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether the guesses are right.")
def fit(**options: Any) -> None:
    """Train the best model on a file within a time, with report and export.

    \b
    fathom fit houses.csv --target price --minutes 10

    Adds FILE as `fathom new-dataset` does, trains one network for a first look, searches better
    settings as `fathom search` does, writes them to conf/experiment/NAME.yaml, and runs the
    pipeline with them: folds, report, export. What the time does not allow is left out, and named.
    The validation rows decide everything.

    The same command continues after Ctrl+C or a kill. params.yaml then lists this data set; if
    others were trained here, their lists come back at the end. No output of theirs is deleted.
    """  # noqa: D301  click looks for the backspace
    from fathom.fit.fit import fit as run_fit
    from fathom.fit.request import Request

    run_fit(Request(**options))
