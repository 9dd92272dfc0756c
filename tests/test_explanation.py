"""Explanations of tables agree with theory where the network is known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import yaml
from conftest import dataset_config, network_config, train_network
from explanations import (
    EVERY_KIND,
    assert_efficient,
    explain_few,
    importance_of,
    make_dataset,
    mixed,
    numbers,
    product,
    write_network,
)
from trainings import refusal

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_scalers
from fathom.artifacts.schema import Schema
from fathom.evaluate.evaluate import evaluate
from fathom.explain.explain import explain
from fathom.explain.importance import explained_columns, suggest_crosses
from fathom.explain.shapley import CoalitionGame, Sizes, choose_sizes
from fathom.scale.encoder import Encoder, preprocess
from fathom.train.build import build


def test_shapley_values_and_interactions_of_a_product(workspace: Path) -> None:
    make_dataset(workspace, "numbers")
    write_network(product(4, 3.0))
    found = explain_few("made", "explain.rows=1000", "explain.background=1000")
    table = next(numbers().blocks())
    test, train = (table.loc[np.load(f"data/split/made/{name}.npy")] for name in ("test", "train"))
    a, b = test["x0"], test["x1"]
    mean_a, mean_b, mean_ab = train["x0"].mean(), train["x1"].mean(), (train.x0 * train.x1).mean()
    of_a = 3 * (a * mean_b - mean_ab + a * b - b * mean_a) / 2
    of_pair = 3 * (a * b - a * mean_b - b * mean_a + mean_ab)
    of_c = 2 * (test["x2"] - train["x2"].mean())
    assert importance_of(found)["x0"] == pytest.approx(of_a.abs().mean(), rel=1e-4)
    assert importance_of(found)["x2"] == pytest.approx(of_c.abs().mean(), rel=1e-4)
    assert found["pairs"] == [
        {"columns": ["x0", "x1"], "mean_absolute": pytest.approx(of_pair.abs().mean(), rel=1e-4)}
    ]
    assert found["crosses"] == "buckets: {x0: 20, x1: 20}\ncrosses: [[x0, x1]]"
    assert (found["rows"], found["background"]) == (len(test), len(train))
    assert found["evaluations"] == len(test) * len(train) * 2**4
    assert "exact" in found["method"]
    assert (found["explained"], found["unit"]) == ("predicted y", None)
    assert_efficient(found)
    dependence = {line["column"]: line["points"] for line in found["dependence"]}
    assert list(dependence) == [line["column"] for line in found["importance"]]
    for point in dependence["x0"]:
        others = 100 + 2 * train["x2"] + train["x3"] + 3 * point["value"] * train["x1"]
        expected = [others.mean(), *others.quantile([0.1, 0.9])]
        assert [point[key] for key in ("mean", "low", "high")] == pytest.approx(expected, rel=1e-4)
    assert dependence["x0"][0]["value"] == train["x0"].min()
    low, median, high = found["examples"]
    assert low["predicted"] < median["predicted"] < high["predicted"]
    assert low["actual"] == table["y"][low["row"]]


def test_crosses_in_use_are_not_suggested_again(workspace: Path) -> None:
    crosses = {"buckets": {"size": 7, "rent": 4}, "crosses": [["rent", "size"]]}
    make_dataset(workspace, "mixed", crosses)
    dataset, encoder = dataset_config("made").dataset, Encoder.read("made")
    pairs = [{"columns": ["size", "rent"], "mean_absolute": 1.0}]
    assert suggest_crosses(pairs, encoder, dataset) is None
    pairs.append({"columns": ["size", "town"], "mean_absolute": 0.9})
    assert suggest_crosses(pairs, encoder, dataset) == "crosses: [[rent, size], [size, town]]"


def test_a_linear_network_has_no_interactions(workspace: Path) -> None:
    make_dataset(workspace, "numbers")
    write_network(product(4, 0.0))
    found = explain_few("made")
    assert (found["pairs"], found["crosses"]) == ([], None)
    importance = importance_of(found)
    assert max(importance["x0"], importance["x1"]) < 1e-9
    assert importance["x2"] > importance["x3"] > 0


@pytest.mark.parametrize(
    ("columns", "source", "pairs"),
    [(14, "KernelSHAP-IQ", [["x0", "x1"]]), (41, "KernelSHAP ", [])],
)
def test_coalitions_of_many_columns_are_sampled(
    workspace: Path, columns: int, source: str, pairs: list[list[str]]
) -> None:
    make_dataset(workspace, "numbers", columns=columns)
    write_network(product(columns, 3.0))
    found = explain_few("made", "explain.evaluations=60000")
    assert source in found["method"]
    assert found["evaluations"] <= 60_000
    assert [pair["columns"] for pair in found["pairs"][:1]] == pairs
    assert {entry["column"] for entry in found["importance"][:3]} == {"x0", "x1", "x2"}
    assert_efficient(found)


def test_mixed_features_equal_those_of_mixed_raw_values(workspace: Path) -> None:
    make_dataset(workspace, "mixed", EVERY_KIND)
    table, encoder = next(mixed().blocks()), Encoder.read("made")
    scaler = read_scalers("made").features
    columns = explained_columns(encoder, Schema.read("made"))
    assert columns == ["size", "town", "rooms", "sold", "rent"]
    background = table.iloc[20:29]
    encoded = preprocess(background, encoder, scaler)
    known = np.random.default_rng(0).random((40, len(columns))) < 0.5
    for row in (0, int(np.flatnonzero(table["size"].isna())[0])):
        own = table.iloc[[row]]
        row_features = preprocess(own, encoder, scaler)
        game = CoalitionGame(encoder, columns, encoded, row_features, pd.DataFrame.to_numpy, 0)
        features = pd.concat(list(game.blocks(known)))
        raw = pd.concat([background] * len(known), ignore_index=True)
        for index, name in enumerate(columns):
            is_known = np.repeat(known[:, index], len(background))
            raw.loc[is_known, name] = own[name].iloc[0]
        expected = preprocess(raw, encoder, scaler)
        pd.testing.assert_frame_equal(features.reset_index(drop=True)[list(expected)], expected)


@pytest.mark.parametrize(
    ("model", "classes"),
    [
        ("wide_deep", 0), ("mlp", 2), ("wide_deep", 3),
        pytest.param("mlp", 0, marks=pytest.mark.slow),
        pytest.param("wide_deep", 2, marks=pytest.mark.slow),
        pytest.param("mlp", 3, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_categories_dates_and_missing_values(workspace: Path, model: str, classes: int) -> None:
    make_dataset(workspace, "mixed", EVERY_KIND, classes=classes)
    keras.utils.set_random_seed(0)
    write_network(build(network_config("made", model), Problem.read("made")), model)
    found = explain_few("made", "explain.rows=30", model=model)
    assert sorted(importance_of(found)) == ["rent", "rooms", "size", "sold", "town"]
    assert_efficient(found)
    values = {c["value"] for example in found["examples"] for c in example["contributions"]}
    assert any(value.startswith("202") for value in values)
    assert len(found["examples"]) == 3
    if classes:
        assert all(0 <= example["predicted"] <= 1 for example in found["examples"])
        assert all(example["actual"] in ("0", "1", "2") for example in found["examples"])
    words = {0: "predicted y", 2: "probability of 1", 3: "probability of the predicted class"}
    assert found["explained"] == words[classes]
    assert all(("class" in example) is (classes == 3) for example in found["examples"])


def test_latitude_and_longitude_interact(trainable: Path) -> None:
    train_network("california_housing", "wide_deep", "train.epochs=6")
    evaluate(network_config("california_housing", "wide_deep"))
    found = explain_few("california_housing", model="wide_deep")
    assert ["Latitude", "Longitude"] in [pair["columns"] for pair in found["pairs"][:3]]
    assert found["crosses"] is None  # the data set has this one
    assert found["unit"] == "$100k"
    assert_efficient(found)


@pytest.mark.parametrize(("classes", "best"), [(0, "selu"), (2, "mlp")])
def test_the_best_network_on_the_validation_set_is_explained(
    workspace: Path, monkeypatch: pytest.MonkeyPatch, classes: int, best: str
) -> None:
    monkeypatch.setattr("fathom.explain.explain.explain_table", lambda *given: {})
    make_dataset(workspace, "numbers", classes=classes)
    for name, metric in {"mlp": 0.9, "selu": 0.3, "wide_deep": 0.9}.items():
        write_network(product(4, 1.0), name, metric)
    config = dataset_config("made", "models=[mlp,selu,wide_deep]")
    assert explain(config) == {"dataset": "made", "model": best, "kind": "table"}


@pytest.mark.parametrize(
    ("file", "stage"),
    [
        ("data/problem/made.json", "scale@made"), ("data/raw/made/data.parquet", "download@made"),
        ("data/scaled/made/encoder.json", "scale@made"),
        ("data/scaled/made/scaler.json", "scale@made"),
        ("data/scaled/made/train_targets.parquet", "scale@made"),
        ("metrics/made/mlp.json", "evaluate@made-mlp"),
        ("models/made/mlp/model.keras", "train@made-mlp"),
        ("models/made/mlp/run.json", "train@made-mlp"),
    ],
)  # fmt: skip
def test_missing_files_are_named(workspace: Path, file: str, stage: str) -> None:
    make_dataset(workspace, "numbers")
    write_network(product(4, 1.0))
    Path(file).unlink()
    expected = f"{file} is missing: make it with `dvc repro {stage}`"
    assert refusal(explain_few, "made") == expected
    assert not Path("data/explanations/made").exists()


def test_too_few_evaluations_are_refused(workspace: Path) -> None:
    make_dataset(workspace, "numbers")
    write_network(product(4, 1.0))
    expected = "explain.evaluations: 15 are too few for 4 columns; set it to 16 or more"
    assert refusal(explain_few, "made", "explain.evaluations=15") == expected


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
    sizes = choose_sizes(columns, 50, 50, limit)
    assert sizes == expected
    assert sizes.rows * sizes.background * sizes.coalitions <= limit


@pytest.mark.parametrize(
    ("buckets", "pairs", "expected"),
    [
        ({"size": 7, "rent": 4}, [("size", "rent", 1.0)], "crosses: [[size, rent]]"),
        (5, [("size", "rent", 1.0)], "crosses: [[size, rent]]"),
        ({"rent": 4}, [("size", "town", 1.0)],
         "buckets: {rent: 4, size: 20}\ncrosses: [[size, town]]"),
        (None, [("town", "rooms", 1.0)], "crosses: [[town, rooms]]"),
        (None, [("sold", "town", 2.0), ("town", "rooms", 1.0)], "crosses: [[town, rooms]]"),
        (None, [("town", "rooms", 1.0), ("size", "town", 0.4)], "crosses: [[town, rooms]]"),
        (None, [("sold", "town", 1.0)], None), (None, [], None),
    ],
)  # fmt: skip
def test_suggested_crosses_can_be_pasted(
    workspace: Path, buckets: Any, pairs: list[tuple[str, str, float]], expected: str | None
) -> None:
    crossable = {"buckets": {"size": 7, "rent": 4}, "categories": ["rooms"]}
    make_dataset(workspace, "mixed", crossable)
    dataset = dataset_config("made").dataset.model_copy(update={"buckets": buckets})
    strengths = [{"columns": [a, b], "mean_absolute": strength} for a, b, strength in pairs]
    crosses = suggest_crosses(strengths, Encoder.read("made"), dataset)
    assert crosses == expected
    if crosses:
        make_dataset(workspace, "mixed", crossable | {"buckets": buckets} | yaml.safe_load(crosses))
        assert Encoder.read("made").crosses
