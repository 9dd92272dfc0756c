"""Tables and images of a user, and a project that can take them in."""

import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fathom.new_dataset import placement

N = 200
RNG = np.random.default_rng(0)
NUMBERS = RNG.normal(size=N).round(3)
WORDS = RNG.choice(["red", "green", "blue"], N)
UUIDS = [f"{n:08x}-0000-4000-8000-{n:012x}" for n in range(N)]


def copy(file: Path, out: Path | None) -> None:
    """Stand for `dvc add`, to save its 2 seconds."""
    if out is not None:
        (shutil.copytree if file.is_dir() else shutil.copy)(file, out)
    (out or file).with_name(f"{(out or file).name}.dvc").touch()


def make_project(folder: Path, patch: pytest.MonkeyPatch) -> Path:
    """Make a folder that has settings a project, with a copy in place of `dvc add`."""
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").touch()
    patch.setattr(placement, "dvc_add", copy)
    return folder


def write_houses(folder: Path, rows: int = N) -> Path:
    """Write a table of columns of all kinds, as a German spreadsheet does."""
    days = pd.date_range("2020-01-01", periods=rows)
    table = pd.DataFrame(
        {
            "id": range(1, rows + 1),
            "sold": days.strftime("%d/%m/%Y"),
            "rooms": RNG.integers(1, 8, rows).astype(str),
            "area": RNG.normal(100, 20, rows).round(1),
            "garden": RNG.choice(["true", "false"], rows),
            "city": RNG.choice(["Köln", "Bonn"], rows),
            "notes": [f"house number {n}" for n in range(rows)],
            "country": "DE",
            "price": RNG.normal(300, 50, rows).round(2),
        }
    )
    table.loc[3, "rooms"] = "?"
    table["area copied"] = table["area"]
    file = folder / "Häuser 2020.csv"
    table.to_csv(file, sep=";", decimal=",", index=False, encoding="cp1252")
    return file


def write_image(file: Path, size: tuple[int, int] = (6, 5), colour: Any = 7) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(file)
