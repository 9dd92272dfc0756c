"""What becomes of a table's columns: dates, missing values, categories, buckets and crosses."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import dataset_config, every_kind
from numpy.typing import NDArray

from fathom.artifacts.columns import as_dates, as_numbers, as_texts, is_category
from fathom.artifacts.problem import Problem
from fathom.artifacts.raw_table import TableInMemory
from fathom.artifacts.scaled_data import read_subset
from fathom.base.errors import FathomError
from fathom.download.download import download
from fathom.download.sources import RawTable
from fathom.scale.encoder import Encoder, fit_encoder
from fathom.scale.encodings import Buckets, Category, Cross, Date, Number
from fathom.scale.scale import scale
from fathom.settings.data_settings import DatasetSettings
from fathom.split.split import split

NAN = float("nan")


def column(*values: Any, name: str = "c") -> pd.Series[Any]:
    return pd.Series(list(values), name=name)


def dataset(**settings: Any) -> DatasetSettings:
    source = {"_target_": "nowhere.nothing"}
    return DatasetSettings.model_validate(
        {"name": "made", "source": source, "task": "regression", "target": "y"} | settings
    )


def fitted(table: dict[str, Any], min_frequency: int = 1, **settings: Any) -> Encoder:
    rows = pd.DataFrame(table | {"y": [1.0] * len(next(iter(table.values())))})
    return fit_encoder(
        dataset(**settings), TableInMemory(rows, {"train": np.arange(len(rows))}), min_frequency
    )


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((1, 2), False),
        ((1.5, NAN), False),
        ((True, False), True),
        (("a", "b", None), True),
        (("1", "2", "x"), False),  # numbers with a slip: refused later
        (("1", "x"), True),
    ],
)
def test_text_and_booleans_are_categories(values: tuple[Any, ...], expected: bool) -> None:
    assert is_category(column(*values)) is expected


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((3, 10), ["3", "10"]),
        ((3.0, NAN), ["3", NAN]),
        ((0.5, 2.0), ["0.5", "2.0"]),
        ((True, False), ["True", "False"]),
        (("a", None), ["a", NAN]),
    ],
)
def test_values_as_text(values: tuple[Any, ...], expected: list[Any]) -> None:
    pd.testing.assert_series_equal(
        as_texts(column(*values)), pd.Series(expected, name="c", dtype="str")
    )


def test_numbers_that_are_text_are_numbers() -> None:
    assert as_numbers(column("1", "2.5", None)).tolist()[:2] == [1.0, 2.5]


def test_a_missing_number_becomes_the_median_and_is_told() -> None:
    number = Number.fit(column(1.0, NAN, 5.0, 2.0))
    assert (number.median, number.indicator) == (2.0, True)
    assert number.transform(column(NAN, 7.0)).to_dict("list") == {
        "c": [2.0, 7.0],
        "c_missing": [1.0, 0.0],
    }


def test_without_missing_numbers_in_training_there_is_no_indicator() -> None:
    number = Number.fit(column(1.0, 2.0, 9.0))
    assert number.transform(column(NAN)).to_dict("list") == {"c": [2.0]}


def test_codes_of_categories() -> None:
    category = Category.fit(column("b", "10", "9", None, "b"), min_frequency=1)
    assert category.model_dump()["values"] == [None, "9", "10", "b"]
    assert category.codes == 5
    assert category.transform(column(None, "9", "10", "b", "never")).tolist() == [1, 2, 3, 4, 0]


def test_rare_categories_are_as_those_never_seen() -> None:
    category = Category.fit(column(*"aaabbc"), min_frequency=2)
    assert category.model_dump()["values"] == ["a", "b"]
    assert category.transform(column(*"abcd")).tolist() == [1, 2, 0, 0]


def test_a_missing_category_that_training_did_not_show_is_unseen() -> None:
    assert Category.fit(column("a", "b"), 1).transform(column(None, "a")).tolist() == [0, 1]


def test_buckets_hold_equally_many_rows() -> None:
    values = pd.Series(np.random.default_rng(0).lognormal(size=10_000), name="c")
    buckets = Buckets.fit(values, 10)
    codes = buckets.transform(values)
    assert np.bincount(codes).tolist() == [1000] * 10
    assert buckets.codes == 11
    beyond = column(-1.0, 1e9, NAN)
    assert buckets.transform(beyond).tolist() == [0, 9, 10]


def test_a_value_that_fills_a_bucket_has_one_to_itself() -> None:
    values = pd.Series([0.0] * 900 + list(range(1, 101)), name="c")
    buckets = Buckets.fit(values, 5)
    codes = buckets.transform(values)
    assert set(codes[:900]) == {0}
    assert np.bincount(codes)[1:].tolist() == [25] * 4


def test_a_constant_column_has_one_bucket() -> None:
    buckets = Buckets.fit(column(4.0, 4.0, 4.0), 10)
    assert set(buckets.transform(column(3.0, 4.0)).tolist()) == {0}
    assert buckets.transform(column(NAN)).tolist() == [buckets.codes - 1]


def test_a_small_cross_has_a_code_for_each_combination() -> None:
    cross = Cross(columns=["a", "b"], combinations=12, size=12)
    a, b = (codes.ravel().astype(np.int32) for codes in np.indices((3, 4)))
    assert sorted(cross.transform([a, b], [3, 4])) == list(range(12))


def splitmix64(x: int) -> int:
    """Finalise as in Steele, Lea & Flood (2014), figure 14, variant 13 of Stafford."""
    mask = 2**64 - 1
    x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 & mask
    x = (x ^ (x >> 27)) * 0x94D049BB133111EB & mask
    return x ^ (x >> 31)


def test_a_large_cross_is_hashed() -> None:
    cross = Cross(columns=["a", "b"], combinations=10**6, size=1000)
    a, b = np.arange(1000, dtype=np.int32), np.arange(1000, dtype=np.int32)[::-1]
    codes = cross.transform([a, b], [1000, 1000])
    expected = [splitmix64(int(x) * 1000 + int(y)) % 1000 for x, y in zip(a, b, strict=True)]
    assert codes.tolist() == expected
    assert (codes.min() >= 0, codes.max() < 1000, len(set(codes)) > 600) == (True, True, True)


def test_crosses_beyond_64_bits_still_have_codes() -> None:
    names = [f"c{number}" for number in range(8)]
    table = {name: [f"v{n % 500}" for n in range(1000)] for name in names}
    encoder = fitted(table, crosses=[names], cross_size=100)
    codes = encoder.transform(pd.DataFrame(table))["_x_".join(names)]
    assert codes.between(0, 99).all()
    assert codes[:500].tolist() == codes[500:].tolist()


def test_parts_of_dates_that_vary() -> None:
    dates = as_dates(column("01/02/2020", "03/02/2021", None), "%d/%m/%Y")
    date = Date.fit(dates, "%d/%m/%Y")
    assert date.parts == ["year", "day", "day_of_week"]
    parts = date.transform(dates)
    assert parts.columns.tolist() == ["c_year", "c_day", "c_day_of_week"]
    assert parts.iloc[:2].to_numpy().tolist() == [[2020, 1, 5], [2021, 3, 2]]
    assert parts.iloc[2].isna().all()


def test_dates_may_be_written_as_numbers() -> None:
    dates = as_dates(column(20200131.0, NAN), "%Y%m%d")
    assert dates[0] == pd.Timestamp("2020-01-31")
    assert pd.isna(dates[1])
    with pytest.raises(FathomError, match="column 'c' holds '20200231' in row 0, which is no date"):
        as_dates(column(20200231), "%Y%m%d")


def test_dates_with_a_time_have_hours() -> None:
    times = pd.Series(pd.to_datetime(["2020-01-01 10:30", "2020-01-01 11:30"]), name="c")
    assert Date.fit(times, "ISO8601").names() == ["c_hour"]


def test_a_table_of_everything() -> None:
    table = {
        "size": [10.0, NAN, 30.0, 40.0],
        "town": ["x", "y", None, "x"],
        "rooms": [1, 2, 2, 1],
        "sold": ["2020-01-05", "2021-01-06", "2020-01-07", "2021-01-08"],
        "garden": [True, False, True, True],
        "id": [7, 8, 9, 10],
    }
    encoder = fitted(
        table,
        exclude=["id"],
        categories=["rooms", "sold_year"],
        dates={"sold": "%Y-%m-%d"},
        buckets={"size": 2},
        crosses=[["town", "size"], ["town", "rooms", "sold_year"]],
        wide=["town", "sold"],
        deep=["size", "sold", "garden"],
    )
    assert encoder.number_names == ["size", "sold_day", "sold_day_of_week", "size_missing"]
    assert [category.column for category in encoder.categories] == [
        "town", "rooms", "sold_year", "garden",
    ]  # fmt: skip
    assert encoder.wide == ["town", "sold_year", "sold_day", "sold_day_of_week"]
    assert encoder.deep == [
        "size", "size_missing", "sold_year", "sold_day", "sold_day_of_week", "garden",
    ]  # fmt: skip
    assert encoder.sparse == {
        "town": 4,
        "sold_year": 3,
        "size_bucket": 3,
        "town_x_size": 12,
        "town_x_rooms_x_sold_year": 4 * 3 * 3,
    }
    features = encoder.transform(pd.DataFrame(table))
    assert features.loc[1].to_dict() == {
        "size": 30.0,
        "sold_day": 6.0,
        "sold_day_of_week": 2.0,
        "size_missing": 1.0,
        "town": 3,
        "rooms": 2,
        "sold_year": 2,
        "garden": 1,
        "size_bucket": 2,
        "town_x_size": 3 * 3 + 2,
        "town_x_rooms_x_sold_year": (3 * 3 + 2) * 3 + 2,
    }
    integers = features.drop(columns=encoder.number_names)
    assert set(integers.dtypes) == {np.dtype(np.int32)}


def test_json_gives_the_same_encoder_back() -> None:
    table = {"a": [1.0, NAN, 0.1], "b": ["u", None, "v"], "c": [True, False, True]}
    encoder = fitted(table, buckets=2, crosses=[["a", "b"]])
    text = json.dumps(encoder.model_dump(), allow_nan=False)
    again = Encoder.model_validate(json.loads(text))
    assert again == encoder
    rows = pd.DataFrame(table)
    pd.testing.assert_frame_equal(again.transform(rows), encoder.transform(rows))


@pytest.mark.parametrize("buckets", [3, {"a": 3}])
def test_one_number_of_buckets_is_for_wide_and_crossed_numbers(buckets: Any) -> None:
    table = {"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0], "c": [1.0, 2.0, 3.0]}
    settings = {"wide": ["a"], "crosses": [["a", "b"]]} if buckets == 3 else {"wide": ["b"]}
    found = [b.column for b in fitted(table, buckets=buckets, **settings).buckets]
    assert found == (["a", "b"] if buckets == 3 else ["a"])


TABLE = {
    "size": [1.0, 2.0, 3.0],
    "town": ["x", "y", "x"],
    "sold": ["2020-01-05", "31/01/2020", "2020-01-07"],
    "notes": ["long", "longer", "longest"],
}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"categories": ["sizes"]},
            "dataset.categories: there is no column 'sizes'; did you mean size?",
        ),
        (
            {"categories": ["y"]},
            "dataset.categories: column 'y' is the target, a weight or excluded; networks are not "
            "given it",
        ),
        (
            {"dates": {"solt": "ISO8601"}},
            "dataset.dates: there is no column 'solt'; did you mean sold?",
        ),
        (
            {"dates": {"sold": "%Y-%m-%d"}},
            "column 'sold' holds '31/01/2020' in row 1, which is no date of the form '%Y-%m-%d': "
            "mend it, or name the form under dataset.dates",
        ),
        (
            {"buckets": {"town": 3}},
            "dataset.buckets: column 'town' is a category; only numbers go into buckets",
        ),
        (
            {"buckets": {"towns": 3}},
            "dataset.buckets: there is no column 'towns'; did you mean town?",
        ),
        (
            {"crosses": [["town", "size"]]},
            "dataset.crosses: column 'size' holds numbers: put it in buckets with "
            "dataset.buckets, or list it under dataset.categories",
        ),
        (
            {"crosses": [["town", "siz"]]},
            "dataset.crosses: there is no column 'siz'; did you mean size?",
        ),
        (
            {"crosses": [["town", "y"]]},
            "dataset.crosses: column 'y' is the target, a weight or excluded; networks are not "
            "given it",
        ),
    ],
)
def test_refused(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(FathomError) as caught:
        fitted(TABLE, **settings)
    assert str(caught.value) == message


def test_a_column_called_like_a_made_one_is_refused() -> None:
    with pytest.raises(FathomError) as caught:
        fitted({"a": [1.0, NAN], "a_missing": [1.0, 2.0]})
    assert str(caught.value) == (
        "column 'a_missing' is called like one that is made of another column; rename it, or "
        "leave it out with dataset.exclude"
    )


def test_text_without_repeats_is_refused() -> None:
    with pytest.raises(FathomError) as caught:
        fitted({"name": ["u", "v", "w"]}, min_frequency=2)
    assert str(caught.value) == (
        "column 'name' has 3 different values in 3 training rows, none of them in "
        "scale.min_frequency (2) rows: leave it out with dataset.exclude, or list it under "
        "dataset.dates if it holds dates"
    )


# The whole way, with everything that is fitted in use: what test and validation rows hold
# changes nothing that training rows get.


def everything(rows: int = 400, changed: list[int] | None = None) -> RawTable:
    """Return a table of every kind of column; in the changed rows all is different."""
    rng = np.random.default_rng(3)
    table = every_kind(rng, rows, missing=0.1, rooms=6)
    table["price"] = rng.normal(50, 10, rows)
    others = changed or []
    table.loc[others, "size"] = NAN
    table.loc[others, "town"] = "elsewhere"
    table.loc[others, "rooms"] = 99
    table.loc[others, "sold"] = pd.Timestamp("1999-12-31 23:59")
    table.loc[others, "rent"] = table.loc[others, "rent"] * 1000 - 3
    table.loc[others, "price"] = 1e6
    return RawTable(table, "the test", "0" * 64)


SETTINGS = {
    "task": "regression",
    "target": "price",
    "categories": ["rooms", "sold_month"],
    "buckets": {"size": 7, "rent": 4},
    "crosses": [["size", "rent"], ["town", "rooms", "sold_month"]],
    "cross_size": 40,
}


def add(folder: Path, **arguments: Any) -> None:
    source = {"_target_": f"{__name__}.everything", **arguments}
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": SETTINGS | {"source": source}})
    (folder / "conf/dataset/made.yaml").write_text(text)


def part_rows(part: str) -> NDArray[np.int64]:
    rows: NDArray[np.int64] = np.load(f"data/split/made/{part}.npy")
    return rows


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile"])
def test_nothing_that_is_fitted_sees_test_or_validation_rows(workspace: Path, method: str) -> None:
    settings = [f"scale.features={method}", "scale.min_frequency=2"]
    add(workspace)
    download(dataset_config("made"))
    split(dataset_config("made"))
    scale(dataset_config("made", *settings))
    folder = Path("data/scaled/made")
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    problem = Path("data/problem/made.json").read_text()
    others = np.concatenate([part_rows("valid"), part_rows("test")])

    add(workspace, changed=others.tolist())
    download(dataset_config("made"))
    scale(dataset_config("made", *settings))

    after = {path.name: path.read_bytes() for path in folder.iterdir()}
    learned = {"encoder.json", "scaler.json", "train_features.parquet", "train_targets.parquet"}
    assert {name for name in before if before[name] == after[name]} == learned
    assert Path("data/problem/made.json").read_text() == problem
    encoder = Encoder.model_validate(json.loads(before["encoder.json"]))
    assert [encoder.dates != [], encoder.buckets != [], encoder.crosses != []] == [True] * 3
    assert any(number.indicator for number in encoder.numbers)
    unseen = read_subset(Problem.read("made"), "test")
    assert isinstance(unseen.features, pd.DataFrame)
    assert set(unseen.features["town"]) == set(unseen.features["rooms"]) == {0}


def test_inputs_of_the_wide_path_share_one_table_of_weights(workspace: Path) -> None:
    add(workspace)
    download(dataset_config("made"))
    split(dataset_config("made"))
    problem = scale(dataset_config("made"))
    part = read_subset(problem, "test")
    (sparse,) = part.inputs(["wide_sparse"], problem)
    sizes = list(problem.sparse.values())
    first = np.cumsum([0, *sizes[:-1]])
    assert sparse.dtype == np.int32
    assert sparse.shape == (len(part.rows), len(sizes))
    assert (sparse >= first).all()
    assert (sparse < first + sizes).all()
    codes, deep, numbers = part.inputs(["categories", "deep_categories", "features"], problem)
    np.testing.assert_array_equal(codes, deep)
    assert (codes.max(axis=0) < list(problem.categories.values())).all()
    assert numbers.dtype == np.float32
    assert problem.shape_of("wide_sparse") == (len(sizes),)
