"""Files and settings with a mistake each, and the good table that most of them are made from."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from PIL import Image
from stages import write_dataset

ROWS = 60


def houses(**columns: Any) -> pd.DataFrame:
    """Return a good table, with given columns replaced or added."""
    rng = np.random.default_rng(0)
    table = {
        "size": rng.normal(100, 20, ROWS).round(1),
        "rooms": rng.integers(1, 6, ROWS),
        "town": rng.choice(["Ulm", "Bonn", "Kiel"], ROWS),
        "sold": pd.date_range("2020-01-01", periods=ROWS).strftime("%Y-%m-%d"),
        "price": rng.normal(300, 50, ROWS).round(1),
    }
    return pd.DataFrame(table | columns)


def put(values: Any, row: int, value: Any) -> list[Any]:
    """Return values with another one in a row."""
    return [value if number == row else given for number, given in enumerate(values)]


def text(**columns: Any) -> bytes:
    return houses(**columns).to_csv(index=False).encode()


def lines(edit: Callable[[list[str]], list[str]]) -> bytes:
    """Return the good table as CSV, some of its lines edited."""
    return "\n".join(edit(text().decode().splitlines())).encode()


def parquet(table: pd.DataFrame) -> bytes:
    stream = io.BytesIO()
    table.to_parquet(stream)
    return stream.getvalue()


GOOD = houses()
AUXILIARY = {"auxiliary": "size"}
WEIGHT = {"sample_weight": "rooms"}
IN_ORDER = {"split": {"shuffle": False}}
UNSCALED = {"scale": {"features": "none"}}
HUGE = -1.7976931348623157e308
DATES = parquet(houses(sold=pd.date_range("2020-01-01", periods=ROWS)))
PIXELS = np.zeros((10, 4, 4), np.uint8)
LABELS = np.arange(10) % 2
OBJECTS = np.array([{}] * 10, dtype=object)


def npz(**arrays: Any) -> bytes:
    stream = io.BytesIO()
    np.savez(stream, **arrays)
    return stream.getvalue()


def png(height: int, width: int) -> bytes:
    stream = io.BytesIO()
    pixels = np.random.default_rng(0).integers(0, 256, (height, width), np.uint8)
    Image.fromarray(pixels).save(stream, "PNG")
    return stream.getvalue()


def source(function: str, key: str, path: str) -> dict[str, Any]:
    return {"_target_": f"fathom.download.sources.{function}", key: f"data/own/{path}"}


def dates(form: str) -> dict[str, Any]:
    return {"columns": {"sold": {"kind": "date", "format": form}}}


TABLE = {"task": "regression", "target": "price"}
IMAGES = {"task": "classification", "source": source("image_folder", "folder", "pictures")}
REGRESSION = IMAGES | {"task": "regression"}
ARRAYS = {"task": "classification", "source": source("image_arrays", "file", "houses.npz")}


@dataclass(frozen=True)
class Case:
    """What is wrong: a file's content or those of a folder, and settings of the data set."""

    wrong: str
    content: bytes | dict[str, bytes] | None
    settings: dict[str, Any] = field(default_factory=dict)
    others: dict[str, Any] = field(default_factory=dict)
    suffix: str = ".csv"

    def write(self, folder: Path) -> None:
        """Put the files and the settings into a project."""
        own = folder / "data/own"
        own.mkdir(parents=True)
        (own / "house.csv").write_text("a,b\n1,2\n")
        files = self.content
        if isinstance(files, dict):
            (own / "pictures").mkdir()
            files = {f"pictures/{name}": content for name, content in files.items()}
        else:
            files = {} if files is None else {f"houses{self.suffix}": files}
        for name, content in files.items():
            (own / name).parent.mkdir(exist_ok=True)
            if name.endswith("/"):
                (own / name).mkdir()
            else:
                (own / name).write_bytes(content)
        given = self.settings.get("source", {})
        if "folder" not in given:
            given = source("table_file", "file", f"houses{self.suffix}") | given
        dataset = TABLE | self.settings | {"source": given}
        write_dataset(folder, "houses", dataset, **self.others)
