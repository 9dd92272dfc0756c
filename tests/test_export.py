"""An exported network predicts for raw rows what the pipeline predicts for scaled ones."""

import os
import shutil
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf
import tf2onnx
from conftest import network_config, prepare, work_in_copy
from export_formats import Arrays, assert_close, predict_onnx, predict_saved_model, tensors
from networks import build_network
from own_tables import every_kind
from stages import build_once, write_dataset
from tf2onnx.optimizer import ReshapeOptimizer

from fathom.artifacts.export_files import KERAS, ONNX, SAVED_MODEL
from fathom.artifacts.model_file import save_model
from fathom.artifacts.problem import Problem
from fathom.artifacts.raw_table import TableInMemory
from fathom.artifacts.scaled_data import ScaledRows, read_scalers, read_subset
from fathom.artifacts.schema import Schema, SchemaColumn
from fathom.artifacts.signature import IMAGE, InputKind, Signature, SourceFile
from fathom.base import paths
from fathom.download.sources import RawTable
from fathom.export.export import declare_column, describe_source, input_columns, write_formats
from fathom.export.formats import NO_COPIES, write_onnx, write_saved_model
from fathom.export.preprocessing import build_image_model, build_table_model, reserved_names
from fathom.predict.model_inputs import model_inputs
from fathom.scale.encoder import Encoder
from fathom.settings.data_settings import DatasetSettings
from fathom.train.predictor import Predictor

MADE = {
    "source": {"_target_": f"{__name__}.everything"},
    "task": "regression",
    "target": "rent",
    "categories": ["rooms", "floor", "sold_month", "code"],
    "columns": {"grade": {"kind": "ordinal", "order": ["low", "mid", "high", "top"]}},
    "buckets": {"size": 7, "grade": 2},
    "crosses": [["size", "sold_month"], ["town", "rooms", "sold_month"]],
    "cross_size": 40,
}
PERIODIC = "deep.numbers.periodic={frequencies: 2, sigma: 0.1, width: 3}"
MODELS = {
    "mlp": ["units=[8]", "batch_normalization=true"],
    "selu": ["depth=3", "width=8"],
    "wide_deep": ["deep.units=[8]", "deep.numbers.fourier={frequencies: 3, sigma: 0.1}", PERIODIC],
    "wide_only": [],
}
# Keywords, arguments of functions, and names that differ only in characters that formats refuse.
NAMES = [
    *("class", "None", "lambda", "self", "cls", "args", "kwargs", "inputs", "training", "mask"),
    *("name", "call", "print", "match", "__init__", "main_output", "Size (m)", "Size [m]", "Class"),
    *("城市", "国家", "ä", "é", "🏠", "a.b", "a/b", "-", "1", "1.0", 'say "x"', "x" * 300, "a  b"),
]
TABLES = ["california_housing", "adult_census", "bike", "diabetes"]


def everything() -> RawTable:
    """Return a table of every kind of column, with missing values."""
    rng = np.random.default_rng(3)
    table = every_kind(rng, 600, missing=0.1, rooms=6)
    table["sold"] = table["sold"] + pd.to_timedelta(rng.integers(0, 86_400, 600), unit="s")
    table.loc[rng.random(600) < 0.05, "sold"] = pd.NaT
    table["of sale?"] = rng.random(600) < 0.3
    table["constant"] = 4.0
    table["grade"] = pd.Series(rng.integers(0, 4, 600)).map({0: "low", 1: "mid", 2: "high"})
    table["code"] = rng.choice([20_200_131, 20_200_132, 20_200_133], 600)
    table["floor"] = rng.choice([-1.0, 0.5, 2.0, np.nan], 600)
    return RawTable(table, "the test", "0" * 64)


def awkward_names() -> RawTable:
    """Return a table whose columns, two of three of them categories, are named as `NAMES`."""
    rng = np.random.default_rng(4)
    columns = {
        name: rng.choice(["p", "q", "r"], 200) if place % 3 else rng.normal(size=200)
        for place, name in enumerate(NAMES)
    }
    return RawTable(pd.DataFrame(columns | {"y": rng.normal(size=200)}), "the test", "0" * 64)


@pytest.fixture(scope="module")
def ready(scaled: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with settings and several data sets that are scaled. Read it alone."""

    def build(folder: Path) -> None:
        shutil.copytree(scaled, folder, dirs_exist_ok=True)
        write_dataset(folder, "made", MADE)
        prepare(folder, ["adult_census", "bike", "diabetes"])

    return build_once(tmp_path_factory, "ready", build)


@pytest.fixture
def project(ready: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of it, made the working folder."""
    return work_in_copy(ready, tmp_path, monkeypatch)


def make_network(model: str, problem: Problem) -> keras.Model:
    """Return a network with random weights."""
    network = build_network("digits", model, *MODELS[model], problem=problem)
    rng = np.random.default_rng(0)
    for weight in network.weights:
        if weight.path.rpartition("/")[2] not in ("seed_generator_state", "moving_variance"):
            weight.assign(rng.normal(0, 0.5, weight.shape))
    return network


def predict_scaled(network: keras.Model, problem: Problem, subset: str) -> Arrays:
    """Return by output what a network predicts for scaled rows, in the target's unit."""
    data = ScaledRows(problem, read_scalers(problem.dataset).targets, {})
    return Predictor(network, data, compiled=False).predict_rows(read_subset(problem, subset))


def add_preprocessing(
    network: keras.Model, problem: Problem, subset: str
) -> tuple[keras.Model, Arrays]:
    """Return the model of raw columns, and a subset's raw rows as `fathom predict` makes them."""
    dataset = problem.dataset
    encoder, scalers, schema = Encoder.read(dataset), read_scalers(dataset), Schema.read(dataset)
    raw = pd.read_parquet(paths.raw(dataset) / "data.parquet")
    table = TableInMemory(raw, {"train": np.arange(len(raw))})
    settings = network_config(dataset, "mlp").dataset
    columns = input_columns(schema.columns, encoder, table, reserved_names(network), settings)
    signature = Signature(
        dataset=dataset, model="m", kind="table", columns=columns, image=None, missing=[],
        outputs={}, interval=None, formats={}, versions={},
    )  # fmt: skip
    rows = raw.iloc[read_subset(problem, subset).rows]
    inputs = signature.tensors(model_inputs({str(n): rows[n] for n in rows}, signature))
    return build_table_model(network, problem, columns, encoder, scalers), inputs


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        *((dataset, "wide_deep") for dataset in TABLES),
        ("california_housing", "wide_only"),
        ("adult_census", "mlp"),
        ("diabetes", "selu"),
    ],
)
def test_raw_rows_predict_as_scaled_ones(project: Path, dataset: str, model: str) -> None:
    problem = Problem.read(dataset)
    network = make_network(model, problem)
    exported, inputs = add_preprocessing(network, problem, "test")
    assert_close(exported(tensors(inputs)), predict_scaled(network, problem, "test"))


@pytest.mark.parametrize("method", ["quantile", "none"])  # others: test_export_operations.py
def test_every_kind_of_column(project: Path, method: str) -> None:
    prepare(project, ["made"], f"scale.features={method}", "scale.target=robust")
    problem, encoder = Problem.read("made"), Encoder.read("made")
    assert encoder.dates
    assert encoder.ordinals
    assert any(number.indicator for number in encoder.numbers)
    assert any(cross.combinations > cross.size for cross in encoder.crosses)
    network = make_network("wide_deep", problem)
    exported, inputs = add_preprocessing(network, problem, "train")
    assert_close(exported(tensors(inputs)), predict_scaled(network, problem, "train"))


@pytest.mark.parametrize(
    ("method", "pixels"),
    [("zscore", "together"), ("quantile", "separately"), ("none", "together")],
)
def test_raw_images_predict_as_scaled_ones(project: Path, method: str, pixels: str) -> None:
    prepare(project, ["digits"], f"scale.features={method}", f"scale.pixels={pixels}")
    problem = Problem.read("digits")
    network = make_network("wide_deep", problem)
    exported = build_image_model(network, problem, "uint8", read_scalers("digits"))
    images = np.load("data/raw/digits/images.npy")[read_subset(problem, "test").rows]
    outputs = exported({IMAGE: tf.constant(images)})
    assert_close(outputs, predict_scaled(network, problem, "test"))


@pytest.mark.slow  # fast: test_export_stage.py; columns of every kind: test_same_numbers.py
def test_every_format_takes_any_name(project: Path) -> None:
    source = {"_target_": f"{__name__}.awkward_names"}
    write_dataset(project, "names", {"source": source, "task": "regression", "target": "y"})
    prepare(project, ["names"])
    problem = Problem.read("names")
    network = make_network("wide_deep", problem)
    exported, inputs = add_preprocessing(network, problem, "test")
    expected = predict_scaled(network, problem, "test")

    save_model(exported, project / KERAS)
    saved = keras.saving.load_model(project / KERAS, compile=False, safe_mode=True)
    assert_close(saved(tensors(inputs)), expected)
    write_saved_model(exported, project / SAVED_MODEL)
    assert_close(predict_saved_model(project / SAVED_MODEL, inputs), expected)
    assert write_onnx(exported, project / ONNX) is None
    assert_close(predict_onnx(project / ONNX, inputs), expected)


def test_a_network_that_cannot_be_converted(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Parts of tf2onnx raise NotImplementedError, others ValueError."""

    def refuse(*arguments: Any, **options: Any) -> None:
        raise NotImplementedError("to_onnx not implemented\nfor 'batch_dot'.")

    inputs = keras.Input([3], name="features")
    model = keras.Model(inputs, keras.layers.Dense(1)(inputs))
    monkeypatch.setattr(tf2onnx.convert, "from_function", refuse)
    config = network_config("digits", "mlp", "export.saved_model=false")
    folder = workspace / "exported"
    folder.mkdir()
    assert write_formats(model, folder, config) == {
        "keras": "model.keras",
        "onnx": "not converted: to_onnx not implemented for 'batch_dot'.",
    }
    assert [path.name for path in folder.iterdir()] == ["model.keras"]


def test_an_optimizer_that_fails_is_left_out(
    workspace: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """tf2onnx then converts again, with copies of the graph from before each optimizer."""

    def fail(*_: Any, **__: Any) -> None:
        calls.append(NO_COPIES in os.environ)
        raise KeyError("a node")

    calls: list[bool] = []
    inputs = keras.Input([3], name="features")
    model = keras.Model(inputs, {"y": keras.layers.Dense(1)(inputs)})
    rows = np.ones([2, 3], np.float32)
    monkeypatch.setattr(ReshapeOptimizer, "optimize", fail)
    assert write_onnx(model, workspace / ONNX) is None
    assert calls[0] is True
    assert set(calls[1:]) == {False}
    assert NO_COPIES not in os.environ
    found = predict_onnx(workspace / ONNX, {"features": rows})
    np.testing.assert_allclose(found["y"], model(rows)["y"], rtol=1e-6)


@pytest.mark.parametrize(
    ("declared", "decimal", "known", "wanted"),
    [
        (
            {"kind": "number", "unit": "$"},
            None,
            None,
            {"kind": "number", "decimal": ".", "unit": "$"},
        ),
        ({"kind": "integer"}, ",", None, {"kind": "integer", "decimal": ","}),
        ({"kind": "number", "decimal": "."}, ",", None, {"kind": "number", "decimal": "."}),
        (
            {"kind": "number", "missing": ["-"]},
            ",",
            None,
            {"kind": "number", "decimal": ",", "missing": ["-"]},
        ),
        (None, ",", None, {"kind": "number", "decimal": ","}),
        (None, None, ["True"], {"kind": "boolean"}),
        (None, None, ["x", "True"], {"kind": "category"}),
    ],
)
def test_the_signature_declares_each_column(
    declared: Any, decimal: Any, known: Any, wanted: dict[str, Any]
) -> None:
    source = {"_target_": "f"} | ({} if decimal is None else {"decimal": decimal})
    columns = {} if declared is None else {"x": declared}
    dataset = DatasetSettings.model_validate(
        {"name": "d", "source": source, "task": "regression", "columns": columns}
    )
    kind: InputKind = "number" if known is None else "text"
    found = declare_column(dataset, "x", kind, known, None)
    assert found.model_dump(exclude_defaults=True) == wanted


def test_the_signature_says_how_the_file_is_read() -> None:
    columns = [{"name": name, "type": "str"} for name in ("column_1", "column_2")]
    schema = Schema.model_construct(columns=[SchemaColumn(**column) for column in columns])
    source = {"_target_": "f", "file": "x", "header": False, "encoding": "cp1250", "sheet": None}
    dataset = DatasetSettings.model_validate(
        {"name": "d", "source": source, "task": "regression", "target": "column_2"}
    )
    found = describe_source(dataset, schema)
    headers = [["column_1", "column_2"], ["column_1"]]
    assert found == SourceFile(headers=headers, encoding="cp1250")
