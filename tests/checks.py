"""Data sets with planted faults, for tests of the stage `check`."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import made_config
from numpy.typing import NDArray

from fathom.artifacts.checks import DataWarning
from fathom.check.check import check
from fathom.download.download import download
from fathom.download.images import RawImages
from fathom.download.sources import RawTable
from fathom.settings.config import DatasetConfig
from fathom.split.split import split

Table = dict[str, Any]
IN_ORDER = "split.shuffle=false"


def saved_table(file: str) -> RawTable:
    return RawTable(pd.read_parquet(file), "the test", "")


def saved_images(file: str) -> RawImages:
    arrays = np.load(file)
    return RawImages(arrays["images"], arrays["labels"], ["cat", "dog", "eel"], "the test", "")


def saved_config(
    kind: str, *overrides: str, target: str = "y", task: str = "regression", **settings: Any
) -> DatasetConfig:
    """Return settings of the data set that `check_table` or `check_images` saves."""
    source = {"_target_": f"{__name__}.saved_{kind}", "file": f"made.{kind}"}
    dataset = {"source": source, "task": task, "target": target} | settings
    return made_config(dataset, *overrides)


def run_check(config: DatasetConfig) -> list[DataWarning]:
    download(config)
    split(config)
    return check(config).warnings


def check_table(
    table: Table, *overrides: str, config: DatasetConfig | None = None, **settings: Any
) -> list[DataWarning]:
    pd.DataFrame(table).to_parquet("made.table")
    return run_check(config or saved_config("table", *overrides, **settings))


def check_images(
    images: NDArray[np.uint8], labels: NDArray[np.int64], *overrides: str
) -> list[DataWarning]:
    with Path("made.images").open("wb") as file:
        np.savez(file, images=images, labels=labels)
    task = "classification"
    return run_check(saved_config("images", *overrides, target="label", task=task))


def rows_of(subset: str) -> NDArray[np.int64]:
    """Return the rows of a set of the data set that was checked last."""
    rows: NDArray[np.int64] = np.load(f"data/split/made/{subset}.npy")
    return rows


def split_of(rows: int) -> dict[str, NDArray[np.int64]]:
    """Return the rows of each set for a table of so many rows."""
    check_table({"x": np.arange(rows), "y": np.arange(rows) * 7.0 % 97})
    return {subset: rows_of(subset) for subset in ("train", "valid", "test")}


def clean(rows: int, seed: int) -> Table:
    """Return a table with all kinds of columns, and two targets that depend on them."""
    rng = np.random.default_rng(seed)
    size, town = rng.normal(size=rows), rng.choice(["x", "y", "z"], rows, p=[0.5, 0.3, 0.2])
    price = rng.lognormal(size + (town == "x"), 0.3)
    return {
        "size": np.where(rng.random(rows) < 0.2, np.nan, size),
        "age": rng.integers(0, 90, rows),
        "rooms": rng.integers(1, 4, rows),
        "town": pd.Series(town).mask(rng.random(rows) < 0.1),
        "new": rng.random(rows) < 0.02,
        "built": pd.Timestamp("2020-01-01") + pd.to_timedelta(rng.integers(0, 900, rows), "D"),
        "price": price,
        "dear": np.where(price > 2, "yes", "no"),
    }


def different(rows: int) -> Table:
    """Return a table without equal rows, with missing values and a category."""
    rng = np.random.default_rng(0)
    gaps = np.where(rng.random(rows) < 0.3, np.nan, rng.integers(0, 4, rows))
    town = rng.choice(np.array(["x", "y", None]), rows)
    return {"gaps": gaps, "size": rng.normal(size=rows), "town": town, "y": rng.normal(size=rows)}


def copy_rows(table: Table, source: NDArray[np.int64], to: NDArray[np.int64], *but: str) -> Table:
    """Copy rows of a table over others, except some columns."""
    copied = {name: values.copy() for name, values in table.items()}
    for name in set(table) - set(but):
        copied[name][to] = table[name][source]
    return copied


def giveaway(column: str, metric: str) -> str:
    return (
        f"{column!r} alone predicts 'y' ({metric}): exclude it with `{column}: {{use: false}}` in "
        "dataset.columns, unless it is known before 'y'"
    )


def few_seeds_fast(few: int, every: int) -> pytest.MarkDecorator:
    """Run a test with a few seeds, and a slow test with the others."""
    others = pytest.param(range(few, every), marks=pytest.mark.slow, id="others")
    return pytest.mark.parametrize("seeds", [pytest.param(range(few), id="few"), others])
