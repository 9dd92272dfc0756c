"""The best trials as experiments of DVC."""

from __future__ import annotations

import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.messages.origins import default_experiment, file_sets
from fathom.search.overrides import CHOICES, Base
from fathom.search.space import Values, as_text

GROUP_CHOICES = ("dataset", "model", "experiment")


def overrides(base: Base, values: Values) -> list[str]:
    """Return what `dvc exp run` takes for -S to have the pipeline train with these values.

    The search's own overrides are among them. Each is set in the file that has the last word on
    it; a key that is in none is added there.
    """
    _, origins = base.of(values)
    origins = replace(origins, overrides=())
    found = []
    for key, text in (given(base) | {key: as_text(value) for key, value in values.items()}).items():
        if key not in CHOICES:
            file, inside = origins.of(key.split("."))
            prefix = "" if file == str(paths.PARAMS) else f"{file}:"
            new = "" if file_sets(Path(file), inside.split(".")) else "+"
            found.append(f"{prefix}{new}{inside}={text}")
    if origins.experiment not in (None, default_experiment()):
        found.append(f"experiment={origins.experiment}")
    return found


def given(base: Base) -> dict[str, str]:
    """Return the overrides of a search that stages know, by key."""
    pairs = (override.lstrip("+").partition("=") for override in base.overrides)
    first = re.compile(r"[./]")
    return {
        key: text
        for key, _, text in pairs
        if key not in GROUP_CHOICES and first.split(key)[0] != "search"
    }


def run(name: str, settings: list[str]) -> None:
    """Run the pipeline as an experiment of this name, in a folder of its own.

    Raises:
        FathomError: it failed; the line is DVC's.
    """
    dvc = [sys.executable, "-m", "dvc", "exp"]
    subprocess.run([*dvc, "remove", "--quiet", name], capture_output=True)  # of a search before
    sets = [part for setting in settings for part in ("-S", setting)]
    done = subprocess.run(
        [*dvc, "run", "--temp", "--name", name, *sets],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    if done.returncode:
        lines = [line for line in done.stdout.splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")] or lines[-1:]
        raise FathomError(f"dvc exp run --name {name}: {' '.join(errors[:1])}")
