"""What `fathom doctor` says of one thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

State = Literal["ok", "warning", "wrong"]


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. `wrong` is what must be mended, `warning` what may be."""

    state: State
    what: str


def counted(files: Sequence[Path | str]) -> str:
    """Return how many files there are, and which is the first."""
    return f"{len(files)}, the first of them {shown(files[0])}"


def shown(path: Path | str) -> str:
    """Return a path from this folder on, if it is in it; an address as it is."""
    inside = isinstance(path, Path) and path.is_relative_to(Path.cwd())
    return str(Path(path).relative_to(Path.cwd())) if inside else str(path)
