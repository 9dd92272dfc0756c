"""Tables and images of a user, and a project that can take them in."""

import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from stages import run_command

from fathom.new_dataset.column_guess import ColumnGuess
from fathom.new_dataset.infer_columns import infer_columns

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
    """Make a folder with settings a project, in which files are copied in place of `dvc add`."""
    (folder / ".dvc").mkdir()
    (folder / ".dvc/config").touch()
    patch.setattr("fathom.new_dataset.new_dataset.dvc_add", copy)
    return folder


def new_dataset(*arguments: object) -> str:
    """Run the command, which must succeed, and return what it prints."""
    done = run_command("new-dataset", *arguments)
    assert done.status == 0, done
    return done.out


def houses(rows: int = N) -> pd.DataFrame:
    """Return a table of columns of all kinds, whose prices can be learned."""
    rng = np.random.default_rng(5)
    area = rng.normal(100, 20, rows).round(1)
    city = rng.choice(["Köln", "Bonn"], rows)
    price = area * np.where(city == "Köln", 5, 3) + rng.normal(0, 10, rows)
    table = pd.DataFrame(
        {
            "id": range(1, rows + 1),
            "sold": pd.date_range("2020-01-01", periods=rows).strftime("%d/%m/%Y"),
            "rooms": rng.integers(1, 8, rows).astype(str),
            "area": area,
            "garden": rng.choice(["true", "false"], rows),
            "city": pd.Series(city).mask(rng.random(rows) < 0.1),
            "notes": [f"house number {n}" for n in range(rows)],
            "country": "DE",
            "price": price.round(2),
            "area copied": area,
        }
    )
    table.loc[3::20, "rooms"] = "?"
    table.loc[7, "price"] = None
    return table


def every_kind(rng: np.random.Generator, rows: int, missing: float, rooms: int) -> pd.DataFrame:
    """Return a table with every kind of column; `size` and `town` have missing values."""
    return pd.DataFrame(
        {
            "size": np.where(rng.random(rows) < missing, np.nan, rng.normal(100, 20, rows)),
            "town": pd.Series(rng.integers(0, 4, rows)).map({0: "x", 1: "y", 2: "z"}),
            "rooms": rng.integers(1, rooms, rows),
            "sold": pd.Timestamp("2020-01-01")
            + pd.to_timedelta(rng.integers(0, 700, rows), unit="D"),
            "rent": rng.lognormal(1, 1, rows),
        }
    )


def write_spreadsheet(table: pd.DataFrame, file: Path) -> Path:
    """Write a table as a German spreadsheet does."""
    table.to_csv(file, sep=";", decimal=",", index=False, encoding="cp1252")
    return file


def write_houses(folder: Path) -> Path:
    return write_spreadsheet(houses(), folder / "Häuser 2020.csv")


def write_image(file: Path, size: tuple[int, int] = (6, 5), colour: Any = 7) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L" if isinstance(colour, int) else "RGB", size, colour).save(file)


def as_in_a_file(**columns: Any) -> pd.DataFrame:
    """Return columns as the texts of a CSV file."""
    file = io.StringIO(pd.DataFrame(columns).to_csv(index=False))
    return pd.read_csv(file, dtype="str", keep_default_na=False)


def guess(values: Any, target: str | None = None, **others: Any) -> ColumnGuess:
    return infer_columns(as_in_a_file(x=values, **others), target)[0]
