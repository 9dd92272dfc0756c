"""The stage `scale`: targets, weights and inputs, and that only training rows are fitted."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import dataset_config, every_kind, prepare
from scaling import raw, rows

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.base.errors import FathomError
from fathom.base.paths import SUBSETS
from fathom.download.download import download
from fathom.download.sources import RawTable
from fathom.scale.encoder import Encoder
from fathom.scale.scale import scale

MADE = {"task": "regression", "target": "price"}
EVERYTHING = MADE | {
    "auxiliary": "tax",
    "sample_weight": "count",
    "categories": ["rooms", "sold_month"],
    "buckets": {"size": 7, "rent": 4},
    "crosses": [["size", "rent"], ["town", "rooms", "sold_month"]],
    "cross_size": 40,
}


def made_table(missing: float = 0.0, changed: list[int] | None = None) -> RawTable:
    """Return a table of every kind of column. In the changed rows all values are different."""
    rng = np.random.default_rng(3)
    table = every_kind(rng, 400, missing, rooms=6)
    table["price"] = rng.normal(50, 10, len(table))
    table["tax"] = rng.normal(5, 1, len(table))
    table["count"] = rng.integers(0, 4, len(table))
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


def add(folder: Path, settings: dict[str, Any], **arguments: Any) -> None:
    """Add the made table as a data set."""
    source = {"_target_": f"{__name__}.made_table", **arguments}
    text = "# @package _global_\n" + yaml.safe_dump({"dataset": settings | {"source": source}})
    (folder / "conf/dataset/made.yaml").write_text(text)


def scaled(folder: Path, **settings: Any) -> Problem:
    """Add the made table and run the stages up to `scale`."""
    add(folder, MADE | settings)
    prepare(folder, ["made"])
    return Problem.read("made")


def scaled_files(dataset: str) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in Path(f"data/scaled/{dataset}").iterdir()}


# Targets, weights and inputs.


@pytest.mark.parametrize(
    ("auxiliary", "task", "classes"),
    [("rent", "regression", None), ("town", "classification", ["x", "y", "z"])],
)
def test_auxiliary_column_is_a_second_target(
    workspace: Path, auxiliary: str, task: str, classes: list[str] | None
) -> None:
    problem = scaled(workspace, auxiliary=auxiliary)
    output = problem.output("aux_output")
    assert (output.column, output.task, output.classes) == (auxiliary, task, classes)
    assert not {auxiliary, "price"} & {*problem.numbers, *problem.categories}
    subset = read_subset(problem, "valid")
    targets = list(subset.target("aux_output"))
    expected = raw()[auxiliary].iloc[subset.rows]
    assert (targets if classes is None else [classes[code] for code in targets]) == list(expected)
    assert list(subset.target("main_output")) == list(raw()["price"].iloc[subset.rows])
    scalers = {"main_output", "aux_output"} if classes is None else {"main_output"}
    assert set(read_scalers(problem.dataset).targets) == scalers


def test_without_auxiliary_column_the_second_output_predicts_the_target(workspace: Path) -> None:
    problem = scaled(workspace)
    assert problem.output("aux_output") == problem.main
    subset = read_subset(problem, "test")
    assert set(subset.targets) == {"main_output"}
    np.testing.assert_array_equal(subset.target("aux_output"), subset.targets["main_output"])


def test_classes_of_a_table_are_numbered(workspace: Path) -> None:
    problem = scaled(workspace, task="classification", target="town")
    assert problem.main.classes == ["x", "y", "z"]
    subset = read_subset(problem, "train")
    names = ["xyz"[code] for code in subset.targets["main_output"]]
    assert names == list(raw()["town"].iloc[subset.rows])


def test_weights_are_no_feature(workspace: Path) -> None:
    problem = scaled(workspace, sample_weight="count")
    assert "count" not in problem.numbers
    for name in SUBSETS:
        subset = read_subset(problem, name)
        assert subset.weights is not None
        assert list(subset.weights) == list(raw()["count"].iloc[subset.rows])


def test_inputs_are_chosen_by_name(workspace: Path) -> None:
    problem = scaled(
        workspace, wide=["rent", "size"], deep=["tax", "rent", "size"], exclude=["sold"]
    )
    assert problem.numbers == ["size", "rooms", "rent", "tax", "count"]
    subset = read_subset(problem, "test")
    wide, deep, both = subset.inputs(["wide_input", "deep_input", "input"], problem)
    np.testing.assert_array_equal(wide, both[:, [2, 0]])
    np.testing.assert_array_equal(deep, both[:, [3, 2, 0]])
    assert isinstance(subset.features, pd.DataFrame)
    np.testing.assert_array_equal(both, subset.features[problem.numbers].to_numpy())
    names = ["wide_input", "deep_input", "input"]
    assert [problem.shape_of(name) for name in names] == [(2,), (3,), (5,)]


def test_inputs_of_the_wide_path_share_one_table_of_weights(workspace: Path) -> None:
    problem = scaled(workspace, **EVERYTHING)
    subset = read_subset(problem, "test")
    (sparse,) = subset.inputs(["wide_sparse"], problem)
    sizes = list(problem.sparse.values())
    first = np.cumsum([0, *sizes[:-1]])
    assert sparse.dtype == np.int32
    assert sparse.shape == (len(subset.rows), len(sizes))
    assert (sparse >= first).all()
    assert (sparse < first + sizes).all()
    codes, deep, numbers = subset.inputs(["categories", "deep_categories", "features"], problem)
    np.testing.assert_array_equal(codes, deep)
    assert (codes.max(axis=0) < list(problem.categories.values())).all()
    assert numbers.dtype == np.float32
    assert problem.shape_of("wide_sparse") == (len(sizes),)


# Whatever the test and validation rows hold, the encoder, the scalers and the training rows stay
# the same.

TRAINING_FILES = ("encoder.json", "scaler.json", "train_features", "train_targets")


def check_leakage(before: dict[str, bytes], after: dict[str, bytes]) -> None:
    assert set(before) == set(after)
    same = {name for name in before if before[name] == after[name]}
    assert same == {name for name in before if name.startswith(TRAINING_FILES)}


@pytest.mark.parametrize("method", ["zscore", "minmax", "robust", "quantile"])
def test_test_and_valid_rows_of_a_table_do_not_leak(workspace: Path, method: str) -> None:
    settings = [f"scale.features={method}", "scale.target=robust", "scale.min_frequency=2"]
    add(workspace, EVERYTHING, missing=0.1)
    prepare(workspace, ["made"], *settings)
    before, problem = scaled_files("made"), Problem.read("made")
    others = np.concatenate([rows("made", "valid"), rows("made", "test")])

    add(workspace, EVERYTHING, missing=0.1, changed=others.tolist())
    download(dataset_config("made"))
    scale(dataset_config("made", *settings))

    check_leakage(before, scaled_files("made"))
    assert Problem.read("made") == problem
    encoder = Encoder.read("made")
    assert [encoder.dates != [], encoder.buckets != [], encoder.crosses != []] == [True] * 3
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


# Errors: see also bad_inputs.json.


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
def test_images_have_no_columns(trainable: Path, key: str, value: str) -> None:
    with pytest.raises(FathomError) as error:
        scale(dataset_config("digits", f"+dataset.{key}={value}"))
    message = f"dataset.{key}: applies to the columns of a table, not to images"
    assert str(error.value) == message


def test_without_a_split_the_error_names_its_stage(workspace: Path) -> None:
    download(dataset_config("digits"))
    with pytest.raises(FathomError) as error:
        scale(dataset_config("digits"))
    message = "data/split/digits/train.npy is missing: make it with `dvc repro split@digits`"
    assert str(error.value) == message
