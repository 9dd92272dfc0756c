"""`fathom repro`: `dvc repro` with independent stages in parallel."""

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import click
from dvc.exceptions import DvcException
from dvc.scm import SCMError

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.locks import only_process
from fathom.base.machine import MEMORY, cores, machine_memory
from fathom.messages.dvc import require_dvc
from fathom.messages.git import WITHOUT_GIT, git_problem
from fathom.repro.job import describe
from fathom.repro.pipeline import Pipeline
from fathom.repro.runner import Runner
from fathom.repro.view import make_view
from fathom.settings.selection import read_selection

DVC = Path(".dvc")
STAGE_MEMORY = 2.0  # GiB that a stage with TensorFlow may take on tables of usual size


def repro(targets: Sequence[str], jobs: int | None, pull: bool | None) -> bool:
    """Bring stages and all that they depend on up to date. Return whether none has failed.

    Args:
        targets: stages, or none for all.
        jobs: stages at once; None: one a core, as far as memory goes.
        pull: whether to take outputs from DVC's remote; None: if there is a default remote.

    Raises:
        FathomError: DVC cannot work here or read its files, a name or a file of the settings is not
            valid, or there is no such target.
    """
    require_dvc()
    if (paths.CONF / "config.yaml").is_file():
        read_selection()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    if not DVC.is_dir():
        raise FathomError("there is no DVC project here: start `fathom repro` in its folder")
    with only_process(DVC / "tmp" / "fathom-repro.lock", "fathom repro", wait=True):
        try:
            pipeline = Pipeline.read(targets)
        except SCMError as error:
            raise FathomError(f"{git_problem() or error}, {WITHOUT_GIT}") from error
        except DvcException as error:
            raise FathomError(describe(error)) from error
        if pull is None and pipeline.remote:
            click.echo(f"Pulling what the remote '{pipeline.remote}' has; --no-pull does without")
            pull = True
        view = make_view()
        try:
            jobs = jobs or default_jobs()
            os.environ[MEMORY] = f"{machine_memory() / 2 / jobs:.3f}"  # of each stage
            return Runner(pipeline, jobs, bool(pull), view).run()
        finally:
            view.close()


def default_jobs() -> int:
    """Return a stage for each core, as many as memory holds.

    Most of a stage's time, such as imports, conversions and small networks, uses one core.
    """
    return max(1, min(cores(), int(machine_memory() / STAGE_MEMORY)))
