"""What the stage `scale` makes of the project's own data sets."""

import json
from pathlib import Path

import numpy as np
import pytest
from conftest import prepare
from scaling import raw, rows
from sklearn.preprocessing import StandardScaler

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.artifacts.schema import Schema
from fathom.base.paths import SUBSETS
from fathom.scale.encoder import Encoder


def test_california_end_to_end(workspace: Path) -> None:
    book = ("experiment=book_wide_deep", "scale.clip=5.0", "scale.target=zscore")
    prepare(workspace, ["california_housing"], *book)
    problem = Problem.read("california_housing")
    assert problem.rows == {"train": 11610, "valid": 3870, "test": 5160}
    assert (problem.kind, len(problem.numbers), problem.main.unit) == ("table", 8, "$100k")
    assert problem.categories == problem.sparse == {}
    table = raw("california_housing")
    features = table.drop(columns="MedHouseVal").to_numpy()
    scaler = StandardScaler().fit(features[rows("california_housing", "train")])
    for name in SUBSETS:
        subset, numbers = read_subset(problem, name), rows("california_housing", name)
        expected = np.clip(scaler.transform(features[numbers]), -5, 5).astype(np.float32)
        (values,) = subset.inputs(["features"], problem)
        assert values.dtype == np.float32
        np.testing.assert_allclose(values, expected, rtol=1e-6)
        np.testing.assert_array_equal(subset.rows, numbers)
        target = table["MedHouseVal"].to_numpy()[numbers]
        np.testing.assert_array_equal(subset.targets["main_output"], target)
        assert subset.weights is None
    prices = table["MedHouseVal"].to_numpy()[rows("california_housing", "train")]
    target_scaler = read_scalers(problem.dataset).targets["main_output"]
    assert target_scaler.center == pytest.approx([prices.mean()])
    assert target_scaler.scale == pytest.approx([prices.std()])
    assert target_scaler.clip is None
    wide = ["MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population"]
    deep = ["AveRooms", "AveBedrms", "Population", "AveOccup", "Latitude", "Longitude"]
    assert (problem.columns_of("wide_input"), problem.columns_of("deep_input")) == (wide, deep)


def test_california_crosses_latitude_and_longitude(trainable: Path) -> None:
    problem = Problem.read("california_housing")
    assert problem.sparse == {
        "Latitude_bucket": 41,
        "Longitude_bucket": 41,
        "Latitude_x_Longitude": 41 * 41,
    }
    assert problem.wide == problem.deep == problem.numbers


def test_adult_census_has_its_official_split(workspace: Path) -> None:
    prepare(workspace, ["adult_census"])
    table = raw("adult_census")
    # The first lines of the files adult.data and adult.test of the UCI repository.
    assert list(table.loc[0, ["age", "workclass", "fnlwgt"]]) == [39, "State-gov", 77516.0]
    assert list(table.loc[32_561, ["age", "workclass", "fnlwgt"]]) == [25, "Private", 226802.0]
    problem = Problem.read("adult_census")
    assert problem.rows == {"train": 26_048, "valid": 6_513, "test": 16_281}
    assert rows("adult_census", "test").tolist() == list(range(32_561, 48_842))
    assert Schema.read("adult_census").classes == ["<=50K", ">50K"]
    assert set(problem.numbers) == {
        "age", "education-num", "capital-gain", "capital-loss", "hours-per-week",
    }  # fmt: skip
    assert len(problem.categories) == 8
    with_missing = [
        category["column"]
        for category in Encoder.read("adult_census").model_dump()["categories"]
        if None in category["values"]
    ]
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
    inputs = subset.inputs(["wide_input", "deep_input"], problem)
    assert [values.shape for values in inputs] == [(450, 8, 8)] * 2
    names = json.loads(Path("data/scaled/digits/scaler.json").read_text())["features"]["columns"]
    assert names[:2] == (["pixels"] if pixels == "together" else ["pixel 0 0", "pixel 0 1"])
    assert len(names) == width
