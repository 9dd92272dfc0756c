"""Every row is in one set, as scikit-learn, the shares and the seed determine."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config
from hypothesis import example, given
from hypothesis import settings as settings_of
from hypothesis import strategies as st
from sklearn.model_selection import train_test_split

from fathom.artifacts.schema import RawSource, Schema, SchemaColumn
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.download.download import download
from fathom.settings.data_settings import SplitSettings
from fathom.split.split import Labels, Rows, split, split_rows, subset_rows

settings_of_hypothesis = settings_of(
    max_examples=50, derandomize=True, deadline=None, database=None
)


def schema(rows: int, test_rows: int = 0) -> Schema:
    return Schema(
        name="made",
        kind="table",
        task="regression",
        rows=rows,
        target="y",
        test_rows=test_rows,
        source=RawSource(origin="the test", sha256=""),
    )


def settings(test: float | str = 0.25, valid: float = 0.1875, **others: Any) -> SplitSettings:
    defaults = {"shuffle": True, "stratify": "auto", "valid_first": False, "seed": 42}
    defaults |= {"hash": "auto", "key": None}
    return SplitSettings.model_validate({"test": test, "valid": valid} | defaults | others)


def write_raw(table: pd.DataFrame) -> None:
    folder = paths.raw("made")
    folder.mkdir(parents=True, exist_ok=True)
    table.to_parquet(folder / "data.parquet")


def split_all(schema: Schema, labels: Labels | None, settings: SplitSettings) -> dict[str, Rows]:
    """Split data in which every row has a target."""
    return split_rows(schema, np.arange(schema.rows), labels, settings)


def labels(*counts: int) -> Labels:
    return np.repeat([chr(ord("a") + number) for number in range(len(counts))], counts)


def test_california_has_the_rows_of_two_successive_calls(workspace: Path) -> None:
    config = dataset_config("california_housing")
    download(config)
    split(config)
    rest, test = train_test_split(np.arange(20640), test_size=0.25, random_state=42)
    train, valid = train_test_split(rest, test_size=0.25, random_state=42)
    folder = Path("data/split/california_housing")
    for subset, rows in (("train", train), ("valid", valid), ("test", test)):
        np.testing.assert_array_equal(np.load(folder / f"{subset}.npy"), rows)
    sizes = json.loads((folder / "split.json").read_text())
    assert sizes == {"train": 11610, "valid": 3870, "test": 5160}
    assert len(list(folder.iterdir())) == 4


@st.composite
def divisions(draw: st.DrawFn) -> tuple[int, float | int, float | int, int | None]:
    """Return a number of rows, the sizes of the test and validation subsets, and of a rare class.

    All subsets have rows of both classes where there are two.
    """
    rows = draw(st.integers(60, 400))
    test, valid = (draw(st.integers(8, rows // 3)) for _ in range(2))
    shares = [draw(st.sampled_from([size, (size - 0.5) / rows])) for size in (test, valid)]
    return rows, shares[0], shares[1], draw(st.none() | st.integers(30, rows // 2))


@settings_of_hypothesis
@given(
    division=divisions(),
    order=st.sampled_from(["by chance", "training first", "validation first"]),
    seed=st.integers(0, 2**32 - 1),
)
@example(division=(1000, 400, 500, None), order="by chance", seed=2**32 - 1)
@example(division=(1000, 0.07, 0.001 * 13, 333), order="by chance", seed=0)
@example(division=(97, 0.5, 11, None), order="training first", seed=7)
@example(division=(20, 0.25, 0.1875, 10), order="by chance", seed=0)
def test_subsets_are_disjoint_complete_and_repeatable(
    division: tuple[int, float | int, float | int, int | None],
    order: str,
    seed: int,
) -> None:
    rows, test, valid, rare = division
    names = None if rare is None else labels(rare, rows - rare)
    chosen = settings(
        test,
        valid,
        shuffle=order == "by chance",
        valid_first=order == "validation first",
        seed=seed,
    )
    subsets = split_all(schema(rows), names, chosen)
    assert sorted(np.concatenate(list(subsets.values()))) == list(range(rows))
    for subset, share in (("test", test), ("valid", valid)):
        expected = math.ceil(share * rows) if isinstance(share, float) else share
        assert len(subsets[subset]) == expected
    if order != "by chance":
        assert all(list(subset) == sorted(subset) for subset in subsets.values())
    again = split_all(schema(rows), names, chosen)
    assert {subset: list(found) for subset, found in subsets.items()} == {
        subset: list(found) for subset, found in again.items()
    }


def test_another_seed_gives_other_rows() -> None:
    first, second = (split_all(schema(100), None, settings(seed=seed)) for seed in (1, 2))
    for subset in first:
        assert set(first[subset]) != set(second[subset])


@pytest.mark.parametrize("stratify", [True, "auto"])
@pytest.mark.parametrize("seed", range(5))
def test_stratified_subsets_have_the_same_shares(stratify: bool | str, seed: int) -> None:
    classes = np.random.default_rng(0).permutation(labels(30, 170, 800))
    subsets = split_all(schema(1000), classes, settings(0.2, 0.1, stratify=stratify, seed=seed))
    for subset, share in (("train", 0.7), ("valid", 0.1), ("test", 0.2)):
        counts = np.unique(classes[subsets[subset]], return_counts=True)[1]
        np.testing.assert_allclose(counts, share * np.array([30, 170, 800]), atol=1)


def test_without_stratify_shares_are_left_to_chance() -> None:
    classes = labels(30, 170, 800)
    rows = split_all(schema(1000), classes, settings(stratify=False))
    same = split_all(schema(1000), None, settings(stratify="auto"))
    assert {subset: list(r) for subset, r in rows.items()} == {p: list(r) for p, r in same.items()}


@pytest.mark.parametrize("names", [None, labels(10, 10)])
def test_in_order_puts_training_first_and_test_last(names: Labels | None) -> None:
    subsets = split_all(schema(20), names, settings(0.25, 4, shuffle=False))
    assert {subset: list(rows) for subset, rows in subsets.items()} == {
        "train": list(range(11)),
        "valid": list(range(11, 15)),
        "test": list(range(15, 20)),
    }


@pytest.mark.parametrize("shuffle", [True, False])
def test_own_keeps_the_test_set_of_the_data(shuffle: bool) -> None:
    subsets = split_all(schema(100, test_rows=30), None, settings("own", 0.2, shuffle=shuffle))
    assert list(subsets["test"]) == list(range(70, 100))
    assert len(subsets["valid"]) == 20  # of all rows, not of the remaining
    assert sorted([*subsets["train"], *subsets["valid"]]) == list(range(70))


NO_TARGET = (
    "split.test: no row of the own test set of made has a 'y', so nothing can be evaluated on it; "
    "set a fraction or a number of rows, and predict its rows with `fathom predict`"
)


@pytest.mark.parametrize("by_hash", [True, "auto"])
def test_own_test_set_without_a_target(workspace: Path, by_hash: bool | str) -> None:
    table = pd.DataFrame({"y": [1.0] * 70 + [None] * 30})
    write_raw(table)
    with pytest.raises(FathomError) as caught:
        subset_rows(schema(100, test_rows=30), settings("own", 0.2, hash=by_hash))
    assert str(caught.value) == NO_TARGET


@pytest.mark.parametrize("keys", [range(300), [n / 2 for n in range(300)]])
def test_a_row_keeps_its_set_when_its_key_becomes_text(workspace: Path, keys: Any) -> None:
    chosen = settings(0.25, 0.2, hash=True, key=["k"])
    table = pd.DataFrame({"k": keys, "y": 1.0})
    texts = [str(key).removesuffix(".0") for key in keys]
    sets = []
    for rows in (table, pd.DataFrame({"k": [*texts, "new"], "y": 1.0})):
        write_raw(rows)
        columns = [SchemaColumn(name="k", type="")]
        raw = schema(len(rows)).model_copy(update={"columns": columns})
        subsets = subset_rows(raw, chosen)
        sets.append({row: name for name, numbers in subsets.items() for row in numbers})
    sets[1].pop(300)
    assert sets[0] == sets[1]


def test_own_test_set_is_ignored_unless_asked_for() -> None:
    subsets = split_all(schema(100, test_rows=30), None, settings(0.2, 0.2))
    assert set(subsets["test"]) != set(range(80, 100))
    assert len(subsets["test"]) == 20


NO_TRAINING = "split: test and valid leave no rows for training: valid needs"


@pytest.mark.parametrize(
    ("rows", "names", "chosen", "message"),
    [
        (100, None, settings(stratify=True),
         "split.stratify: only classes can be stratified; set it to auto or false"),
        (100, None, settings("own"),
         "split.test: made has no test set of its own; set a fraction or a number of rows"),
        (100, None, settings(100), "split.test: 100 leaves none of 100 rows for training"),
        (100, None, settings(0.2, 250), "split.valid: 250 leaves none of 100 rows for training"),
        (1, None, settings(0.1, 0.1), "split.test: 0.1 leaves none of 1 rows for training"),
        (100, None, settings(50, 60), f"{NO_TRAINING} 60 of the remaining 50 rows"),
        (100, None, settings(0.5, 50), f"{NO_TRAINING} 50 of the remaining 50 rows"),
        (100, labels(1, 50, 49), settings(0.2, 0.2), "split.stratify: 3 classes do not fit into "
         "sets of 20 and 80 rows (class 'a' has 1); set it to false, or make the sets larger"),
        (100, labels(30, 30, 40), settings(2, 0.2), "split.stratify: 3 classes do not fit into "
         "sets of 2 and 98 rows (class 'a' has 30); set it to false, or make the sets larger"),
    ],
)  # fmt: skip
def test_refuses_impossible_splits(
    rows: int, names: Labels | None, chosen: SplitSettings, message: str
) -> None:
    with pytest.raises(FathomError) as caught:
        split_all(schema(rows), names, chosen)
    assert str(caught.value) == message


def test_digits_are_stratified_and_a_failure_keeps_the_old_split(workspace: Path) -> None:
    download(dataset_config("digits"))
    split(dataset_config("digits"))
    targets = np.load("data/raw/digits/labels.npy")
    folder = Path("data/split/digits")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    for subset in ("train", "valid", "test"):
        rows = np.load(folder / f"{subset}.npy")
        found = np.bincount(targets[rows]) / len(rows)
        np.testing.assert_allclose(found, np.bincount(targets) / len(targets), atol=0.004)
    with pytest.raises(FathomError):
        split(dataset_config("digits", "split.test=own"))
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
