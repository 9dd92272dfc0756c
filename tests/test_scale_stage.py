"""The stage `scale`, and what it makes of the project's own data sets."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config, made_config, prepare, prepare_config
from numpy.typing import NDArray
from own_tables import every_kind
from sklearn.preprocessing import StandardScaler

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.base.paths import SUBSETS
from fathom.download.download import download
from fathom.download.sources import RawTable
from fathom.scale.encoder import Encoder
from fathom.scale.scale import scale
from fathom.settings.config import DatasetConfig

MADE = {"task": "regression", "target": "price"}
EVERYTHING = MADE | {
    "auxiliary": "tax",
    "sample_weight": "count",
    "categories": ["rooms", "sold_month"],
    "buckets": {"size": 7, "rent": 4},
    "crosses": [["size", "rent"], ["town", "rooms", "sold_month"]],
    "cross_size": 40,
}


def raw(dataset: str = "made") -> pd.DataFrame:
    return pd.read_parquet(f"data/raw/{dataset}/data.parquet")


def rows(dataset: str, subset: str) -> NDArray[np.int64]:
    return np.asarray(np.load(f"data/split/{dataset}/{subset}.npy"))


def made_table(missing: float = 0.0, changed: list[int] | None = None) -> RawTable:
    """Return a table of every kind of column. In the changed rows all values are different."""
    rng = np.random.default_rng(3)
    table = every_kind(rng, 400, missing, rooms=6)
    table["price"], table["tax"] = rng.normal(50, 10, 400), rng.normal(5, 1, 400)
    table["count"] = rng.integers(0, 4, 400)
    if not missing:
        table["town"] = table["town"].fillna("z")
    others = changed or []
    table.loc[others, "size"] = np.nan
    table.loc[others, "town"] = "elsewhere"
    table.loc[others, "rooms"] = 99
    table.loc[others, "sold"] = pd.Timestamp("1999-12-31 23:59")
    for name in ("rent", "price", "tax", "count"):
        table.loc[others, name] = table.loc[others, name] * 1000 + 3
    return RawTable(table, "the test", "0" * 64)


def config_of(settings: dict[str, Any], *overrides: str, **arguments: Any) -> DatasetConfig:
    """Return settings of the data set of the made table."""
    source = {"_target_": f"{__name__}.made_table", **arguments}
    return made_config(settings | {"source": source}, *overrides)


def scaled(**settings: Any) -> Problem:
    """Run the stages up to `scale` on the made table."""
    prepare_config(config_of(MADE | settings))
    return Problem.read("made")


def scaled_files(dataset: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(f"data/scaled/{dataset}").iterdir()}


@pytest.mark.parametrize(
    ("auxiliary", "classes"), [("rent", None), ("town", list("xyz")), ("rooms", list("12345"))]
)
def test_auxiliary_column_is_a_second_target(
    workspace: Path, auxiliary: str, classes: list[str] | None
) -> None:
    problem = scaled(auxiliary=auxiliary, columns={"rooms": "category"})
    output = problem.output("aux_output")
    assert (output.column, output.classes) == (auxiliary, classes)
    assert output.task == ("classification" if classes else "regression")
    assert not {auxiliary, "price"} & {*problem.numbers, *problem.categories}
    subset = read_subset(problem, "valid")
    targets, expected = subset.target("aux_output"), raw()[auxiliary].iloc[subset.rows]
    if classes:
        targets, expected = np.take(classes, targets), expected.astype(str)
    assert list(targets) == list(expected)
    assert list(subset.target("main_output")) == list(raw()["price"].iloc[subset.rows])
    assert ("aux_output" in read_scalers(problem.dataset).targets) == (classes is None)


def test_without_auxiliary_column_the_second_output_predicts_the_target(workspace: Path) -> None:
    problem = scaled()
    assert problem.output("aux_output") == problem.main
    subset = read_subset(problem, "test")
    assert set(subset.targets) == {"main_output"}
    np.testing.assert_array_equal(subset.target("aux_output"), subset.targets["main_output"])


def test_classes_of_a_table_are_numbered(workspace: Path) -> None:
    problem = scaled(task="classification", target="town")
    assert problem.main.classes == ["x", "y", "z"]
    subset = read_subset(problem, "train")
    names = ["xyz"[code] for code in subset.targets["main_output"]]
    assert names == list(raw()["town"].iloc[subset.rows])


def test_weights_are_no_feature(workspace: Path) -> None:
    problem = scaled(sample_weight="count")
    assert "count" not in problem.numbers
    for name in SUBSETS:
        subset = read_subset(problem, name)
        assert subset.weights is not None
        assert list(subset.weights) == list(raw()["count"].iloc[subset.rows])


def test_inputs_are_chosen_by_name(workspace: Path) -> None:
    paths = {"wide": ["rent", "size"], "deep": ["tax", "rent", "size"]}
    problem = scaled(exclude=["sold"], **paths)
    assert problem.numbers == ["size", "rooms", "rent", "tax", "count"]
    subset = read_subset(problem, "test")
    names = ["wide_input", "deep_input", "input"]
    wide, deep, both = subset.inputs(names, problem)
    np.testing.assert_array_equal(wide, both[:, [2, 0]])
    np.testing.assert_array_equal(deep, both[:, [3, 2, 0]])
    assert isinstance(subset.features, pd.DataFrame)
    np.testing.assert_array_equal(both, subset.features[problem.numbers].to_numpy())
    assert [problem.shape_of(name) for name in names] == [(2,), (3,), (5,)]


def test_inputs_of_the_wide_path_share_one_table_of_weights(workspace: Path) -> None:
    problem = scaled(**EVERYTHING)
    subset = read_subset(problem, "test")
    (sparse,) = subset.inputs(["wide_sparse"], problem)
    sizes = list(problem.sparse.values())
    first = np.cumsum([0, *sizes[:-1]])
    assert (sparse.dtype.name, sparse.shape) == ("int32", (len(subset.rows), len(sizes)))
    assert (sparse >= first).all()
    assert (sparse < first + sizes).all()
    codes, deep, numbers = subset.inputs(["categories", "deep_categories", "features"], problem)
    np.testing.assert_array_equal(codes, deep)
    assert (codes.max(axis=0) < list(problem.categories.values())).all()
    assert numbers.dtype == np.float32
    assert problem.shape_of("wide_sparse") == (len(sizes),)


def check_leakage(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    """Check that other test and validation rows change no encoder, scaler and training rows."""
    assert set(before) == set(after)
    same = {name for name in before if before[name] == after[name]}
    training = ("encoder.json", "scaler.json", "train_features", "train_targets")
    assert same == {name for name in before if name.startswith(training)}


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile"])
def test_test_and_valid_rows_of_a_table_do_not_leak(workspace: Path, method: str) -> None:
    settings = [f"scale.features={method}", "scale.target=robust", "scale.min_frequency=2"]
    prepare_config(config_of(EVERYTHING, *settings, missing=0.1))
    before, problem = scaled_files("made"), Problem.read("made")
    others = np.concatenate([rows("made", "valid"), rows("made", "test")])

    changed = config_of(EVERYTHING, *settings, missing=0.1, changed=others.tolist())
    download(changed)
    scale(changed)

    check_leakage(before, scaled_files("made"))
    assert Problem.read("made") == problem
    encoder = Encoder.read("made")
    assert all([encoder.dates, encoder.buckets, encoder.crosses])
    assert any(number.indicator for number in encoder.numbers)
    unseen = read_subset(problem, "test").features
    assert isinstance(unseen, pd.DataFrame)
    assert set(unseen["town"]) == set(unseen["rooms"]) == {0}


@pytest.mark.parametrize("pixels", ["together", "separately"])
def test_test_and_valid_rows_of_images_do_not_leak(trainable: Path, pixels: str) -> None:
    config = dataset_config("digits", f"scale.pixels={pixels}")
    scale(config)
    before = scaled_files("digits")
    images, labels = (np.load(f"data/raw/digits/{name}.npy") for name in ("images", "labels"))
    for subset in ("valid", "test"):
        images[rows("digits", subset)] = 255 - images[rows("digits", subset)]
        labels[rows("digits", subset)] = 9 - labels[rows("digits", subset)]
    np.save("data/raw/digits/images.npy", images)
    np.save("data/raw/digits/labels.npy", labels)
    scale(config)
    check_leakage(before, scaled_files("digits"))


@pytest.mark.parametrize(
    "setting", ["exclude=[a]", "auxiliary=a", "sample_weight=a", "wide=[a]", "deep=[a]"]
)
def test_images_have_no_columns(trainable: Path, setting: str) -> None:
    key = setting.partition("=")[0]
    message = f"dataset.{key}: applies to the columns of a table, not to images"
    with pytest.raises(FathomError, match=f"^{message}$"):
        scale(dataset_config("digits", f"+dataset.{setting}"))


def test_without_a_split_the_error_names_its_stage(workspace: Path) -> None:
    download(dataset_config("digits"))
    message = "data/split/digits/train.npy is missing: make it with `dvc repro split@digits`"
    with pytest.raises(FathomError, match=f"^{message}$"):
        scale(dataset_config("digits"))


def test_california_end_to_end(workspace: Path) -> None:
    book = ("experiment=book_wide_deep", "scale.clip=5.0", "scale.target=zscore")
    prepare(workspace, ["california_housing"], *book)
    problem = Problem.read("california_housing")
    assert problem.rows == {"train": 11610, "valid": 3870, "test": 5160}
    assert (problem.kind, len(problem.numbers), problem.main.unit) == ("table", 8, "$100k")
    assert problem.categories == problem.sparse == {}
    table = raw("california_housing")
    targets = table.pop("MedHouseVal").to_numpy()
    features = table.to_numpy(np.float32).astype(np.float64)
    scaler = StandardScaler().fit(features[rows("california_housing", "train")])
    for name in SUBSETS:
        subset, numbers = read_subset(problem, name), rows("california_housing", name)
        expected = np.clip(scaler.transform(features[numbers]), -5, 5).astype(np.float32)
        (values,) = subset.inputs(["features"], problem)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected, rtol=1e-6)
        np.testing.assert_array_equal(subset.rows, numbers)
        np.testing.assert_array_equal(subset.targets["main_output"], targets[numbers])
        assert subset.weights is None
    prices = targets[rows("california_housing", "train")]
    target = read_scalers(problem.dataset).targets["main_output"]
    assert target.center == pytest.approx([prices.mean()])
    assert target.scale == pytest.approx([prices.std()])
    assert target.clip is None
    dataset = dataset_config("california_housing", *book).dataset
    assert problem.columns_of("wide_input") == dataset.wide
    assert problem.columns_of("deep_input") == dataset.deep


def test_california_crosses_latitude_and_longitude(trainable: Path) -> None:
    problem = Problem.read("california_housing")
    buckets = {"Latitude_bucket": 41, "Longitude_bucket": 41}
    assert problem.sparse == buckets | {"Latitude_x_Longitude": 41 * 41}
    assert problem.wide == problem.deep == problem.numbers


def test_adult_census_has_its_official_split(workspace: Path) -> None:
    prepare(workspace, ["adult_census"])
    table = raw("adult_census")
    # The first lines of the files adult.data and adult.test of the UCI repository.
    assert list(table.loc[0, ["age", "workclass", "fnlwgt"]]) == [39, "State-gov", 77516.0]
    assert list(table.loc[32_561, ["age", "workclass", "fnlwgt"]]) == [25, "Private", 226802.0]
    problem, encoder = Problem.read("adult_census"), Encoder.read("adult_census")
    assert problem.rows == {"train": 26_048, "valid": 6_513, "test": 16_281}
    assert rows("adult_census", "test").tolist() == list(range(32_561, 48_842))
    assert Schema.read("adult_census").classes == ["<=50K", ">50K"]
    capital = {"capital-gain", "capital-loss"}
    assert set(problem.numbers) == {"age", "education-num", "hours-per-week"} | capital
    assert len(problem.categories) == 8
    with_missing = [c.column for c in encoder.categories if len(c.known) + 1 < c.codes]
    assert with_missing == ["workclass", "occupation", "native-country"]


def test_bike_is_split_by_chance(workspace: Path) -> None:
    prepare(workspace, ["bike"])
    problem = Problem.read("bike")
    assert problem.rows == {"train": 11_122, "valid": 2_781, "test": 3_476}
    assert {"hour", "weekday", "season", "weather"} <= set(problem.categories)
    assert {"hour_x_weekday": 25 * 8}.items() <= problem.sparse.items()


@pytest.mark.parametrize("pixels", ["together", "separately"])
def test_digits_end_to_end(workspace: Path, pixels: str) -> None:
    prepare(workspace, ["digits"], f"scale.pixels={pixels}", "scale.clip=null")
    problem = Problem.read("digits")
    assert (problem.kind, problem.shape, problem.main.units) == ("images", [8, 8], 10)
    images, labels = (np.load(f"data/raw/digits/{name}.npy") for name in ("images", "labels"))
    train = images[rows("digits", "train")].astype(np.float64)
    width = 1 if pixels == "together" else 64
    scaler = StandardScaler().fit(train.reshape(-1, width))
    constant = np.ptp(train.reshape(-1, width), axis=0) == 0
    assert constant.any() == (pixels == "separately")
    for name in SUBSETS:
        subset, numbers = read_subset(problem, name), rows("digits", name)
        flat = scaler.transform(images[numbers].reshape(-1, width).astype(np.float64))
        expected = np.where(constant, 0.0, flat).reshape(-1, 8, 8)
        (values,) = subset.inputs(["features"], problem)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(subset.targets["main_output"], labels[numbers])
    assert read_scalers(problem.dataset).targets == {}
    wide, deep = subset.inputs(["wide_input", "deep_input"], problem)
    assert wide.shape == deep.shape == (450, 8, 8)
    names = read_scalers("digits").features.columns
    assert names[:2] == (["pixels"] if pixels == "together" else ["pixel 0 0", "pixel 0 1"])
    assert len(names) == width
