"""`fathom watch`: TensorBoard on the logs of trainings, here and in copies of the project."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import click

from fathom.base.errors import FathomError

LOGS = Path("logs")
COPIES = Path(".dvc/tmp/exps")  # where `dvc exp run --temp` and the queue train


@click.command()
@click.option(
    "--port", type=click.IntRange(0, 65535), default=6006, show_default=True, help="The port."
)
@click.option("--host", default="localhost", show_default=True, help="The address to listen on.")
def watch(port: int, host: str) -> None:
    """Show trainings live in TensorBoard, until Ctrl+C.

    Trainings with the setting train.tensorboard write logs, to logs/DATASET/MODEL/. Those of
    `dvc exp run --temp` and of the queue are shown while they run; their logs go with their copy.
    """
    if importlib.util.find_spec("tensorboard") is None:
        raise FathomError("TensorBoard is not installed: pip install tensorboard")
    if not any(find_logs()):
        print("no logs yet: train with train.tensorboard=true, for example")
        print("  dvc exp run -S train.tensorboard=true")
    folders = f"workspace:{LOGS.resolve()},experiments:{COPIES.resolve()}"
    program = [sys.executable, "-m", "tensorboard.main", "--logdir_spec", folders]
    done = subprocess.run([*program, "--host", host, "--port", str(port)], check=False)
    if done.returncode > 0:
        raise FathomError(f"TensorBoard has ended with status {done.returncode}, see above")


def find_logs() -> list[Path]:
    """Return the logs of trainings here and in copies."""
    folders = [LOGS, *COPIES.glob("*/logs")]
    return [file for folder in folders for file in folder.glob("*/*/**/events.out.tfevents.*")]
