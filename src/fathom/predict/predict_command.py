"""`fathom predict`: what it tells while it works."""

from pathlib import Path

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from fathom.predict.options import Options
from fathom.train.devices import start_on_cpu


def predict_file(model: Path, rows: Path, output: Path, options: Options) -> None:
    """Predict for the rows of a file, and say on standard error how far that is.

    Raises:
        FathomError: the model or the file is not as it should be.
    """
    start_on_cpu()
    # imports Keras, which starts TensorFlow
    from fathom.predict.exported_model import ExportedModel
    from fathom.predict.predict import predict

    exported_model = ExportedModel(model)
    columns = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    console = Console(stderr=True)
    silent = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=silent) as shown:
        task = shown.add_task("", total=None)
        done = predict(
            exported_model,
            rows,
            output,
            options,
            tell=lambda sentence: click.echo(sentence, err=True),
            progress=lambda count: shown.update(task, completed=count),
        )
    told = f"{done.rows:,} rows"
    if done.unusual:
        where = "see the column unusual" if options.flag else "--flag says which"
        told += f", {done.unusual:,} of which hold what training did not see ({where})"
    click.echo(told, err=True)
