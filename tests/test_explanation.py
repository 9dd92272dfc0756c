"""Explanations are what theory says of networks whose insides are known, and the same each time."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import (
    SHRUNK,
    dataset_config,
    edit,
    every_kind,
    network_config,
    prepare,
    train_network,
    work_in_copy,
)
from stages import make_stage
from test_training import OWN, OWN_SETTINGS

from fathom.artifacts.model_file import read_model
from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers, read_subset
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import write_json
from fathom.download.sources import RawTable
from fathom.evaluate.evaluate import evaluate
from fathom.explain.coalitions import Mixer, explained_columns
from fathom.explain.crosses import suggested
from fathom.explain.explain import best_model, explain
from fathom.explain.saliency import Attributions, black_image
from fathom.explain.sizes import Sizes, per_class
from fathom.scale.encoder import Encoder, preprocess
from fathom.settings.data_settings import DatasetSettings

NAN = float("nan")
ROWS = 120


def made(columns: int = 4, classes: int = 0) -> RawTable:
    """Return a table of numbers x0, x1, ...; y is a number or a class."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(1, 1, (ROWS, columns)).astype(np.float32)).add_prefix("x")
    y = rng.integers(0, classes, ROWS).astype(str) if classes else rng.normal(size=ROWS)
    return RawTable(table.assign(y=y), "the test", "0" * 64)


def everything(classes: int = 0) -> RawTable:
    """Return a table of every kind of column, with missing values."""
    rng = np.random.default_rng(2)
    table = every_kind(rng, ROWS, missing=0.2, rooms=4)
    y = rng.integers(0, classes, ROWS) if classes else table["rent"] * table["rooms"]
    return RawTable(table.assign(y=y), "the test", "0" * 64)


EVERYTHING = {
    "categories": ["rooms", "sold_month"],
    "buckets": {"size": 7, "rent": 4},
    "crosses": [["size", "rent"], ["town", "rooms", "sold_month"]],
    "cross_size": 40,
}


def add(folder: Path, function: str, settings: dict[str, Any], **arguments: Any) -> None:
    """Make the data set `made` of a function of this module."""
    dataset = {
        "source": {"_target_": f"{__name__}.{function}", **arguments},
        "task": "classification" if arguments.get("classes") else "regression",
        "target": "y",
    }
    tree = {"dataset": dataset | settings, "scale": {"features": "none", "target": "none"}}
    text = "# @package _global_\n" + yaml.safe_dump(tree)
    (folder / "conf/dataset/made.yaml").write_text(text)
    prepare(folder, ["made"])


def keep(model: keras.Model, name: str = "mlp", dataset: str = "made", figure: float = 1.0) -> None:
    """Put a network where `train` and `evaluate` put theirs."""
    folder = paths.model(dataset, name)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    settings = {"model": {"_target_": "fathom.models.mlp.build"}}
    write_json(folder / "run.json", {"settings": settings})
    write_json(paths.metrics(dataset, name), {"valid": {"rmse": figure, "accuracy": figure}})


def product(columns: int, share: float) -> keras.Model:
    """Return the network 100 + share x0 x1 + 2 x2 + x3."""
    x = keras.Input((columns,), name="features")
    total = 100.0 + x[:, 2:3] * 2.0 + x[:, 3:4]
    if share:
        total = total + x[:, 0:1] * x[:, 1:2] * share
    return keras.Model(x, keras.layers.Activation("linear", name="main_output")(total))


def explained(dataset: str, *overrides: str, model: str = "mlp") -> dict[str, Any]:
    """Explain a network by a few rows; return what was written."""
    edit(Path("params.yaml"), f"models=[{model}]")
    few = ["explain.rows=12", "explain.background=10"]
    found = explain(dataset_config(dataset, *few, *overrides))
    file = paths.explanation(dataset) / "explanation.json"
    assert json.loads(file.read_text()) == found
    return found


def by_column(found: dict[str, Any]) -> dict[str, float]:
    return {entry["column"]: entry["mean_absolute"] for entry in found["importance"]}


def assert_efficient(found: dict[str, Any]) -> None:
    """The contributions sum up to the prediction less what is predicted of nothing."""
    assert found["examples"]
    for example in found["examples"]:
        total = example["base"] + sum(c["contribution"] for c in example["contributions"])
        assert total == pytest.approx(example["predicted"], rel=1e-4)


def test_shapley_values_and_interactions_of_a_product(workspace: Path) -> None:
    add(workspace, "made", {})
    keep(product(4, 3.0))
    found = explained("made", "explain.rows=1000", "explain.background=1000")
    parts = {
        part: made().table.loc[np.load(f"data/split/made/{part}.npy")] for part in ("train", "test")
    }
    a, b = (parts["test"][name] for name in ("x0", "x1"))
    others_a, others_b = (parts["train"][name] for name in ("x0", "x1"))
    nothing = np.mean(others_a * others_b)
    of_a = 3 * (a * others_b.mean() - nothing + a * b - b * others_a.mean()) / 2
    together = 3 * (a * b - a * others_b.mean() - b * others_a.mean() + nothing)
    of_c = 2 * (parts["test"]["x2"] - parts["train"]["x2"].mean())
    assert by_column(found)["x0"] == pytest.approx(of_a.abs().mean(), rel=1e-4)
    assert by_column(found)["x2"] == pytest.approx(of_c.abs().mean(), rel=1e-4)
    assert found["pairs"] == [
        {"columns": ["x0", "x1"], "mean_absolute": pytest.approx(together.abs().mean(), rel=1e-4)}
    ]
    assert found["crosses"] == "buckets: {x0: 20, x1: 20}\ncrosses: [[x0, x1]]"
    assert (found["rows"], found["background"]) == (len(a), len(others_a))
    assert found["evaluations"] == len(a) * len(others_a) * 2**4
    assert "exact" in found["method"]
    assert (found["explained"], found["unit"]) == ("predicted y", None)
    assert_efficient(found)
    low, median, high = found["examples"]
    assert low["predicted"] < median["predicted"] < high["predicted"]
    assert low["actual"] == made().table["y"][low["row"]]


def test_a_linear_network_has_no_interactions(workspace: Path) -> None:
    add(workspace, "made", {})
    keep(product(4, 0.0))
    found = explained("made")
    assert (found["pairs"], found["crosses"]) == ([], None)
    assert max(by_column(found)["x0"], by_column(found)["x1"]) < 1e-9
    assert by_column(found)["x2"] > by_column(found)["x3"] > 0


@pytest.mark.parametrize(
    ("columns", "source", "pairs"),
    [(14, "KernelSHAP-IQ", [["x0", "x1"]]), (41, "KernelSHAP ", [])],
)
def test_of_many_columns_coalitions_are_sampled(
    workspace: Path, columns: int, source: str, pairs: list[list[str]]
) -> None:
    add(workspace, "made", {}, columns=columns)
    keep(product(columns, 3.0))
    found = explained("made", "explain.evaluations=60000")
    assert source in found["method"]
    assert found["evaluations"] <= 60_000
    assert [pair["columns"] for pair in found["pairs"][:1]] == pairs
    assert {entry["column"] for entry in found["importance"][:3]} == {"x0", "x1", "x2"}
    assert_efficient(found)


def test_mixing_features_is_mixing_raw_values(workspace: Path) -> None:
    add(workspace, "everything", EVERYTHING)
    table, encoder = everything().table, Encoder.read("made")
    scaler = read_scalers("made").features
    columns = explained_columns(encoder, Schema.read("made"))
    assert columns == ["size", "town", "rooms", "sold", "rent"]
    background = table.iloc[20:29]
    known = np.random.default_rng(0).random((40, len(columns))) < 0.5
    mixer = Mixer(encoder, columns, preprocess(background, encoder, scaler))
    for row in (0, int(np.flatnonzero(table["size"].isna())[0])):
        own = table.iloc[[row]]
        mixed = pd.concat(list(mixer.blocks(preprocess(own, encoder, scaler), known)))
        raw = pd.concat([background] * len(known), ignore_index=True)
        for index, name in enumerate(columns):
            is_known = np.repeat(known[:, index], len(background))
            raw.loc[is_known, name] = own[name].iloc[0]
        expected = preprocess(raw, encoder, scaler)
        pd.testing.assert_frame_equal(mixed.reset_index(drop=True)[list(expected)], expected)


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        ("wide_deep", 0),
        ("mlp", 2),
        ("wide_deep", 3),
        pytest.param("mlp", 0, marks=pytest.mark.slow),
        pytest.param("wide_deep", 2, marks=pytest.mark.slow),
        pytest.param("mlp", 3, marks=pytest.mark.slow),
    ],
)
def test_categories_dates_and_missing_values(workspace: Path, model: str, classes: int) -> None:
    add(workspace, "everything", EVERYTHING, classes=classes)
    train_network("made", model, "train.epochs=1")
    evaluate(network_config("made", model))
    found = explained("made", "explain.rows=30", model=model)
    assert sorted(by_column(found)) == ["rent", "rooms", "size", "sold", "town"]
    assert_efficient(found)
    values = {c["value"] for example in found["examples"] for c in example["contributions"]}
    assert any(value.startswith("202") for value in values)
    assert len(found["examples"]) == 3
    if classes:
        assert all(0 <= example["predicted"] <= 1 for example in found["examples"])
        assert all(example["actual"] in ("0", "1", "2") for example in found["examples"])
    wording = {0: "predicted y", 2: "probability of 1", 3: "probability of the predicted class"}
    assert found["explained"] == wording[classes]
    assert all(("class" in example) is (classes == 3) for example in found["examples"])


def test_where_a_house_stands_is_latitude_and_longitude_together(trainable: Path) -> None:
    train_network("california_housing", "wide_deep", "train.epochs=6")
    evaluate(network_config("california_housing", "wide_deep"))
    found = explained("california_housing", model="wide_deep")
    assert ["Latitude", "Longitude"] in [pair["columns"] for pair in found["pairs"][:3]]
    assert "[Latitude, Longitude]" in found["crosses"]
    assert found["unit"] == "$100k"
    assert_efficient(found)


@pytest.fixture
def trained_ones(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of the project in which every stage has run, made the working folder."""
    return work_in_copy(pipeline, tmp_path, monkeypatch)


def test_integrated_gradients_are_complete(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a network with two inputs, both of which get the image."""
    monkeypatch.chdir(pipeline)
    problem = Problem.read("digits")
    model = read_model("digits", "wide_deep")
    black = black_image(read_scalers("digits").features, problem.shape)
    images = np.asarray(read_subset(problem, "test").features)[:50]
    of_images, of_black = (model([x, x])[0].numpy() for x in (images, black[None]))
    chosen = of_images.argmax(axis=1)
    gained = of_images[np.arange(50), chosen] - of_black[0, chosen]
    attributions = Attributions(model, problem, black)
    found = attributions.of(images)
    assert found.sum(axis=(1, 2)) == pytest.approx(gained, abs=0.01)
    assert attributions.mean_absolute(images) == pytest.approx(np.abs(found).mean(axis=0))


def test_a_black_image_has_raw_values_of_0(scaled: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(scaled)
    raw, scaler = np.load("data/raw/digits/images.npy"), read_scalers("digits").features
    features = read_subset(Problem.read("digits"), "test").features
    first = raw[np.load("data/split/digits/test.npy")[0]]
    black = black_image(scaler, [8, 8])
    assert (np.asarray(features)[0] == black).tolist() == (first == 0).tolist()


@pytest.mark.parametrize("model", ["mlp", "wide_deep"])
def test_maps_of_images(trained_ones: Path, model: str) -> None:
    found = explained("digits", model=model)
    maps = np.load("data/explanations/digits/maps.npy")
    assert (maps.shape, maps.dtype) == ((10, 8, 8), np.dtype(np.float32))
    assert (maps >= 0).all()
    assert maps.any(axis=(1, 2)).all()
    assert (maps[:, :, 0] == 0).all()  # where no digit has any ink
    assert found["classes"] == [str(digit) for digit in range(10)]
    assert found["rows_by_class"] == [12] * 10
    assert found["rows"] == 120
    assert (found["dataset"], found["model"], found["kind"]) == ("digits", model, "images")


@pytest.mark.parametrize("dataset", ["california_housing", "digits"])
def test_the_same_seed_gives_the_same_bytes(trained_ones: Path, dataset: str) -> None:
    def written(seed: int) -> list[bytes]:
        explained(dataset, f"seed={seed}")
        return [file.read_bytes() for file in sorted(paths.explanation(dataset).iterdir())]

    first, again, other = written(1), written(1), written(2)
    assert first == again
    assert first != other


def test_own_classes_are_explained(trainable: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A subclassed network, whose inputs have no names, where nothing of it is known yet."""
    folder = trainable / "lib"
    folder.mkdir()
    (folder / "own_net.py").write_text(OWN)
    monkeypatch.syspath_prepend(folder)
    Path("conf/model/own.yaml").write_text(OWN_SETTINGS.format("build"))
    edit(Path("params.yaml"), "models=[own]")
    for stage in ("train", "evaluate"):
        make_stage(stage, "dataset=digits", "model=own", *SHRUNK)
    del sys.modules["own_net"]  # as in a process of its own
    known = keras.saving.get_custom_objects()
    own = [name for name in known if name.startswith("own>")]
    assert own
    for name in own:
        del known[name]
    make_stage("explain", "dataset=digits", "explain.rows=2", "gpus=[]")
    assert np.load("data/explanations/digits/maps.npy").any()


@pytest.mark.parametrize(("task", "best"), [("regression", "selu"), ("classification", "mlp")])
def test_the_best_network_on_the_validation_part_is_explained(
    workspace: Path, task: str, best: str
) -> None:
    add(workspace, "made", {}, classes=0 if task == "regression" else 2)
    for name, figure in {"mlp": 0.9, "selu": 0.3, "wide_deep": 0.9}.items():
        keep(product(4, 1.0), name, figure=figure)
    assert best_model(Problem.read("made"), ["mlp", "selu", "wide_deep"]) == best


@pytest.mark.parametrize(
    ("missing", "made_by"),
    [
        ("data/problem/made.json", "scale@made"),
        ("metrics/made/mlp.json", "evaluate@made-mlp"),
        ("models/made/mlp/model.keras", "train@made-mlp"),
        ("models/made/mlp/run.json", "train@made-mlp"),
        ("data/raw/made/data.parquet", "download@made"),
        ("data/scaled/made/encoder.json", "scale@made"),
        ("data/scaled/made/scaler.json", "scale@made"),
        ("data/scaled/made/train_targets.parquet", "scale@made"),
    ],
)
def test_what_is_missing_is_named(workspace: Path, missing: str, made_by: str) -> None:
    add(workspace, "made", {})
    keep(product(4, 1.0))
    Path(missing).unlink()
    with pytest.raises(FathomError) as raised:
        explained("made")
    assert str(raised.value) == f"{missing} is missing: make it with `dvc repro {made_by}`"
    assert not Path("data/explanations/made").exists()


def test_too_few_evaluations_are_refused(workspace: Path) -> None:
    add(workspace, "made", {})
    keep(product(4, 1.0))
    with pytest.raises(FathomError) as raised:
        explained("made", "explain.evaluations=15")
    assert str(raised.value) == (
        "explain.evaluations: 15 are too few for 4 columns; set it to 16 or more"
    )


@pytest.mark.parametrize(
    ("columns", "limit", "expected"),
    [
        (8, 3_000_000, Sizes(50, 50, 256, True, True)),
        (10, 3_000_000, Sizes(50, 50, 1024, True, True)),
        (11, 3_000_000, Sizes(50, 50, 1200, False, True)),
        (13, 10**9, Sizes(50, 50, 8192, False, True)),
        (30, 3_000_000, Sizes(50, 50, 1200, False, True)),
        (40, 3_000_000, Sizes(36, 50, 1666, False, True)),
        (41, 3_000_000, Sizes(50, 50, 1200, False, False)),
        (30, 10_000, Sizes(1, 10, 1000, False, True)),
    ],
)
def test_sizes_stay_within_the_limit(columns: int, limit: int, expected: Sizes) -> None:
    found = Sizes.of(columns, 50, 50, limit)
    assert found == expected
    assert found.rows * found.background * found.coalitions <= limit


def test_images_of_each_class_stay_within_the_limit(workspace: Path) -> None:
    settings = dataset_config("digits", "explain.rows=50", "explain.evaluations=6400").explain
    assert [per_class(settings, classes, 64) for classes in (1, 10, 1000)] == [50, 10, 1]


@pytest.mark.parametrize(
    ("buckets", "pairs", "expected"),
    [
        ({"size": 7, "rent": 4}, [("size", "rent", 1.0)], "crosses: [[size, rent]]"),
        (5, [("size", "rent", 1.0)], "crosses: [[size, rent]]"),
        (
            {"rent": 4},
            [("size", "town", 1.0)],
            "buckets: {rent: 4, size: 20}\ncrosses: [[size, town]]",
        ),
        (None, [("town", "rooms", 1.0)], "crosses: [[town, rooms]]"),
        (None, [("sold", "town", 2.0), ("town", "rooms", 1.0)], "crosses: [[town, rooms]]"),
        (None, [("town", "rooms", 1.0), ("size", "town", 0.4)], "crosses: [[town, rooms]]"),
        (None, [("sold", "town", 1.0)], None),
        (None, [], None),
    ],
)
def test_crosses_can_be_pasted(
    workspace: Path, buckets: Any, pairs: list[tuple[str, str, float]], expected: str | None
) -> None:
    crossable = {"buckets": {"size": 7, "rent": 4}} | {"categories": ["rooms"]}
    add(workspace, "everything", crossable)
    source = {"_target_": "nowhere.nothing"}
    dataset = DatasetSettings.model_validate(
        {"name": "made", "source": source, "task": "regression", "target": "y", "buckets": buckets}
    )
    found = suggested(
        [{"columns": [a, b], "mean_absolute": strength} for a, b, strength in pairs],
        Encoder.read("made"),
        dataset,
    )
    assert found == expected
    if found:
        pasted = {"categories": ["rooms"], "buckets": buckets} | yaml.safe_load(found)
        add(workspace, "everything", pasted)
        assert Encoder.read("made").crosses
