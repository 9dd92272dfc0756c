"""The command `fathom`: what is done by hand, beside the stages that DVC runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any, Literal

import click

from fathom.base import paths
from fathom.base.errors import FathomError


class Program(click.Group):
    """Commands whose errors are one line: what the user can mend, with status 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:
            raise  # the reader of a pipe has gone: click ends quietly
        except (FathomError, OSError) as error:
            from fathom.settings.compose import fail, one_line

            fail(one_line(error))
        except KeyboardInterrupt:
            click.echo("fathom: interrupted", err=True)
            sys.exit(130)


@click.group(cls=Program, context_settings={"help_option_names": ["-h", "--help"]})
def fathom() -> None:
    """From a raw table or images to trained and compared networks.

    Start it in the project's folder. The stages themselves are run by `dvc repro` and
    `dvc exp run`.
    """


@fathom.command("new-dataset")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--target", metavar="COLUMN", help="The column of a table to be predicted.")
@click.option(
    "--task",
    type=click.Choice(["regression", "classification"]),
    help="Whether it is a number or a class; else what it seems to be.",
)
@click.option("--name", help="What to call the data set; else after the file.")
@click.option("--force", is_flag=True, help="Replace a data set of that name.")
def new_dataset(
    file: Path,
    target: str | None,
    task: Literal["regression", "classification"] | None,
    name: str | None,
    force: bool,
) -> None:
    """Take a data set of your own into the project.

    FILE is a table (.csv, .tsv, .txt, also .gz; .parquet, .feather), a folder that has a
    sub-folder of .png or .jpg files for each class, or an .npz file of images and labels.

    It prints what it finds in it, has DVC keep it in data/own/, and writes conf/dataset/NAME.yaml.
    Of a table without --target it only prints the columns.
    """
    from fathom.new_dataset.copy_in import is_name
    from fathom.new_dataset.new_dataset import new_dataset as take_in

    if name is not None and not is_name(name):
        raise click.BadParameter(
            "must begin with a letter, have only a to z, 0 to 9 and _, and be no word of YAML",
            param_hint="'--name'",
        )
    take_in(file, target, task, name, force)


@fathom.command()
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("rows", metavar="INPUT", type=click.Path(path_type=Path))
@click.option(
    "--output",
    "-o",
    metavar="OUT",
    type=click.Path(path_type=Path),
    required=True,
    help="A .csv or .parquet file; - for CSV text to standard output.",
)
@click.option("--flag", is_flag=True, help="Say in a column what in a row training did not see.")
@click.option("--delimiter", help="Of a CSV file; else guessed, or a comma of standard input.")
@click.option("--decimal", help="The decimal point of a CSV file; else guessed, or a point.")
@click.option("--encoding", help="Of a CSV file; else guessed, or UTF-8.")
@click.option("--array", metavar="NAME", help="The images in an .npz file of several arrays.")
def predict(
    model: Path,
    rows: Path,
    output: Path,
    flag: bool,
    array: str | None,
    **csv: str | None,
) -> None:
    """Predict for new rows with an exported network.

    MODEL is a folder such as exports/california_housing/mlp. INPUT is a table (.csv, .tsv, .txt,
    also .gz; .parquet, .feather; - for CSV text from standard input) with the columns that the
    network was trained on; others are kept. Or it is images: a folder, a .png, .jpg, .npz or .npy
    file.

    Rows stay in their order, and get the columns `predicted`, of numbers `predicted_low` and
    `predicted_high` (the interval of the signature), of classes `probability` and one for each.
    """
    from fathom.predict.options import Options
    from fathom.predict.predict_command import predict_file

    given = {key: value for key, value in csv.items() if value is not None}
    predict_file(export_folder(model), rows, output, Options(flag, array, given))


@fathom.command(context_settings={"ignore_unknown_options": True})
@click.argument("settings", metavar="KEY=VALUE...", nargs=-1, required=True)
def search(settings: tuple[str, ...]) -> None:
    r"""Search for better settings of one network on one data set.

    \b
    fathom search dataset=california_housing model=wide_deep search=random trials=100

    search=random, grid, evolutionary or tpe is a file of conf/search/; what is tried stands in
    conf/search/space/MODEL.yaml (space=NAME takes another). Further settings are those of the
    section `search` of params.yaml, or any that a stage takes.

    Stopped or killed, it goes on where it was when the same command is given again. The validation
    part decides; the test part is read once, in the end. The outcome goes to searches/ and into the
    report, the best trials become experiments of DVC.
    """
    from fathom.search.search_command import search as look

    look(list(settings))


@fathom.command()
@click.option("--deep", is_flag=True, help="Read every file of the cache, to find damaged ones.")
@click.option("--remote", is_flag=True, help="Read what the default remote has of the outputs.")
@click.option("--mend", is_flag=True, help="Put right what --deep and --remote find.")
def doctor(deep: bool, remote: bool, mend: bool) -> None:
    """Look whether all is there that Fathom needs.

    Versions, devices, memory and disk, the settings, and the health of DVC's cache and of its
    default remote. The exit status is 1 if something must be mended.

    With --mend damaged files of the cache are made anew from the outputs, or deleted with what was
    made of them, for `make repro` to bring back; of a remote they are written anew from the cache.
    """
    from fathom.doctor.doctor import doctor as examine

    if mend and not (deep or remote):
        raise click.UsageError("--mend goes with --deep, --remote or both")
    if not examine(deep, remote, mend):
        sys.exit(1)


@fathom.command()
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> None:
    """Print what makes a shell complete this command.

    For bash: eval "$(fathom completion bash)"
    """
    from click.shell_completion import get_completion_class

    complete = get_completion_class(shell)
    assert complete is not None
    click.echo(complete(fathom, {}, "fathom", "_FATHOM_COMPLETE").source())


@fathom.command(context_settings={"show_default": True})
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--host", default="127.0.0.1", help="The address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, 65535), default=8501, help="0 takes any that is free."
)
@click.option(
    "--max-rows", type=click.IntRange(1), default=1000, help="The most rows of a request."
)
@click.option(
    "--max-bytes", type=click.IntRange(1), default=16 << 20, help="The most bytes of a request."
)
@click.option(
    "--max-waiting",
    type=click.IntRange(1),
    default=256,
    help="The most requests under way at once; others get status 503.",
)
@click.option(
    "--batch-rows", type=click.IntRange(1), default=1024, help="Rows that are predicted at once."
)
@click.option(
    "--batch-wait-ms",
    type=click.FloatRange(0, 10_000),
    default=0,
    help="Milliseconds that a request waits for others to be predicted with it.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 3600, min_open=True),
    default=30,
    help="Seconds that a request may take to arrive, and again to be answered.",
)
def serve(model: Path, host: str, port: int, batch_wait_ms: float, **limits: Any) -> None:
    """Answer requests for predictions with an exported network, by HTTP.

    MODEL is a folder such as exports/california_housing/mlp. POST /predict takes
    {"instances": [{column: value, ...}, ...]} or {"inputs": {column: [value, ...], ...}}, as does
    /v1/models/NAME:predict of TensorFlow Serving. GET /openapi.json describes all that there is,
    /health says that it is ready, /metrics is for Prometheus.

    SIGTERM and Ctrl+C end it once the requests under way are answered.
    """
    from fathom.serve.options import ServiceOptions
    from fathom.serve.serve_command import serve_model

    serve_model(
        export_folder(model), host, port, ServiceOptions(batch_wait=batch_wait_ms / 1000, **limits)
    )


def export_folder(model: Path) -> Path:
    """Return the folder of an export. Its name below `exports/` is enough."""
    short = paths.EXPORTS / model
    return short if short.is_dir() and not model.is_dir() else model


def main() -> None:
    """Run the command line."""
    sys.argv[0] = "fathom"  # as errors name it, however it was started
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal may lack letters of the data
    fathom(prog_name="fathom")


if __name__ == "__main__":
    main()
