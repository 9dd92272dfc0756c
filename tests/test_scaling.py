"""Scaling is scikit-learn's, is fitted on training rows alone and survives its JSON file."""

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import dataset_config
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from sklearn.preprocessing import (
    FunctionTransformer,
    MinMaxScaler,
    QuantileTransformer,
    RobustScaler,
    StandardScaler,
)

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_subset, read_target_scalers
from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.base.errors import FathomError
from fathom.download.download import download
from fathom.download.sources import RawTable
from fathom.scale.scale import scale
from fathom.settings.fields import Method
from fathom.split.split import split

METHODS: tuple[Method, ...] = get_args(Method)
LINEAR: tuple[Method, ...] = ("zscore", "minmax", "robust", "none")
PARTS = ("train", "valid", "test")
COLUMNS = ["a", "b", "c"]
RNG = np.random.default_rng(1)
TRAIN = np.column_stack(
    [RNG.normal(5, 2, 400), RNG.lognormal(0, 2, 400), np.where(RNG.random(400) < 0.9, 0, 5)]
)
OTHERS = TRAIN[:50] * 3 - 4  # partly beyond what the training rows show


def reference(method: Method) -> Any:
    return {
        "zscore": StandardScaler(),
        "minmax": MinMaxScaler(),
        "robust": RobustScaler(),
        "quantile": QuantileTransformer(
            n_quantiles=400, output_distribution="normal", subsample=None
        ),
        "none": FunctionTransformer(),
    }[method]


@pytest.mark.parametrize("method", METHODS)
def test_scales_as_scikit_learn_does(method: Method) -> None:
    expected = reference(method).fit(TRAIN)
    scaler = Scaler.fit(method, TRAIN, COLUMNS)
    for values in (TRAIN, OTHERS):
        found = scaler.transform(values)
        np.testing.assert_allclose(found, expected.transform(values), rtol=1e-12, atol=1e-12)


def test_quantiles_are_at_most_a_thousand() -> None:
    values = RNG.normal(size=(12_000, 1))
    scaler = Scaler.fit("quantile", values, ["a"])
    expected = QuantileTransformer(
        n_quantiles=1000, output_distribution="normal", subsample=None
    ).fit_transform(values)
    np.testing.assert_array_equal(scaler.transform(values), expected)


@pytest.mark.parametrize("method", [method for method in METHODS if method != "none"])
@pytest.mark.parametrize("value", [0.0, 3.0, 0.1, -1e9])
def test_constant_column_becomes_zero_everywhere(method: Method, value: float) -> None:
    train = np.column_stack([TRAIN[:, 0], np.full(len(TRAIN), value)])
    scaler = Scaler.fit(method, train, ["a", "constant"], clip=5.0)
    others = np.array([[1.0, value], [2.0, value + 7], [3.0, -1e12]])
    assert scaler.transform(train)[:, 1].tolist() == [0.0] * len(train)
    assert scaler.transform(others)[:, 1].tolist() == [0.0] * 3
    assert np.ptp(scaler.transform(others)[:, 0]) > 0


@pytest.mark.parametrize(
    ("method", "cuts"),
    [("zscore", True), ("robust", True), ("minmax", False), ("quantile", False), ("none", False)],
)
def test_clip_cuts_zscore_and_robust_alone(method: Method, cuts: bool) -> None:
    uncut = Scaler.fit(method, TRAIN, COLUMNS).transform(OTHERS)
    found = Scaler.fit(method, TRAIN, COLUMNS, clip=1.5).transform(OTHERS)
    assert np.abs(uncut).max() > 1.5
    np.testing.assert_array_equal(found, np.clip(uncut, -1.5, 1.5) if cuts else uncut)


@settings(max_examples=30, derandomize=True, deadline=None, database=None)
@given(
    method=st.sampled_from(LINEAR),
    factor=st.floats(1e-6, 1e6),
    shift=st.floats(-1e3, 1e3),
)
@example(method="zscore", factor=1.0, shift=0.0)
@example(method="minmax", factor=1.0, shift=0.0)
@example(method="robust", factor=1.0, shift=0.0)
@example(method="none", factor=1.0, shift=0.0)
def test_inverse_undoes_transform(method: Method, factor: float, shift: float) -> None:
    train, others = (factor * (values + shift) for values in (TRAIN, OTHERS))
    scaler = Scaler.fit(method, train, COLUMNS)
    assert method == "none" or not np.allclose(scaler.transform(others), others)
    size = np.abs(others).max()
    found = scaler.inverse(scaler.transform(others))
    np.testing.assert_allclose(found, others, rtol=1e-9, atol=1e-12 * size)


@pytest.mark.parametrize("method", METHODS)
def test_json_gives_the_same_bits_back(method: Method) -> None:
    scaler = Scaler.fit(method, TRAIN, COLUMNS, clip=5.0)
    file = ScalerFile(features=scaler, targets={"main_output": scaler})
    text = json.dumps(file.model_dump(exclude_none=True), indent=2, allow_nan=False)
    read = ScalerFile.model_validate(json.loads(text))
    assert read == file
    for again in (read.features, read.targets["main_output"]):
        assert again.transform(OTHERS).tobytes() == scaler.transform(OTHERS).tobytes()


def made_table(rows: int = 60, seed: int = 0, **columns: list[Any]) -> RawTable:
    """Return a table of numbers, texts and weights, with given columns replaced or added."""
    rng = np.random.default_rng(seed)
    table = {
        "size": rng.normal(100, 20, rows),
        "age": rng.integers(0, 90, rows),
        "height": rng.lognormal(1, 1, rows),
        "same": np.full(rows, 4.0),
        "town": rng.choice(["x", "y", "z"], rows),
        "rent": rng.normal(10, 3, rows),
        "count": rng.integers(0, 4, rows),
        "price": rng.normal(50, 10, rows),
    }
    return RawTable(pd.DataFrame(table | columns), "the test", "0" * 64)


def prepare(workspace: Path, columns: dict[str, list[Any]] | None = None, **settings: Any) -> None:
    """Add the made table as a data set of its own, and download and split it."""
    source = {"_target_": f"{__name__}.made_table", **(columns or {})}
    dataset = {"source": source, "task": "regression", "target": "price", "exclude": ["town"]}
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": dataset | settings})
    (workspace / "conf/dataset/made.yaml").write_text(text)
    config = dataset_config("made")
    download(config)
    split(config)


def raw(dataset: str = "made") -> pd.DataFrame:
    return pd.read_parquet(f"data/raw/{dataset}/data.parquet")


def rows(dataset: str, part: str) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.load(f"data/split/{dataset}/{part}.npy")
    return found


def test_california_end_to_end(workspace: Path) -> None:
    book = ("experiment=book_wide_deep", "scale.clip=5.0", "scale.target=zscore")
    config = dataset_config("california_housing", *book)
    download(config)
    split(config)
    problem = scale(config)
    assert problem == Problem.read("california_housing")
    assert problem.rows == {"train": 11610, "valid": 3870, "test": 5160}
    assert (problem.kind, len(problem.numbers), problem.main.unit) == ("table", 8, "$100k")
    assert problem.categories == problem.sparse == {}
    table = raw("california_housing")
    features = table.drop(columns="MedHouseVal").to_numpy()
    scaler = StandardScaler().fit(features[rows("california_housing", "train")])
    for name in PARTS:
        part, numbers = read_subset(problem, name), rows("california_housing", name)
        expected = np.clip(scaler.transform(features[numbers]), -5, 5).astype(np.float32)
        (found,) = part.inputs(["features"], problem)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6)
        np.testing.assert_array_equal(part.rows, numbers)
        target = table["MedHouseVal"].to_numpy()[numbers]
        np.testing.assert_array_equal(part.targets["main_output"], target)
        assert part.weights is None
    prices = table["MedHouseVal"].to_numpy()[rows("california_housing", "train")]
    target_scaler = read_target_scalers(problem)["main_output"]
    assert target_scaler.center == pytest.approx([prices.mean()])
    assert target_scaler.scale == pytest.approx([prices.std()])
    assert target_scaler.clip is None
    wide = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population"]
    deep = ["AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    assert (problem.columns_of("wide_input"), problem.columns_of("deep_input")) == (wide, deep)


def test_california_crosses_latitude_and_longitude(workspace: Path) -> None:
    config = dataset_config("california_housing")
    download(config)
    split(config)
    problem = scale(config)
    assert problem.sparse == {
        "Latitude_bucket": 41,
        "Longitude_bucket": 41,
        "Latitude_x_Longitude": 41 * 41,
    }
    assert problem.wide == problem.deep == problem.numbers


def test_adult_census_has_its_official_split(workspace: Path) -> None:
    config = dataset_config("adult_census")
    schema = download(config)
    parts = split(config)
    table = raw("adult_census")
    # The first lines of the files adult.data and adult.test of the UCI repository.
    assert list(table.loc[0, ["age", "workclass", "fnlwgt"]]) == [39, "State-gov", 77516.0]
    assert list(table.loc[32_561, ["age", "workclass", "fnlwgt"]]) == [25, "Private", 226802.0]
    assert {name: len(found) for name, found in parts.items()} == {
        "train": 26_048,
        "valid": 6_513,
        "test": 16_281,
    }
    assert parts["test"].tolist() == list(range(32_561, 48_842))
    assert schema.classes == ["<=50K", ">50K"]
    problem = scale(config)
    assert set(problem.numbers) == {
        "age", "education-num", "capital-gain", "capital-loss", "hours-per-week",
    }  # fmt: skip
    assert len(problem.categories) == 8
    encoder = json.loads(Path("data/scaled/adult_census/encoder.json").read_text())
    with_missing = [c["column"] for c in encoder["categories"] if None in c["values"]]
    assert with_missing == ["workclass", "occupation", "native-country"]


def test_bike_is_split_by_chance(workspace: Path) -> None:
    config = dataset_config("bike")
    download(config)
    sizes = {name: len(found) for name, found in split(config).items()}
    assert sizes == {"train": 11_122, "valid": 2_781, "test": 3_476}
    problem = scale(config)
    assert {"hour", "weekday", "season", "weather"} <= set(problem.categories)
    assert {"hour_x_weekday": 25 * 8}.items() <= problem.sparse.items()


@pytest.mark.parametrize("pixels", ["together", "separately"])
def test_digits_end_to_end(workspace: Path, pixels: str) -> None:
    config = dataset_config("digits", f"scale.pixels={pixels}", "scale.clip=null")
    download(config)
    split(config)
    problem = scale(config)
    assert (problem.kind, problem.shape, problem.main.units) == ("images", [8, 8], 10)
    images, labels = (np.load(f"data/raw/digits/{name}.npy") for name in ("images", "labels"))
    train = images[rows("digits", "train")].astype(np.float64)
    width = 1 if pixels == "together" else 64
    scaler = StandardScaler().fit(train.reshape(-1, width))
    constant = np.ptp(train.reshape(-1, width), axis=0) == 0
    assert constant.any() == (pixels == "separately")
    for name in PARTS:
        part, numbers = read_subset(problem, name), rows("digits", name)
        flat = scaler.transform(images[numbers].reshape(-1, width).astype(np.float64))
        expected = np.where(constant, 0.0, flat).reshape(-1, 8, 8)
        (found,) = part.inputs(["features"], problem)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(part.targets["main_output"], labels[numbers])
    assert read_target_scalers(problem) == {}
    inputs = part.inputs(["wide_input", "deep_input"], problem)
    assert [found.shape for found in inputs] == [(450, 8, 8)] * 2
    names = json.loads(Path("data/scaled/digits/scaler.json").read_text())["features"]["columns"]
    assert names[:2] == (["pixels"] if pixels == "together" else ["pixel 0 0", "pixel 0 1"])
    assert len(names) == width


@pytest.mark.parametrize(
    ("auxiliary", "task", "classes"),
    [("rent", "regression", None), ("town", "classification", ["x", "y", "z"])],
)
def test_auxiliary_column_is_a_second_target(
    workspace: Path, auxiliary: str, task: str, classes: list[str] | None
) -> None:
    prepare(workspace, auxiliary=auxiliary, exclude=[n for n in ("town",) if n != auxiliary])
    problem = scale(dataset_config("made"))
    output = problem.output("aux_output")
    assert (output.column, output.task, output.classes) == (auxiliary, task, classes)
    assert auxiliary not in problem.numbers
    assert "price" not in problem.numbers
    part = read_subset(problem, "valid")
    expected = raw()[auxiliary].iloc[part.rows]
    found = list(part.target("aux_output"))
    assert (found if classes is None else [classes[code] for code in found]) == list(expected)
    assert list(part.target("main_output")) == list(raw()["price"].iloc[part.rows])
    scalers = {"main_output", "aux_output"} if classes is None else {"main_output"}
    assert set(read_target_scalers(problem)) == scalers


def test_without_auxiliary_column_the_second_output_predicts_the_main_target(
    workspace: Path,
) -> None:
    prepare(workspace)
    problem = scale(dataset_config("made"))
    assert problem.output("aux_output") == problem.main
    part = read_subset(problem, "test")
    assert set(part.targets) == {"main_output"}
    np.testing.assert_array_equal(part.target("aux_output"), part.targets["main_output"])


def test_classes_of_a_table_are_numbered(workspace: Path) -> None:
    prepare(workspace, task="classification", target="town", exclude=[])
    problem = scale(dataset_config("made"))
    assert problem.main.classes == ["x", "y", "z"]
    part = read_subset(problem, "train")
    assert ["xyz"[code] for code in part.targets["main_output"]] == list(
        raw()["town"].iloc[part.rows]
    )


def test_weights_are_kept_and_are_no_feature(workspace: Path) -> None:
    prepare(workspace, sample_weight="count")
    problem = scale(dataset_config("made"))
    assert problem.numbers == ["size", "age", "height", "same", "rent"]
    for name in PARTS:
        part = read_subset(problem, name)
        assert part.weights is not None
        assert list(part.weights) == list(raw()["count"].iloc[part.rows])


def test_inputs_are_chosen_by_name(workspace: Path) -> None:
    prepare(workspace, wide=["rent", "size"], deep=["age", "height", "size"])
    problem = scale(dataset_config("made"))
    assert problem.numbers == ["size", "age", "height", "same", "rent", "count"]
    part = read_subset(problem, "test")
    wide, deep, every = part.inputs(["wide_input", "deep_input", "input"], problem)
    np.testing.assert_array_equal(wide, every[:, [4, 0]])
    np.testing.assert_array_equal(deep, every[:, [1, 2, 0]])
    assert isinstance(part.features, pd.DataFrame)
    np.testing.assert_array_equal(every, part.features.to_numpy())
    names = ["wide_input", "deep_input", "input"]
    assert [problem.shape_of(name) for name in names] == [(2,), (3,), (6,)]


TRAINING_FILES = ("encoder.json", "scaler.json", "train_features", "train_targets")


def scaled_files(dataset: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(f"data/scaled/{dataset}").iterdir()}


def check_leakage(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    assert set(before) == set(after)
    same = {name for name in before if before[name] == after[name]}
    assert same == {name for name in before if name.startswith(TRAINING_FILES)}


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile"])
def test_test_and_valid_rows_of_a_table_do_not_leak(workspace: Path, method: Method) -> None:
    prepare(workspace, auxiliary="rent", sample_weight="count")
    config = dataset_config("made", f"scale.features={method}", "scale.target=robust")
    scale(config)
    before = scaled_files("made")
    table = raw()
    others = np.concatenate([rows("made", "valid"), rows("made", "test")])
    for name in ("size", "age", "height", "same", "rent", "count", "price"):
        table.loc[others, name] = table.loc[others, name] * 2 + 3
    table.to_parquet("data/raw/made/data.parquet", index=False)
    scale(config)
    check_leakage(before, scaled_files("made"))


@pytest.mark.parametrize("pixels", ["together", "separately"])
def test_test_and_valid_rows_of_images_do_not_leak(workspace: Path, pixels: str) -> None:
    config = dataset_config("digits", f"scale.pixels={pixels}")
    download(config)
    split(config)
    scale(config)
    before = scaled_files("digits")
    images, labels = (np.load(f"data/raw/digits/{name}.npy") for name in ("images", "labels"))
    for part in ("valid", "test"):
        images[rows("digits", part)] = 255 - images[rows("digits", part)]
        labels[rows("digits", part)] = 9 - labels[rows("digits", part)]
    np.save("data/raw/digits/images.npy", images)
    np.save("data/raw/digits/labels.npy", labels)
    scale(config)
    check_leakage(before, scaled_files("digits"))


def flawed(value: Any) -> list[Any]:
    return [1.0, 2.0, value, *[3.0] * 55, value, 4.0]


@pytest.mark.parametrize(
    ("columns", "settings", "message"),
    [
        (
            {"age": [float("nan")] * 60},
            {},
            "column 'age' has no value in any training row; leave it out with dataset.exclude",
        ),
        (
            {"age": [None] * 60},
            {},
            "column 'age' has no value in any training row; leave it out with dataset.exclude",
        ),
        (
            {"age": [f"name {number}" for number in range(60)]},
            {},
            "column 'age' has 33 different values in 33 training rows, none of them in "
            "scale.min_frequency (5) rows: leave it out with dataset.exclude, or list it under "
            "dataset.dates if it holds dates",
        ),
        (
            {"age": flawed(float("inf"))},
            {},
            "column 'age' is infinite in 2 rows, the first of them 2; mend the rows, or leave it "
            "out with dataset.exclude",
        ),
        (
            {"rent": flawed(float("nan"))},
            {"auxiliary": "rent"},
            "column 'rent' has no value in 2 rows, the first of them 2; as a weight or target it "
            "must have one in each",
        ),
        (
            {"count": flawed(-0.5)},
            {"sample_weight": "count"},
            "dataset.sample_weight: column 'count' holds -0.5 in row 2; weights must be at least 0",
        ),
        (
            {},
            {"exclude": ["towm"]},
            "dataset.exclude: there is no column 'towm'; did you mean town?",
        ),
        (
            {},
            {"auxiliary": "tax"},
            "dataset.auxiliary: there is no column 'tax'; there are: age, count, height, price, "
            "rent, same, size, town",
        ),
        (
            {},
            {"sample_weight": "counts"},
            "dataset.sample_weight: there is no column 'counts'; did you mean count?",
        ),
        ({}, {"wide": ["siz"]}, "dataset.wide: there is no column 'siz'; did you mean size?"),
        ({}, {"deep": ["siz"]}, "dataset.deep: there is no column 'siz'; did you mean size?"),
        (
            {},
            {"wide": ["price"]},
            "dataset.wide: column 'price' is the target, a weight or excluded; "
            "networks are not given it",
        ),
        (
            {},
            {"exclude": ["town", "size", "age", "height", "same", "rent", "count"]},
            "dataset.exclude: leaves no column of made to learn from",
        ),
    ],
)
def test_refuses_bad_columns_and_writes_nothing(
    workspace: Path, columns: dict[str, list[Any]], settings: dict[str, Any], message: str
) -> None:
    prepare(workspace, columns, **settings)
    with pytest.raises(FathomError) as caught:
        scale(dataset_config("made"))
    assert str(caught.value) == message
    assert not list(Path("data").glob("scaled/**/*"))
    assert not Path("data/problem").exists()


def test_names_the_row_that_is_not_a_number(workspace: Path) -> None:
    prepare(workspace, {"age": [*["1.5"] * 57, "n/a", "2", "3"]})
    with pytest.raises(FathomError) as caught:
        scale(dataset_config("made"))
    assert str(caught.value) == (
        "column 'age' holds 'n/a' in row 57 among its numbers: mend it, list it under "
        "dataset.source.missing if it stands for a missing value, or list 'age' under "
        "dataset.categories"
    )


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("exclude", "[a]"),
        ("auxiliary", "a"),
        ("sample_weight", "a"),
        ("wide", "[a]"),
        ("deep", "[a]"),
    ],
)
def test_refuses_columns_of_images(workspace: Path, key: str, value: str) -> None:
    config = dataset_config("digits", f"+dataset.{key}={value}")
    download(config)
    split(config)
    with pytest.raises(FathomError) as caught:
        scale(config)
    line = f"dataset.{key}: is for the columns of a table, not for images"
    assert str(caught.value) == line


def test_without_a_split_names_the_stage_that_makes_it(workspace: Path) -> None:
    config = dataset_config("digits")
    download(config)
    with pytest.raises(FathomError) as caught:
        scale(config)
    line = "data/split/digits/train.npy is missing: make it with `dvc repro split@digits`"
    assert str(caught.value) == line
