"""Tables and networks that tests of explanations explain."""

import json
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import dataset_config, prepare
from own_tables import every_kind
from stages import write_dataset

from fathom.base import paths
from fathom.base.files import write_json
from fathom.download.sources import RawTable
from fathom.explain.explain import explain

ROWS = 120

EVERY_KIND = {
    "categories": ["rooms", "sold_month"],
    "buckets": {"size": 7, "rent": 4},
    "crosses": [["size", "rent"], ["town", "rooms", "sold_month"]],
    "cross_size": 40,
}


def numbers(columns: int = 4, classes: int = 0) -> RawTable:
    """Return a table of numbers x0, x1, ...; y is a number or a class."""
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.normal(1, 1, (ROWS, columns)).astype(np.float32)).add_prefix("x")
    y = rng.integers(0, classes, ROWS).astype(str) if classes else rng.normal(size=ROWS)
    return RawTable(table.assign(y=y), "the test", "0" * 64)


def mixed(classes: int = 0) -> RawTable:
    """Return a table with every kind of column and missing values."""
    rng = np.random.default_rng(2)
    table = every_kind(rng, ROWS, missing=0.2, rooms=4)
    y = rng.integers(0, classes, ROWS) if classes else table["rent"] * table["rooms"]
    return RawTable(table.assign(y=y), "the test", "0" * 64)


def make_dataset(
    folder: Path, function: str, settings: dict[str, Any] | None = None, **arguments: Any
) -> None:
    """Make the data set `made` from a function of this module."""
    dataset = {
        "source": {"_target_": f"{__name__}.{function}", **arguments},
        "task": "classification" if arguments.get("classes") else "regression",
        "target": "y",
    } | (settings or {})
    write_dataset(folder, "made", dataset, scale={"features": "none", "target": "none"})
    prepare(folder, ["made"])


def write_network(model: keras.Model, name: str = "mlp", metric: float = 1.0) -> None:
    """Write a network for `made` where `train` and `evaluate` write theirs."""
    folder = paths.model("made", name)
    folder.mkdir(parents=True, exist_ok=True)
    model.save(folder / "model.keras")
    settings = {"model": {"_target_": "fathom.models.mlp.build"}}
    write_json(folder / "run.json", {"settings": settings})
    write_json(paths.metrics("made", name), {"valid": {"rmse": metric, "accuracy": metric}})


def product(columns: int, weight: float) -> keras.Model:
    """Return the network 100 + weight x0 x1 + 2 x2 + x3."""
    x = keras.Input((columns,), name="features")
    total = 100.0 + x[:, 2:3] * 2.0 + x[:, 3:4]
    if weight:
        total = total + x[:, 0:1] * x[:, 1:2] * weight
    return keras.Model(x, keras.layers.Activation("linear", name="main_output")(total))


def explain_few(dataset: str, *overrides: str, model: str = "mlp") -> dict[str, Any]:
    """Explain a network by a few rows; return what was written."""
    few = [f"models=[{model}]", "explain.rows=12", "explain.background=10"]
    explanation = explain(dataset_config(dataset, *few, *overrides))
    file = paths.explanation(dataset) / "explanation.json"
    assert json.loads(file.read_text()) == explanation
    return explanation


def importance_of(explanation: dict[str, Any]) -> dict[str, float]:
    return {entry["column"]: entry["mean_absolute"] for entry in explanation["importance"]}


def assert_efficient(explanation: dict[str, Any]) -> None:
    """Check that contributions sum to the prediction minus the base."""
    assert explanation["examples"]
    for example in explanation["examples"]:
        total = example["base"] + sum(c["contribution"] for c in example["contributions"])
        assert total == pytest.approx(example["predicted"], rel=1e-4)
