"""The command `fathom`. Each command imports what it needs when it runs."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fathom import completion as names
from fathom.base.environment import set_environment
from fathom.base.errors import FathomError
from fathom.base.process import end_process, open_streams
from fathom.command_group import OneLineErrors, version_option
from fathom.fit.fit_command import fit
from fathom.search.commands import apply, search
from fathom.serve.serve_command import serve
from fathom.watch import watch

if TYPE_CHECKING:
    from fathom.predict.exported_model import EngineName

PATH = click.Path(path_type=Path)
COUNT = click.IntRange(1)
REVISIONS, STAGES = names.completes(names.revisions), names.completes(names.stages)


@click.group(cls=OneLineErrors, context_settings={"help_option_names": ["-h", "--help"]})
@version_option
def fathom() -> None:
    """Train and compare Keras networks on your table or images.

    Run these commands in the project's folder. `fathom repro` and `dvc exp run` run the pipeline.
    """


fathom.add_command(search)
fathom.add_command(apply)
fathom.add_command(fit)
fathom.add_command(serve)
fathom.add_command(watch)


@fathom.command("new-dataset")
@click.argument("file", type=PATH, required=False)
@click.option("--target", metavar="COLUMN", help="The column of a table to predict.")
@click.option(
    "--task",
    type=click.Choice(["regression", "classification"]),
    help="Default: inferred from the target's values.",
)
@click.option(
    "--name",
    type=names.FileName("dataset"),
    help="The name of the data set. Default: made from the file's name.",
)
@click.option("--header/--no-header", default=None, help="Whether a CSV file has a header.")
@click.option("--force", is_flag=True, help="Replace an existing data set of that name.")
@click.option("--sheet", metavar="NAME", help="The sheet of a workbook.")
@click.option("--table", metavar="NAME", help="The table of a SQLite or DuckDB file.")
@click.option("--query", metavar="SQL", help="A query of a SQLite or DuckDB file, or a database.")
@click.option("--url-env", metavar="VARIABLE", help="The variable with the URL of a database.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask whether the guesses are right.")
@click.option("--strict", is_flag=True, help="Write nothing if a guess needs a check.")
def new_dataset(file: Path | None, url_env: str | None, **options: Any) -> None:
    """Add your own data set to the project.

    FILE is a table (CSV, Excel, JSON lines, Parquet and others: see docs/formats.md), a folder
    with a sub-folder of image files for each class or with a CSV file of their classes, or
    an .npz file of images and labels. Or it is the result of a query of a database:
    --url-env DATABASE_URL --query "select …".

    Prints the columns or classes, copies the file to data/own/, where DVC tracks it, and writes
    conf/dataset/NAME.yaml. For a table without --target, only prints the columns. Ends with a
    list of guesses to check, and in a terminal asks before it writes.
    """
    from fathom.new_dataset.new_dataset import Options
    from fathom.new_dataset.new_dataset import new_dataset as add_dataset
    from fathom.new_dataset.snapshot import new_dataset_of_query

    if (file is None) == (url_env is None):
        raise click.UsageError("name a FILE, or a database with --url-env")
    if file is not None:
        add_dataset(file, Options(**options))
    elif url_env is not None:
        new_dataset_of_query(url_env, Options(**options))


@fathom.command()
@click.argument("name", shell_complete=names.completes(names.datasets))
def refresh(name: str) -> None:
    """Ask the database of a data set again: replace its snapshot in data/own/ and its checksum."""
    from fathom.new_dataset import snapshot

    snapshot.refresh(name)


@fathom.command()
@names.MODEL
@names.ENGINE
@click.argument("rows", metavar="INPUT", type=PATH)
@click.option(
    "--output",
    "-o",
    metavar="OUT",
    type=PATH,
    required=True,
    help="A .csv or .parquet file, or - for CSV on standard output.",
)
@click.option("--flag", is_flag=True, help="Add a column that says what training did not see.")
@click.option("--delimiter", help="Of a CSV file. Default: guessed; a comma for standard input.")
@click.option("--decimal", help="The decimal mark of a CSV file. Default: as declared, or guessed.")
@click.option("--encoding", help="Of a CSV file. Default: guessed; UTF-8 for standard input.")
@click.option("--sheet", help="Of a workbook with several.")
@click.option("--table", help="Of a database file with several.")
@click.option("--array", metavar="NAME", help="The array of images in an .npz file.")
@click.option(
    "--drift", metavar="OUT", type=PATH, help="A .json file: how INPUT differs from training rows."
)
def predict(
    model: Path,
    rows: Path,
    output: Path,
    flag: bool,
    array: str | None,
    drift: Path | None,
    engine: "EngineName",
    **given: str | None,
) -> None:
    """Predict new rows with an exported network.

    MODEL is a folder such as exports/california_housing/mlp. INPUT is a table with the columns that
    the network was trained on, as `fathom new-dataset` takes it (- for CSV on standard input), or
    images: a folder, an image file, or an .npz or .npy file.

    Rows keep their order and their other columns. Each row gets the column `predicted`. A
    regression adds `predicted_low` and `predicted_high` (the prediction interval), a
    classification `probability`, one probability for each class, and `predicted_set` (the
    classes of the prediction set, joined by semicolons).
    """
    from fathom.predict.exported_model import ExportedModel
    from fathom.predict.predict import predict as predict_rows

    options = {key: value for key, value in given.items() if value is not None}
    exported_model = ExportedModel(names.find_export(model), engine)
    predict_rows(exported_model, rows, output, flag=flag, array=array, options=options, drift=drift)


@fathom.command(context_settings={"show_default": True})
@click.argument("revisions", metavar="[A [B]]", nargs=-1, shell_complete=REVISIONS)
@click.option("--last", type=COUNT, default=20, help="Maximum experiments in the list.")
def compare(revisions: tuple[str, ...], last: int) -> None:
    """Compare the test metrics and settings of experiments.

    Without arguments, lists the workspace, HEAD and the DVC experiments by data set, with the test
    metric of the network that is best on the validation set.

    A and B are names of experiments, Git revisions, or `workspace`, the default of B. Prints the
    settings and test metrics that differ, and whether a change is larger than the spread over runs.
    """
    from fathom.experiments.revision_tables import print_differences, print_revisions
    from fathom.experiments.revisions import WORKSPACE, read_revision

    if len(revisions) > 2:
        raise click.UsageError("compares two revisions: A and B")
    if revisions:
        before, after = (*revisions, WORKSPACE)[:2]
        print_differences(read_revision(before), read_revision(after))
    else:
        print_revisions(last)


@fathom.command()
@click.option(
    "--against",
    metavar="REV",
    help="An experiment or a Git revision to compare with.",
    shell_complete=REVISIONS,
)
def summary(against: str | None) -> None:
    """Print a summary of all models in Markdown, for a pull request.

    Lists the models, then the settings and test metrics that differ from the merge base of HEAD
    and the default branch (origin/HEAD, else main or master), or from --against.
    """
    from fathom.experiments.summary import render_summary

    click.echo(render_summary(against))


@fathom.command()
@click.argument("targets", metavar="[TARGET...]", nargs=-1, shell_complete=STAGES)
@click.option("--jobs", "-j", type=COUNT, help="Stages at once. Default: by cores and memory.")
@click.option(
    "--pull/--no-pull",
    default=None,
    help="Take outputs from DVC's remote. Default: if there is a default remote.",
)
def repro(targets: tuple[str, ...], jobs: int | None, pull: bool | None) -> None:
    """Run what has changed, as `dvc repro` does, with independent stages in parallel.

    TARGET is a stage such as train or train@digits-mlp. The stages that it depends on run, too.

    A stage that fails stops only those that depend on it. logs/repro/ has the output of each
    stage. dvc.lock and all outputs are those of `dvc repro`, and what was built before is
    restored from DVC's cache.
    """
    from fathom.repro.repro import repro as run_pipeline

    if not run_pipeline(targets, jobs, pull):
        sys.exit(1)


@fathom.command()
def doctor() -> None:
    """Check that everything Fathom needs is there.

    Checks versions, devices, memory, disk, the settings and DVC's cache. The exit status is 1 if
    something is wrong.
    """
    from fathom.doctor.doctor import run_checks

    if not run_checks():
        sys.exit(1)


@fathom.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print a script that makes a shell complete this command.

    For bash: eval "$(fathom completion bash)"
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(fathom, {}, "fathom", "_FATHOM_COMPLETE").source())


def main() -> None:
    """Run the command line."""
    sys.argv[0] = "fathom"  # the program's name in errors
    open_streams()
    try:
        set_environment()
    except FathomError as error:
        sys.exit(f"fathom: {error}")
    try:
        fathom(prog_name="fathom")
    except SystemExit as end:
        if end.code == 0:
            end_process()
        raise
