"""Columns are described and drawn as they are in the raw data."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import made_config, prepare_config

from fathom.artifacts.problem import Problem
from fathom.base import paths
from fathom.download.sources import RawTable
from fathom.report.column_summaries import summarize_columns
from fathom.report.distributions import (
    MAX_ROWS,
    bin_shares,
    category_shares,
    draw_distributions,
    sample_rows,
)

ROW_COUNT = 500
SUBSETS = {"training", "validation", "test"}


def table_of_all_kinds(extra: int = 0) -> RawTable:
    """Return a table with a column of each role, and as many numbers more."""
    generator = np.random.default_rng(3)
    sizes = generator.normal(80, 20, ROW_COUNT)
    towns = generator.choice([f"town {n}" for n in range(20)], ROW_COUNT)
    table = pd.DataFrame(
        {
            "size": np.where(generator.random(ROW_COUNT) < 0.1, np.nan, sizes),
            "town": pd.Series(towns).where(pd.Series(generator.random(ROW_COUNT) > 0.2)),
            "garden": generator.random(ROW_COUNT) > 0.5,
            "rooms": generator.integers(1, 7, ROW_COUNT),
            "sold": pd.Timestamp("2020-01-01") + pd.to_timedelta(np.arange(ROW_COUNT), "D"),
            "key": [f"row {n}" for n in range(ROW_COUNT)],
            "other key": np.arange(ROW_COUNT) * 2,
            "count": generator.integers(1, 9, ROW_COUNT),
            "rent": sizes * 10,
            "price": sizes * 1000,
        }
        | {f"extra {n}": generator.random(ROW_COUNT) for n in range(extra)}
    )
    return RawTable(table, "the test", "0" * 64)


def prepare(workspace: Path, extra: int = 0) -> pd.DataFrame:
    """Make that table a data set that is ready to be trained on, and return it."""
    dataset = {
        "source": {"_target_": f"{__name__}.table_of_all_kinds", "extra": extra},
        "task": "regression", "target": "price", "exclude": ["key", "other key"],
        "sample_weight": "count", "auxiliary": "rent", "categories": ["rooms"],
    }  # fmt: skip
    prepare_config(made_config(dataset))
    return pd.read_parquet("data/raw/made/data.parquet")


def test_columns_of_each_role(workspace: Path) -> None:
    table = prepare(workspace)
    columns = {column.name: column for column in summarize_columns("made")}
    assert list(columns) == list(table.columns)
    assert {name: column.role for name, column in columns.items()} == {
        "size": "number", "town": "category", "garden": "category", "rooms": "category",
        "sold": "date", "key": "excluded", "other key": "excluded", "count": "weight",
        "rent": "auxiliary", "price": "target",
    }  # fmt: skip
    assert {n: c.missing for n, c in columns.items()} == table.isna().sum().to_dict()
    size, town, sold = columns["size"], columns["town"], columns["sold"]
    assert (size.median, size.low, size.high) == tuple(table["size"].agg(["median", "min", "max"]))
    assert (size.type, sold.type) == ("float64", "datetime64[us]")
    assert (town.distinct, town.median) == (20, None)
    assert town.most_frequent in table["town"].mode().to_list()
    assert (sold.low, sold.high) == ("2020-01-01", "2021-05-14")
    assert columns["rooms"].distinct == table["rooms"].nunique()


def test_draws_target_and_features_until_there_are_too_many(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fathom.report.distributions.MAX_CHARTS", 8)
    prepare(workspace, extra=30)
    drawn = draw_distributions("made")
    charts = drawn["charts"]
    names = ["price", "rent", "size", "town", "garden", "rooms", "sold"]
    assert list(charts) == [*names, "extra 0"]
    assert (drawn["left_out"], drawn["sampled"]) == (29, False)
    assert all(f">{name}" in chart for name, chart in charts.items())
    assert all(f">{subset}<" in chart for chart in charts.values() for subset in SUBSETS)
    assert ">price (target)<" in charts["price"]
    assert "(10 others)" in charts["town"]
    assert "(missing)" in charts["town"]
    assert draw_distributions("made") == drawn


def split_column(column: "pd.Series[Any]") -> "dict[str, pd.Series[Any]]":
    rows = {subset: np.load(paths.split("made") / f"{subset}.npy") for subset in paths.SUBSETS}
    assert {subset: len(at) for subset, at in rows.items()} == Problem.read("made").rows
    return {subset: column.iloc[at] for subset, at in rows.items()}


def test_shares_are_those_of_the_rows(workspace: Path) -> None:
    table = prepare(workspace)
    for name in ("size", "rooms", "sold", "price"):
        shares = bin_shares(split_column(table[name]))
        assert set(shares["subset"]) == SUBSETS
        assert shares.groupby("subset")["share"].sum().to_numpy() == pytest.approx(1)
        edges = [list(bins["low"]) for _, bins in shares.groupby("subset")]
        assert edges[0] == edges[1] == edges[2]
    rooms = split_column(table["rooms"])
    shares = bin_shares(rooms).query("subset == 'validation'")
    expected = rooms["valid"].value_counts(normalize=True)
    middles = (shares["low"] + shares["high"]) / 2
    assert dict(zip(middles, shares["share"], strict=True)) == {
        float(number): expected.get(number, 0.0) for number in range(1, 7)
    }
    towns = split_column(table["town"])
    shares = category_shares(towns)
    assert shares.groupby("subset")["share"].sum().to_numpy() == pytest.approx(1)
    assert list(dict.fromkeys(shares["value"]))[-2:] == ["(10 others)", "(missing)"]
    drawn = shares.query("subset == 'training'").set_index("value")["share"]
    assert drawn["(missing)"] == towns["train"].isna().mean()
    known = towns["train"].value_counts() / len(towns["train"])
    for town in set(drawn.index) - {"(missing)", "(10 others)"}:
        assert drawn[town] == known[town]


def test_a_drift_is_seen() -> None:
    values = np.random.default_rng(0).normal(size=3000)
    subsets = {"train": values, "valid": values, "test": values + 3}
    shares = bin_shares({subset: pd.Series(column) for subset, column in subsets.items()})
    weighted = shares["share"] * (shares["low"] + shares["high"]) / 2
    means = weighted.groupby(shares["subset"]).sum()
    assert means["test"] - means["training"] == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("values", [[1.5, 1.5], [0.0, 1e300], [None, None], [2.0, None]])
def test_odd_columns_are_drawn(values: list[float | None]) -> None:
    column = pd.Series(values, dtype="float64")
    shares = bin_shares({"train": column, "valid": column, "test": column[:0]})
    assert shares["share"].sum() == pytest.approx(2 * column.notna().any())


def test_samples_of_many_rows_are_the_same_each_time() -> None:
    rows = {"train": np.arange(200_000), "valid": np.arange(50_000), "test": np.arange(10)}
    drawn = sample_rows(rows)
    assert sum(map(len, drawn.values())) <= MAX_ROWS
    assert all(len(set(at)) == len(at) for at in drawn.values())
    assert (drawn["test"] == rows["test"]).all()
    assert all((drawn[subset] == at).all() for subset, at in sample_rows(rows).items())
