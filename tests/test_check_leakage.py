"""Columns that reveal the target are found, and no others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from checks import check_table, giveaway, split_of

from fathom.artifacts.checks import Checks


@pytest.mark.parametrize(
    ("name", "metric"),
    [("same", "R² 1.000"), ("near", "R² 0.999"), ("code", "R² 0.999"), ("day", "R² 0.999")],
)
def test_finds_what_reveals_a_number(workspace: Path, name: str, metric: str) -> None:
    rng = np.random.default_rng(0)
    level = rng.integers(0, 100, 2000)
    y = level * 10 + rng.normal(0, 8, size=2000)
    columns = {
        "same": y,
        "near": 1000 - y * 1.1 + rng.normal(0, 10, 2000),
        "code": [f"no. {number}" for number in rng.permutation(100)[level]],
        "day": pd.Timestamp("2020-01-01") + pd.to_timedelta(level, "D"),
    }
    table = {"size": y + rng.normal(0, 100, 2000), name: columns[name], "y": y}
    (warning,) = check_table(table)
    assert (warning.kind, warning.columns) == ("giveaway", [name])
    assert warning.sentence == giveaway(name, metric)
    assert list(warning.figures) == ["R²"]
    assert check_table(table, exclude=[name]) == []


def test_finds_what_reveals_a_number_with_a_few_extreme_values(workspace: Path) -> None:
    y = np.exp(np.random.default_rng(3).normal(0, 2, 400))
    (warning,) = check_table({"total": y * 3 + 1, "y": y})
    assert warning.sentence == giveaway("total", "R² of ranks 0.999")


def test_a_strong_column_gives_no_warning(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=20_000)
    table = {"strong": y + rng.normal(0, 0.12, 20_000), "y": y}  # R² 0.986 at best
    assert check_table(table) == []


@pytest.mark.parametrize("name", ["missing", "note", "limit", "code"])
@pytest.mark.parametrize("rare", [0.02, 0.4])
def test_finds_what_reveals_a_class(workspace: Path, name: str, rare: float) -> None:
    rng = np.random.default_rng(0)
    sick = rng.random(2000) < rare
    number, size = rng.integers(0, 40, 2000), rng.normal(size=2000)
    columns = {
        "missing": np.where(sick, np.nan, size),
        "note": [f"note {row}" if ill else None for row, ill in enumerate(sick)],
        "limit": np.abs(size) + np.where(sick, 5, 0),
        "code": [f"{2 * digit + ill}" for digit, ill in zip(number, sick, strict=True)],
    }
    table = {"size": size, name: columns[name], "y": np.where(sick, "yes", "no")}
    categories = ["code"] if name == "code" else []
    warnings = check_table(table, task="classification", categories=categories)
    found = [warning.sentence for warning in warnings if warning.kind == "giveaway"]
    assert found == [giveaway(name, "balanced accuracy 1.000")]


def test_finds_what_reveals_a_class_and_some_rows_of_another(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    sick = rng.random(8000) < 0.003
    flag = sick | (rng.random(8000) < 0.008)
    table = {"flag": flag, "size": rng.normal(size=8000), "y": np.where(sick, "yes", "no")}
    (warning,) = check_table(table, task="classification")
    assert (warning.kind, warning.columns) == ("giveaway", ["flag"])


def test_a_large_class_gives_no_warning(workspace: Path) -> None:
    y = np.where(np.random.default_rng(0).random(3000) < 0.003, "yes", "no")
    assert check_table({"size": np.arange(3000) % 50, "y": y}, task="classification") == []


def test_validation_rows_alone_give_no_warning(workspace: Path) -> None:
    valid = split_of(2000)["valid"]
    rng = np.random.default_rng(0)
    y = rng.normal(size=2000)
    hint = np.where(rng.random(2000) < 0.05, 0, y)
    assert check_table({"hint": hint, "y": y}) == []
    hint[valid] = y[valid]
    assert check_table({"hint": hint, "y": y}) == []
    assert [w.kind for w in check_table({"hint": y, "y": y})] == ["giveaway"]


def test_many_rows_give_the_same_warning_each_time(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    y = rng.normal(size=60_000)
    table = {"near": y + rng.normal(0, 0.08, 60_000), "y": y}
    first = check_table(table)
    before = Path("data/checks/made.json").read_bytes()
    assert [warning.sentence for warning in first] == [giveaway("near", "R² 0.993")]
    assert check_table(table) == first == Checks.read("made").warnings
    assert Path("data/checks/made.json").read_bytes() == before
