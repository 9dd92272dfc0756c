"""How a table's columns are encoded: numbers, categories, dates, buckets and crosses."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from fathom.artifacts.columns import as_numbers, as_texts, is_category
from fathom.artifacts.raw_table import TableInMemory
from fathom.base.errors import FathomError
from fathom.download.declared_columns import convert_table
from fathom.scale.column_encoders import Buckets, Category, Cross, Date, Number
from fathom.scale.encoder import Encoder
from fathom.scale.fit_encoder import fit_encoder
from fathom.settings.data_settings import DatasetSettings, ScaleSettings

NAN = float("nan")


def column(*values: Any, name: str = "c") -> pd.Series[Any]:
    return pd.Series(list(values), name=name)


def fit(table: dict[str, Any], min_frequency: int = 1, **settings: Any) -> Encoder:
    """Fit an encoder on all rows of a table with the target `y`."""
    source = {"_target_": "nowhere.nothing"}
    dataset = {"name": "made", "source": source, "task": "regression", "target": "y"} | settings
    rows = pd.DataFrame(table | {"y": [1.0] * len(next(iter(table.values())))})
    scaling = ScaleSettings(
        bins=32,
        features="zscore",
        clip=None,
        pixels="together",
        min_frequency=min_frequency,
        target="none",
    )
    checked = DatasetSettings.model_validate(dataset)
    raw = TableInMemory(convert_table(rows, checked.columns, "t"), {"train": np.arange(len(rows))})
    return fit_encoder(checked, raw, scaling)[0]


@pytest.mark.parametrize(
    ("values", "category", "texts"),
    [
        ((3, 10), False, ["3", "10"]),
        ((3.0, NAN), False, ["3", NAN]),
        ((0.5, 2.0), False, ["0.5", "2.0"]),
        ((2.0**63, 2.0**64, NAN), False, [str(2**63), str(2**64), NAN]),
        ((True, False), True, ["True", "False"]),
        (("a", "b", None), True, ["a", "b", NAN]),
        (("1", "2", "x"), False, ["1", "2", "x"]),  # numbers with a typing error: refused later
        (("1", "x"), True, ["1", "x"]),
    ],
)
def test_text_and_booleans_are_categories(values: Any, category: bool, texts: list[Any]) -> None:
    assert is_category(column(*values)) is category
    expected = pd.Series(texts, name="c", dtype="str")
    pd.testing.assert_series_equal(as_texts(column(*values)), expected)


def test_numbers_that_are_text_are_numbers() -> None:
    assert as_numbers(column("1", "2.5", None)).tolist()[:2] == [1.0, 2.5]


@pytest.mark.parametrize(
    ("training", "indicator"),
    [((1.0, NAN, 5.0, 2.0), {"c_missing": [1.0, 0.0]}), ((1.0, 2.0, 9.0), {})],
)
def test_a_missing_number_becomes_the_median(training: Any, indicator: dict[str, Any]) -> None:
    number = Number.fit(column(*training))
    assert (number.median, number.names) == (2.0, ["c", *indicator])
    features = number.transform(column(NAN, 7.0)).to_dict("list")
    assert features == {"c": [2.0, 7.0], **indicator}


@pytest.mark.parametrize(
    ("training", "min_frequency", "values", "codes"),
    [
        (["b", "10", "9", None, "b"], 1, [None, "9", "10", "b"], [1, 2, 3, 4, 0, 0, 0]),
        (["a", "a", "a", "b", "b", "c"], 2, ["a", "b"], [0, 0, 0, 2, 1, 0, 0]),
        (["a", "b"], 1, ["a", "b"], [0, 0, 0, 2, 1, 0, 0]),  # missing, but not in training
    ],
)
def test_codes_of_categories(
    training: list[Any], min_frequency: int, values: list[Any], codes: list[int]
) -> None:
    category = Category.fit(column(*training), min_frequency)
    assert category.model_dump()["values"] == values
    assert category.codes == len(values) + 1
    assert category.transform(column(None, "9", "10", "b", "a", "c", "never")).tolist() == codes


def test_buckets_hold_equally_many_rows() -> None:
    values = pd.Series(np.random.default_rng(0).lognormal(size=10_000), name="c")
    buckets = Buckets.fit(values, 10)
    assert np.bincount(buckets.transform(values)).tolist() == [1000] * 10
    assert buckets.codes == 11
    assert buckets.transform(column(-1.0, 1e9, NAN)).tolist() == [0, 9, 10]


def test_a_value_that_fills_a_bucket_has_one_to_itself() -> None:
    values = pd.Series([0.0] * 900 + list(range(1, 101)), name="c")
    codes = Buckets.fit(values, 5).transform(values)
    assert set(codes[:900]) == {0}
    assert np.bincount(codes)[1:].tolist() == [25] * 4


def test_a_constant_column_has_one_bucket() -> None:
    buckets = Buckets.fit(column(4.0, 4.0, 4.0), 10)
    assert buckets.transform(column(3.0, 4.0, NAN)).tolist() == [0, 0, buckets.codes - 1]


def test_a_small_cross_has_a_code_for_each_combination() -> None:
    cross = Cross(columns=["a", "b"], combinations=12, size=12)
    a, b = (codes.ravel().astype(np.int32) for codes in np.indices((3, 4)))
    assert sorted(cross.transform([a, b], [3, 4])) == list(range(12))


def splitmix64(x: int) -> int:
    """Do as in Steele, Lea & Flood (2014), figure 14, variant 13 of Stafford."""
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
    assert codes.min() >= 0
    assert len(set(codes)) > 600


def test_crosses_beyond_64_bits_still_have_codes() -> None:
    names = [f"c{number}" for number in range(8)]
    table = {name: [f"v{n % 500}" for n in range(1000)] for name in names}
    encoder = fit(table, crosses=[names], cross_size=100)
    codes = encoder.transform(pd.DataFrame(table))["_x_".join(names)]
    assert codes.between(0, 99).all()
    assert codes[:500].tolist() == codes[500:].tolist()


def test_parts_of_dates_that_vary() -> None:
    dates = pd.Series(pd.to_datetime(["2020-02-01", "2021-02-03", "NaT"]), name="c")
    date = Date.fit(dates, "%d/%m/%Y")
    assert date.parts == ["year", "day", "day_of_week"]
    parts = date.transform(dates)
    assert parts.columns.tolist() == ["c_year", "c_day", "c_day_of_week"]
    assert parts.iloc[:2].to_numpy().tolist() == [[2020, 1, 5], [2021, 3, 2]]
    assert parts.iloc[2].isna().all()


def test_an_ordinal_becomes_its_rank() -> None:
    table = {"size": ["M", "S", None, "L"], "y": [1.0, 2.0, 3.0, 4.0]}
    columns = {"size": {"kind": "ordinal", "order": ["S", "M", "L"]}}
    encoder = fit(table, columns=columns)
    features = encoder.transform(pd.DataFrame({"size": pd.Series(["L", "?", "S"], dtype="str")}))
    assert features.to_dict("list") == {"size": [2.0, 1.0, 0.0], "size_missing": [0.0, 1.0, 0.0]}


def test_dates_with_a_time_have_hours() -> None:
    times = pd.Series(pd.to_datetime(["2020-01-01 10:30", "2020-01-01 11:30"]), name="c")
    assert Date.fit(times, "ISO8601").names == ["c_hour"]


def test_a_table_of_everything() -> None:
    table: dict[str, Any] = {
        "size": [10.0, NAN, 30.0, 40.0],
        "town": ["x", "y", None, "x"],
        "rooms": [1, 2, 2, 1],
        "sold": ["2020-01-05", "2021-01-06", "2020-01-07", "2021-01-08"],
        "garden": [True, False, True, True],
        "id": [7, 8, 9, 10],
    }
    encoder = fit(
        table,
        columns={
            "id": {"use": False},
            "rooms": "category",
            "sold": {"kind": "date", "format": "%Y-%m-%d"},
            "sold_year": "category",
        },
        buckets={"size": 2},
        crosses=[["town", "size"], ["town", "rooms", "sold_year"]],
        wide=["town", "sold"],
        deep=["size", "sold", "garden"],
    )
    assert encoder.number_names == ["size", "sold_day", "sold_day_of_week", "size_missing"]
    assert list(encoder.codes) == ["town", "rooms", "sold_year", "garden", "size"]
    sold = ["sold_year", "sold_day", "sold_day_of_week"]
    assert encoder.wide == ["town", *sold]
    assert encoder.deep == ["size", "size_missing", *sold, "garden"]
    crosses = {"town_x_size": 12, "town_x_rooms_x_sold_year": 4 * 3 * 3}
    assert encoder.sparse == {"town": 4, "sold_year": 3, "size_bucket": 3} | crosses
    table["sold"] = pd.to_datetime(table["sold"])
    features = encoder.transform(pd.DataFrame(table))
    names = ["town", "rooms", "sold_year", "garden", "size_bucket", *crosses]
    assert features.columns.tolist() == [*encoder.number_names, *names]
    codes = [3, 2, 2, 1, 2, 3 * 3 + 2, (3 * 3 + 2) * 3 + 2]
    assert list(features.iloc[1]) == [30.0, 6.0, 2.0, 1.0, *codes]
    assert set(features.dtypes.iloc[4:]) == {np.dtype(np.int32)}


def test_a_column_named_like_a_part_of_a_date_must_be_excluded() -> None:
    table = {"sold": pd.to_datetime(["2020-01-31", "2021-03-05"]), "sold_month": ["x", "y"]}
    message = (
        "column 'sold_month' has the name of a feature that is made from another column; rename "
        "it, or exclude it with `sold_month: {use: false}` in dataset.columns"
    )
    with pytest.raises(FathomError) as error:
        fit(table)
    assert str(error.value) == message
    encoder = fit(table, columns={"sold_month": {"use": False}})
    assert encoder.transform(pd.DataFrame(table))["sold_month"].tolist() == [1.0, 3.0]


def test_json_gives_the_same_encoder_back() -> None:
    table = {"a": [1.0, NAN, 0.1], "b": ["u", None, "v"], "c": [True, False, True]}
    encoder = fit(table, buckets=2, crosses=[["a", "b"]])
    again = Encoder.model_validate(json.loads(json.dumps(encoder.model_dump(), allow_nan=False)))
    assert again == encoder
    rows = pd.DataFrame(table)
    pd.testing.assert_frame_equal(again.transform(rows), encoder.transform(rows))


@pytest.mark.parametrize("buckets", [3, {"a": 3}])
def test_one_number_of_buckets_is_for_wide_and_crossed_numbers(buckets: Any) -> None:
    table = {"a": [1.0, 2.0, 3.0], "b": [4.0, 5.0, 6.0], "c": [1.0, 2.0, 3.0]}
    settings = {"wide": ["a"], "crosses": [["a", "b"]]} if buckets == 3 else {"wide": ["b"]}
    found = [b.column for b in fit(table, buckets=buckets, **settings).buckets]
    assert found == (["a", "b"] if buckets == 3 else ["a"])


UNUSED = "column 'y' is the target, a weight or excluded; networks do not take it"


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [  # other errors are in bad_inputs.json
        ("columns", {"solt": "date"}, "there is no column 'solt'; did you mean sold?"),
        ("buckets", {"towns": 3}, "there is no column 'towns'; did you mean town?"),
        ("crosses", [["town", "siz"]], "there is no column 'siz'; did you mean size?"),
        ("crosses", [["town", "y"]], UNUSED),
        ("wide", ["siz"], "there is no column 'siz'; did you mean size?"),
        ("deep", ["siz"], "there is no column 'siz'; did you mean size?"),
        ("wide", ["y"], UNUSED),
        ("sample_weight", "sizes", "there is no column 'sizes'; did you mean size?"),
        ("auxiliary", "tax", "there is no column 'tax'; there are: size, sold, town, y"),
    ],
)
def test_settings_must_name_columns_that_networks_take(key: str, value: Any, message: str) -> None:
    table = {"size": [1.0, 2.0], "town": ["x", "y"], "sold": ["2020-01-05", "2020-01-07"]}
    with pytest.raises(FathomError) as error:
        fit(table, **{key: value})
    assert str(error.value) == f"dataset.{key}: {message}"
