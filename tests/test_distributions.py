"""Columns are described and drawn as they are in the raw data."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import dataset_config

from fathom.artifacts.problem import Problem
from fathom.base import paths
from fathom.download.download import download
from fathom.download.sources import RawTable
from fathom.report.column_summaries import ColumnSummary, summaries
from fathom.report.distributions import (
    ROWS,
    binned_shares,
    category_shares,
    distributions,
    sample,
)
from fathom.scale.scale import scale
from fathom.split.split import split

ROW_COUNT = 500
PARTS = {"training", "validation", "test"}


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
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": dataset})
    (workspace / "conf/dataset/made.yaml").write_text(text)
    config = dataset_config("made")
    download(config)
    split(config)
    scale(config)
    return pd.read_parquet("data/raw/made/data.parquet")


def drawings(html: str) -> list[ElementTree.Element]:
    found = re.findall(r"<svg role=.*?</svg>", html, re.DOTALL)
    return [ElementTree.fromstring(drawing) for drawing in found]


def test_columns_of_each_role(workspace: Path) -> None:
    table = prepare(workspace)
    found = {column.name: column for column in summaries("made")}
    assert list(found) == list(table.columns)
    assert {name: column.role for name, column in found.items()} == {
        "size": "number", "town": "category", "garden": "category", "rooms": "category",
        "sold": "date", "key": "excluded", "other key": "excluded", "count": "weight",
        "rent": "auxiliary", "price": "target",
    }  # fmt: skip
    assert {n: c.missing for n, c in found.items()} == table.isna().sum().to_dict()
    size, town, sold = found["size"], found["town"], found["sold"]
    assert (size.median, size.low, size.high) == tuple(table["size"].agg(["median", "min", "max"]))
    assert (town.distinct, town.median) == (20, None)
    assert town.most_frequent in table["town"].mode().to_list()
    assert (sold.low, sold.high) == ("2020-01-01", "2021-05-14")
    assert found["rooms"].distinct == table["rooms"].nunique()


def test_california_is_described_as_pandas_does(trainable: Path) -> None:
    table = pd.read_parquet("data/raw/california_housing/data.parquet")
    for column in summaries("california_housing"):
        values = table[column.name]
        assert column == ColumnSummary(
            name=column.name, type="float64",
            role="target" if column.name == "MedHouseVal" else "number", missing=0,
            median=values.median(), low=values.min(), high=values.max(),
        )  # fmt: skip
    assert summaries("digits") == []


def test_draws_target_and_features_but_nothing_else(workspace: Path) -> None:
    prepare(workspace)
    drawn = distributions("made")
    assert drawn.columns == ["price", "rent", "size", "town", "garden", "rooms", "sold"]
    assert (drawn.left_out, drawn.sampled) == (0, False)
    found = drawings(drawn.html)
    assert len(found) == len(drawn.columns)
    assert distributions("made") == drawn
    for name, drawing in zip(drawn.columns, found, strict=True):
        assert drawing.attrib["width"] == "220"
        assert name in drawing.attrib["aria-label"]
    assert 'fill="#000"' not in drawn.html
    assert "(price)" not in drawn.html
    assert "price (target)" in drawn.html
    assert "(10 others)" in drawn.html
    assert "(missing)" in drawn.html


def test_many_columns_are_left_out(workspace: Path) -> None:
    prepare(workspace, extra=30)
    drawn = distributions("made")
    assert (len(drawn.columns), drawn.left_out) == (24, 7 + 30 - 24)
    assert drawn.html.count("<svg role=") == 24


def test_classes_of_images(trainable: Path) -> None:
    drawn = distributions("digits")
    assert drawn.columns == ["label"]
    texts = [element.text for element in drawings(drawn.html)[0].iter() if element.text]
    assert [text for text in texts if text in "0123456789"] == list("0123456789")


def parts_of(column: "pd.Series[Any]", dataset: str) -> "dict[str, pd.Series[Any]]":
    rows = {p: np.load(paths.split(dataset) / f"{p}.npy") for p in paths.SUBSETS}
    assert {p: len(r) for p, r in rows.items()} == Problem.read(dataset).rows
    return {part: column.iloc[at] for part, at in rows.items()}


def test_shares_of_a_part_add_up_to_one(workspace: Path) -> None:
    table = prepare(workspace)
    for name in ("size", "rooms", "sold", "price"):
        shares = binned_shares(parts_of(table[name], "made"))
        assert set(shares["part"]) == PARTS
        assert shares.groupby("part")["share"].sum().to_numpy() == pytest.approx(1)
        edges = [list(bins["low"]) for _, bins in shares.groupby("part")]
        assert edges[0] == edges[1] == edges[2]
    shares = category_shares(parts_of(table["town"], "made"))
    assert shares.groupby("part")["share"].sum().to_numpy() == pytest.approx(1)
    assert list(dict.fromkeys(shares["value"]))[-2:] == ["(10 others)", "(missing)"]


def test_shares_are_those_of_the_rows(workspace: Path) -> None:
    table = prepare(workspace)
    parts = parts_of(table["rooms"], "made")
    shares = binned_shares(parts).query("part == 'validation'")
    expected = parts["valid"].value_counts(normalize=True)
    whole = (shares["low"] + shares["high"]) / 2
    assert dict(zip(whole, shares["share"], strict=True)) == {
        float(number): expected.get(number, 0.0) for number in range(1, 7)
    }
    towns = parts_of(table["town"], "made")
    drawn = category_shares(towns).query("part == 'training'").set_index("value")["share"]
    assert drawn["(missing)"] == towns["train"].isna().mean()
    known = towns["train"].value_counts(normalize=False) / len(towns["train"])
    for town in set(drawn.index) - {"(missing)", "(10 others)"}:
        assert drawn[town] == known[town]


def test_a_drift_is_seen() -> None:
    values = np.random.default_rng(0).normal(size=3000)
    parts = {"train": values, "valid": values, "test": values + 3}
    shares = binned_shares({part: pd.Series(column) for part, column in parts.items()})
    means = shares["share"].mul((shares["low"] + shares["high"]) / 2).groupby(shares["part"]).sum()
    assert means["test"] - means["training"] == pytest.approx(3, abs=0.1)


@pytest.mark.parametrize("values", [[1.5, 1.5], [0.0, 1e300], [None, None], [2.0, None]])
def test_odd_columns_are_drawn(values: list[float | None]) -> None:
    column = pd.Series(values, dtype="float64")
    shares = binned_shares({"train": column, "valid": column, "test": column[:0]})
    assert shares["share"].sum() == pytest.approx(2 * column.notna().any())


def test_samples_of_many_rows_are_the_same_each_time() -> None:
    rows = {"train": np.arange(200_000), "valid": np.arange(50_000), "test": np.arange(10)}
    drawn = sample(rows)
    assert sum(map(len, drawn.values())) <= ROWS
    assert all(len(set(at)) == len(at) for at in drawn.values())
    assert (drawn["test"] == rows["test"]).all()
    assert all((drawn[part] == at).all() for part, at in sample(rows).items())
