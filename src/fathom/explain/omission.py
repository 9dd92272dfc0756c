"""The result of the stage if it explains no rows."""

from fathom.base import paths
from fathom.base.files import atomic_write, write_json


def leave_out(dataset: str) -> None:
    """Write an explanation of 0 rows to `data/explanations/<dataset>/explanation.json`."""
    with atomic_write(paths.explanation(dataset)) as folder:
        folder.mkdir()
        write_json(folder / "explanation.json", {"dataset": dataset, "rows": 0})
