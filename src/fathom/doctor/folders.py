"""Checks that stages can write their outputs, and what killed trainings have left."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from fathom.doctor.findings import OK, WRONG, Finding, gibibytes
from fathom.messages.dvc import is_writable
from fathom.messages.remedies import system_error_line

FOLDERS = (
    "data", "models", "metrics", "plots", "report", "exports", "checkpoints", "logs", "studies",
    ".dvc/tmp", ".dvc/cache",
)  # fmt: skip
SOME_BYTES = bytes(4096)


def check_folders() -> Iterator[Finding]:
    """Write a temporary file into each folder of outputs, or into the one that it will be in."""
    if not is_writable():
        return  # `check_repository` tells it
    refused = False
    for folder in map(Path, FOLDERS):
        place = next(path for path in (folder, *folder.parents) if path.exists())
        try:
            with tempfile.TemporaryFile(dir=place) as file:
                file.write(SOME_BYTES)
        except OSError as error:
            refused = True
            yield WRONG, system_error_line(OSError(error.errno, error.strerror, str(folder)))
    if not refused:
        yield OK, "all folders of outputs can be written to"
    left = [file for file in Path("checkpoints").rglob("*") if file.is_file()]
    if left:
        size = gibibytes(sum(file.stat().st_size for file in left))
        advice = "the same trainings go on from there; `rm -r checkpoints` deletes them"
        yield OK, f"checkpoints/ has {size} of trainings that have not ended: {advice}"
