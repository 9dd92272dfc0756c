"""Raw data comes complete and verified from installed packages, or not at all with one line."""

import hashlib
import importlib.util
import json
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config, made_config
from sklearn import datasets
from stages import write_dataset

from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.download.download import download
from fathom.download.sources import RawTable, package_csv, scikit_learn
from fathom.settings.config import DatasetConfig
from fathom.split.split import split

CALIFORNIA_CSV = "datasets/data/california_housing.csv"
CALIFORNIA_SHA256 = "6c0573ec35c926d6fab1225b6ff5d3ee1c664ebf960168f3fd13d70b6acdc485"
CALIFORNIA_COLUMNS = [
    "MedInc", "HouseAge", "AveRooms", "AveBedrms", "Population", "AveOccup",
    "Latitude", "Longitude", "MedHouseVal",
]  # fmt: skip
DIGITS_SHA256 = "f6d9e39f37dc45d327f6db33428ee58970ccceabb2535a5c179de35886b70443"
SHAPIQ = version("shapiq")
SKLEARN = version("scikit-learn")


def from_columns(**columns: list[Any]) -> RawTable:
    return RawTable(pd.DataFrame(columns), "the test", "0" * 64)


def table_config(columns: dict[str, list[Any]], **settings: Any) -> DatasetConfig:
    source = {"_target_": f"{__name__}.from_columns", **columns}
    return made_config({"source": source, "target": "y"} | settings)


def snapshot(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in folder.rglob("*") if p.is_file()}


def test_california_is_the_csv_of_the_package_which_is_not_imported(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def imported() -> list[str]:
        return [name for name in sys.modules if name.partition(".")[0] == "shapiq"]

    for name in imported():
        monkeypatch.delitem(sys.modules, name)
    schema = download(dataset_config("california_housing"))
    assert imported() == []
    spec = importlib.util.find_spec("shapiq")
    assert spec is not None
    assert spec.origin is not None
    file = Path(spec.origin).parent / CALIFORNIA_CSV
    table = pd.read_parquet("data/raw/california_housing/data.parquet")
    pd.testing.assert_frame_equal(table, pd.read_csv(file))
    assert schema == Schema.read("california_housing")
    assert schema.source.sha256 == hashlib.sha256(file.read_bytes()).hexdigest()
    assert json.loads(Path("data/raw/california_housing/schema.json").read_text()) == {
        "name": "california_housing",
        "kind": "table",
        "task": "regression",
        "rows": 20640,
        "unlabelled": 0,
        "target": "MedHouseVal",
        "unit": "$100k",
        "classes": None,
        "columns": [{"name": name, "type": "float64"} for name in CALIFORNIA_COLUMNS],
        "image_shape": None,
        "test_rows": 0,
        "source": {
            "origin": f"{CALIFORNIA_CSV} of the Python package shapiq {SHAPIQ}",
            "sha256": CALIFORNIA_SHA256,
        },
    }


def test_digits_are_images_with_labels(workspace: Path) -> None:
    schema = download(dataset_config("digits"))
    images = np.load("data/raw/digits/images.npy")
    labels = np.load("data/raw/digits/labels.npy")
    digits = datasets.load_digits()
    assert (images.dtype, labels.dtype) == (np.uint8, np.int64)
    np.testing.assert_array_equal(images, digits.images)
    np.testing.assert_array_equal(labels, digits.target)
    assert schema.model_dump() == {
        "name": "digits",
        "kind": "images",
        "task": "classification",
        "rows": 1797,
        "unlabelled": 0,
        "target": "label",
        "unit": None,
        "classes": list("0123456789"),
        "columns": [],
        "image_shape": [8, 8],
        "test_rows": 0,
        "source": {"origin": f"load_digits of scikit-learn {SKLEARN}", "sha256": DIGITS_SHA256},
    }


def test_diabetes_is_a_table_with_its_target(workspace: Path) -> None:
    schema = download(dataset_config("diabetes"))
    table = pd.read_parquet("data/raw/diabetes/data.parquet")
    expected = datasets.load_diabetes(scaled=False, as_frame=True).frame
    pd.testing.assert_frame_equal(table, expected)
    assert (schema.kind, schema.task, schema.rows) == ("table", "regression", 442)
    assert (schema.target, schema.unit, schema.classes) == ("target", "points", None)


def test_wine_is_a_table_with_names_of_classes(workspace: Path) -> None:
    source = {"_target_": "fathom.download.sources.scikit_learn", "loader": "load_wine"}
    schema = download(made_config({"source": source, "task": "classification", "target": "target"}))
    table = pd.read_parquet("data/raw/made/data.parquet")
    wine = datasets.load_wine()
    assert schema.classes == ["class_0", "class_1", "class_2"]
    assert (schema.kind, schema.rows, len(schema.columns)) == ("table", 178, 14)
    assert table["target"].tolist() == [f"class_{number}" for number in wine.target]
    np.testing.assert_array_equal(table[wine.feature_names].to_numpy(), wine.data)


def other_version(origin: str, sha256: str) -> str:
    return (
        f"{origin} has SHA-256 {sha256}, not the expected {'0' * 64}: it is another version; "
        "check it, then correct dataset.source.sha256"
    )


@pytest.mark.parametrize(
    ("source", "arguments", "message"),
    [
        (package_csv, ("shapiqq", CALIFORNIA_CSV),
         "the package 'shapiqq' is not installed: `pip install shapiqq`, or run `make repro`"),
        (package_csv, ("shapiq", "a.csv"), f"shapiq {SHAPIQ} has no file 'a.csv'"),
        (package_csv, ("shapiq", CALIFORNIA_CSV), other_version(
            f"{CALIFORNIA_CSV} of the Python package shapiq {SHAPIQ}", CALIFORNIA_SHA256)),
        (scikit_learn, ("load_digit", {}),
         "scikit-learn has no loader 'load_digit'; did you mean load_digits?"),
        (scikit_learn, ("load_digits", {"n_clas": 5}),
         "sklearn.datasets.load_digits: got an unexpected keyword argument 'n_clas'"),
        (scikit_learn, ("load_digits", {}),
         other_version(f"load_digits of scikit-learn {SKLEARN}", DIGITS_SHA256)),
    ],
)  # fmt: skip
def test_sources_refuse(
    source: Callable[..., Any], arguments: tuple[Any, ...], message: str
) -> None:
    with pytest.raises(FathomError) as caught:
        source(*arguments, "0" * 64)
    assert str(caught.value) == message


def test_a_source_says_once_where_it_stands(workspace: Path) -> None:
    with pytest.raises(FathomError, match="the package 'shapiqq' is not installed") as caught:
        download(dataset_config("california_housing", "dataset.source.package=shapiqq"))
    assert str(caught.value).count("dataset.source") == 1


NUMBERS = [1.0, 2.0, 3.0]


def test_rows_without_a_target_stay_and_are_counted(workspace: Path) -> None:
    numbers = [float(number) for number in range(20)]
    target = [None if number in (3, 7) else number for number in numbers]
    config = table_config({"a": numbers, "y": target}, task="regression")
    schema = download(config)
    assert (schema.rows, schema.unlabelled) == (20, 2)
    assert len(pd.read_parquet("data/raw/made/data.parquet")) == 20
    subsets = split(config)
    assert sorted(np.concatenate(list(subsets.values()))) == [
        number for number in range(20) if number not in (3, 7)
    ]


def test_classes_are_sorted_as_values_not_as_text(workspace: Path) -> None:
    config = table_config({"a": NUMBERS, "y": [10, 9, 2]}, task="classification")
    assert download(config).classes == ["2", "9", "10"]


@pytest.mark.parametrize(
    ("columns", "target"),
    [
        ({"a": NUMBERS, "y": NUMBERS}, "z"),  # refused before anything is written
        ({"a": [1, "mixed", 3], "y": NUMBERS}, "y"),  # Parquet has no type for it
    ],
)
def test_failure_leaves_what_was_there(
    workspace: Path, columns: dict[str, list[Any]], target: str
) -> None:
    config = table_config(columns, task="regression", target=target)
    with pytest.raises((FathomError, TypeError, ValueError)):
        download(config)
    assert snapshot(workspace / "data") == {}
    assert not Path("data/raw/made").exists()

    download(table_config({"a": NUMBERS, "y": NUMBERS}, task="regression"))
    before = snapshot(workspace / "data")
    with pytest.raises((FathomError, TypeError, ValueError)):
        download(config)
    assert snapshot(workspace / "data") == before
    assert [path.name for path in Path("data/raw").iterdir()] == ["made"]


def test_a_new_download_replaces_the_old_one_whole(workspace: Path) -> None:
    download(dataset_config("digits"))
    source = {"_target_": f"{__name__}.from_columns", "a": NUMBERS, "y": NUMBERS}
    write_dataset(workspace, "digits", {"source": source, "task": "regression", "target": "y"})
    download(dataset_config("digits"))
    assert sorted(snapshot(Path("data/raw/digits"))) == ["data.parquet", "schema.json"]
