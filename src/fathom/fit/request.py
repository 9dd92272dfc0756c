"""What `fathom fit` is asked for, and its data set."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fathom.base.errors import FathomError
from fathom.base.files import remove
from fathom.fit.lists import read_lists
from fathom.fit.progress import Progress
from fathom.new_dataset.new_dataset import Options, new_dataset
from fathom.settings.fields import Task

LOGS = Path("logs/fit")


@dataclass(frozen=True)
class Request:
    """What the command line asks for."""

    file: Path
    target: str | None = None
    minutes: float = 10.0
    task: Task | None = None
    name: str | None = None
    model: str | None = None
    trials: int | None = None
    force: bool = False
    yes: bool = False

    @property
    def asked(self) -> dict[str, Any]:
        """What another fit of the same name must not change."""
        return {
            "file": str(self.file),
            "target": self.target,
            "task": self.task,
            "model": self.model,
        }


def begin(request: Request, name: str) -> Progress:
    """Add the data set, or read what an earlier process has done."""
    file = LOGS / f"{name}.json"
    progress = None if request.force else Progress.read(file)
    if progress is not None and progress.asked != request.asked:
        raise FathomError(
            f"{name} is the name of another `fathom fit`, of {progress.asked['file']}: choose "
            "another --name, or replace it with --force"
        )
    again = progress is not None
    if progress is None:
        progress = Progress(file, request.asked, read_lists(), request.minutes)
    progress.minutes = request.minutes
    progress.tick(force=True)
    if "added" in progress.state:
        progress.say(f"{name}: continues")
        return progress
    try:
        force = request.force or again  # killed while it was added
        options = Options(request.target, request.task, name, force=force, yes=request.yes)
        new_dataset(request.file, options, next_steps=False)
    except BaseException:
        remove(file)
        raise
    progress.finish("added", True)
    return progress
