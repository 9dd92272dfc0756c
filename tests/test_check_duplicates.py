"""Planted copies of rows in two sets are found, and told from rows that are equal by chance."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from checks import Table, check_images, check_table, copy_rows, different, rows_of, split_of
from conftest import dataset_config

from fathom.check.check import check
from fathom.check.duplicates import find_equal, hash_values
from fathom.download.download import download
from fathom.split.split import split

NAMES = {"train": "training", "valid": "validation", "test": "test"}


def copies(count: int, total: int, subset: str, other: str, row: int, twin: int, y: str) -> str:
    return (
        f"{count} of {total} {NAMES[subset]} rows ({count / total:.1%}; up to 1% is ignored) are "
        f"also in the {NAMES[other]} set, with the same {y!r}, such as row {row}, equal to row "
        f"{twin}: metrics of the {NAMES[subset]} set look too good; remove duplicates before the "
        "split"
    )


@pytest.mark.parametrize(
    ("other", "subset"), [("train", "test"), ("train", "valid"), ("valid", "test")]
)
def test_finds_copies_between_two_sets(workspace: Path, other: str, subset: str) -> None:
    subsets = split_of(1000)
    source, to = subsets[other][:9], subsets[subset][20:29]
    (warning,) = check_table(copy_rows(different(1000), source, to))
    total, row, twin = len(subsets[subset]), int(to[0]), int(source[0])
    assert (warning.kind, warning.columns) == ("duplicates", ["gaps", "size", "town", "y"])
    assert warning.figures == {"rows": 9, "of": total, "by_chance": 0, "row": row, "as_row": twin}
    assert warning.sentence == copies(9, total, subset, other, row, twin, "y")


@pytest.mark.parametrize(
    ("rows", "count", "found"), [(4000, 10, 0), (4000, 11, 1), (100, 2, 0), (100, 3, 1)]
)
def test_ignores_few_copies(workspace: Path, rows: int, count: int, found: int) -> None:
    subsets = split_of(rows)
    table = copy_rows(different(rows), subsets["train"][:count], subsets["test"][:count])
    assert len(check_table(table)) == found


@pytest.mark.parametrize(
    ("but", "settings", "found"),
    [
        ("y", {}, 0),
        ("size", {}, 0),
        ("size", {"exclude": ["size"]}, 1),
        ("size", {"sample_weight": "size"}, 1),
        ("size", {"auxiliary": "size"}, 1),
    ],
)
def test_rows_are_equal_in_features_and_target(
    workspace: Path, but: str, settings: Table, found: int
) -> None:
    subsets = split_of(1000)
    table = copy_rows(different(1000), subsets["train"][:20], subsets["test"][:20], but)
    table["size"] = np.abs(table["size"])
    assert [warning.kind for warning in check_table(table, **settings)] == ["duplicates"] * found


def test_finds_a_class_that_was_oversampled_before_the_split(workspace: Path) -> None:
    table = pd.DataFrame(different(600)).drop(columns="y")
    table["y"] = np.where(np.arange(600) < 60, "rare", "common")
    more = pd.concat([table, *[table[:60]] * 8], ignore_index=True)
    warnings = check_table(dict(more), task="classification")
    assert [warning.kind for warning in warnings] == ["duplicates"] * 3
    assert all(0.3 < w.figures["rows"] / w.figures["of"] < 0.6 for w in warnings)


def test_tells_copies_from_rows_equal_by_chance(workspace: Path) -> None:
    config = dataset_config("adult_census")
    download(config)
    subsets = split(config)
    file = "data/raw/adult_census/data.parquet"
    table = pd.read_parquet(file)
    columns = [name for name in table if name != "fnlwgt"]
    copied = table.loc[subsets["train"][:800], columns].to_numpy()
    table.loc[subsets["test"][:800], columns] = copied
    table.to_parquet(file)
    (warning,) = check(config).warnings
    assert (warning.kind, warning.figures["of"]) == ("duplicates", 16281)
    assert 200 < warning.figures["rows"] < 500  # of the 800; the others are common rows
    by_chance = warning.figures["by_chance"]
    assert by_chance > 2000
    more = f"; {by_chance:,} more are not counted, as they may be equal by chance: metrics of the"
    assert more in warning.sentence


@pytest.mark.parametrize("seed", range(5))
def test_equal_rows_are_those_of_a_dictionary(seed: int) -> None:
    rng = np.random.default_rng(seed)
    table = pd.DataFrame(
        {
            "a": rng.choice([0.0, -0.0, np.nan, 1.0, 1e-300, 3.0], 400),
            "b": rng.choice(np.array(["x", "y", None, "nan"], dtype=object), 400),
            "c": rng.integers(0, 5, 400).astype(float),
        }
    )
    known: dict[tuple[Any, ...], int] = {}
    rows = [tuple(None if pd.isna(v) else v for v in row) for row in table.itertuples(index=False)]
    for number, row in enumerate(rows[:250]):
        known.setdefault(row, number)
    keys = hash_values(table)
    places, twins = find_equal(keys[:250], keys[250:])
    assert dict(zip(places.tolist(), twins.tolist(), strict=True)) == {
        number: known[row] for number, row in enumerate(rows[250:]) if row in known
    }
    assert 50 < len(places) < 150


def test_finds_copies_of_images(workspace: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 256, (400, 4, 4), np.uint8), rng.integers(0, 3, 400)
    check_images(images, labels)
    train, test = rows_of("train"), rows_of("test")
    pairs = [(row, train[labels[train] == labels[row]][0]) for row in test[:7]]
    for row, twin in pairs:
        images[row] = images[twin]
    (warning,) = check_images(images, labels)
    assert (warning.kind, warning.columns) == ("duplicates", ["pixels", "label"])
    assert warning.sentence == copies(7, 100, "test", "train", *pairs[0], "label")
