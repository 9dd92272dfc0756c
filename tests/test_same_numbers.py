"""An exported network predicts the same by every way in, whatever the type of the numbers."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import onnxruntime
import pandas as pd
import pytest
import tensorflow as tf
from conftest import edit, export_network, prepare, run_in
from export_formats import Arrays
from exports import CALIFORNIA, raw_inputs, take_few_adults
from numpy.typing import NDArray
from services import instances, serve_in_thread
from stages import plant_few_trees, run_command, write_dataset
from test_export import MADE
from test_fashion_mnist import FASHION, HAS_FASHION

from fathom.artifacts.export_files import KERAS, ONNX, SAVED_MODEL
from fathom.artifacts.signature import IMAGE, Signature
from fathom.base import paths
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import model_inputs

CLOSE = 1e-5  # of the target's standard deviation, or of a probability
DATASETS = ["california_housing", "adult_census", "bike", "diabetes", "digits", "made"]
SERVED = 2000  # images that are sent to the service: as lists they take a hundred times the room


def test_keras_predicts_what_the_pipeline_does(
    pipeline: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`predict` rounds numbers to float32."""
    monkeypatch.chdir(pipeline)
    inputs, expected = raw_inputs(*CALIFORNIA.split("/"))
    model = keras.models.load_model(Path("exports", CALIFORNIA, KERAS))
    deviation = expected["main_output"].std()
    found = model.predict(inputs, batch_size=1000, verbose=0)["main_output"]
    np.testing.assert_allclose(found, expected["main_output"], atol=CLOSE * deviation, rtol=0)


@pytest.mark.slow
@pytest.mark.parametrize("dataset", [*DATASETS, pytest.param("fashion_mnist", marks=HAS_FASHION)])
def test_every_way_in(dataset: str, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """All rows, as float32, float64 and whole numbers."""
    plant_few_trees(monkeypatch)
    take_few_adults(workspace)
    monkeypatch.setenv("FATHOM_MIRROR", str(FASHION))
    edit(workspace / "conf/dataset/fashion_mnist.yaml", "split.valid=58_000")  # few to train on
    if dataset == "made":
        write_dataset(workspace, "made", MADE)
    prepare(workspace, [dataset])
    every = ["export.saved_model=true", "export.onnx=true"]
    folder = export_network(dataset, "wide_deep", *every)
    exported = ExportedModel(folder, "keras")
    rows, inputs = all_rows(dataset, exported.signature)
    expected = exported.predict(inputs)
    check_test_rows(dataset, exported.signature, expected)
    formats = load_formats(folder)
    for dtype in ("float32", "float64", "int64"):
        given = as_type(exported.signature, inputs, dtype)
        for name, predict in formats.items():
            check(predict(given), expected, exported.signature, rows, f"{name}, {dtype}")
    model = f"{dataset}/wide_deep"
    tables = by_commands(model, rows) if rows is not None else images_by_commands(model, inputs)
    for name, table in tables.items():
        found = {"main_output": as_output(table, exported.signature)}
        main = {"main_output": expected["main_output"][: len(table)]}
        check(found, main, exported.signature, rows, name)


def all_rows(dataset: str, signature: Signature) -> tuple[pd.DataFrame | None, Arrays]:
    """Return a raw table, None for images, and its columns as `fathom predict` reads them."""
    if signature.image is not None:
        return None, {IMAGE: np.load(paths.raw(dataset) / "images.npy")}
    raw = pd.read_parquet(paths.raw(dataset) / "data.parquet")
    return raw, model_inputs({str(name): raw[name] for name in raw}, signature)


def check_test_rows(dataset: str, signature: Signature, outputs: Arrays) -> None:
    """Compare the test rows with the predictions of the pipeline."""
    table = pd.read_parquet(paths.predictions(dataset, "wide_deep"))
    found = outputs["main_output"][table["row"]]
    wanted = as_output(table, signature)
    deviation = 1.0 if signature.main.classes else wanted.std()
    np.testing.assert_allclose(found, wanted, atol=CLOSE * deviation, rtol=0)


def as_output(table: pd.DataFrame, signature: Signature) -> NDArray[Any]:
    if signature.main.classes is None:
        return table["predicted"].to_numpy()
    return table[[f"probability_{name}" for name in signature.main.classes]].to_numpy()


def as_type(signature: Signature, inputs: Arrays, dtype: str) -> Arrays:
    """Return the model's inputs as a user has them: numbers of this type, if they fit into it."""
    exact = {c.input: inputs[c.input] for c in signature.columns if c.kind == "number"}
    arrays = signature.tensors(inputs) | exact
    return {
        name: values if not fits(values, dtype) else values.astype(dtype)
        for name, values in arrays.items()
    }


def fits(values: NDArray[Any], dtype: str) -> bool:
    return values.dtype != object and (dtype != "int64" or bool((values % 1 == 0).all()))


def load_formats(folder: Path) -> dict[str, Callable[[Arrays], Arrays]]:
    """Return functions that predict with each format, by its name.

    SavedModel and ONNX take no other type than their own.
    """
    model = keras.models.load_model(folder / KERAS)
    saved = tf.saved_model.load(folder / SAVED_MODEL).signatures["serving_default"]
    session = onnxruntime.InferenceSession(folder / ONNX)
    names = [output.name for output in session.get_outputs()]

    def typed(given: Arrays) -> Arrays:
        return {
            t.name: given[t.name] if t.dtype == "string" else given[t.name].astype(t.dtype)
            for t in model.inputs
        }

    def tensors(given: Arrays) -> dict[str, tf.Tensor]:
        return {name: tf.constant(values) for name, values in given.items()}

    return {
        "predict": lambda given: model.predict(given, batch_size=5000, verbose=0),
        "call": lambda given: model(tensors(given)),
        "SavedModel": lambda given: saved(**tensors(typed(given))),
        "ONNX": lambda given: dict(zip(names, session.run(names, typed(given)), strict=True)),
    }


def by_commands(model: str, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Predict all rows with `fathom predict`, from a typed file and from text, and by HTTP, all in
    ONNX Runtime.
    """
    rows.to_parquet("rows.parquet")
    rows.to_csv("rows.csv", index=False)
    found = {}
    for name in ("rows.parquet", "rows.csv"):
        assert run_command("predict", model, name, "-o", f"{name}.out.parquet").status == 0
        found[name] = pd.read_parquet(f"{name}.out.parquet")
    names = [column.name for column in Signature.read(paths.EXPORTS / model).columns]
    texts = rows[names].apply(
        lambda column: (
            column.astype("str").where(column.notna()) if column.dtype.kind == "M" else column
        )
    )
    with serve_in_thread(model) as service:
        blocks = [
            service.post({"instances": instances(texts[start : start + 1000])}).json()
            for start in range(0, len(texts), 1000)
        ]
        example = ["curl", "-s", f"{service.url}/predict", "-d", "@example.json"]
        row = run_in(paths.EXPORTS / model, *example).stdout
    found["service"] = pd.DataFrame([row for block in blocks for row in block["predictions"]])
    (predicted,), wanted = json.loads(row)["predictions"], found["service"]
    for name in predicted.keys() - {"unusual"}:
        value = wanted[name][first_valid_row(model)]
        is_class = isinstance(value, str)
        assert predicted[name] == (value if is_class else pytest.approx(value, 1e-3, 1e-3))
    return found


def images_by_commands(model: str, inputs: Arrays) -> dict[str, pd.DataFrame]:
    """Predict all images with `fathom predict`, and some by HTTP, all in ONNX Runtime."""
    np.save("images.npy", inputs[IMAGE])
    assert run_command("predict", model, "images.npy", "-o", "out.parquet").status == 0
    with serve_in_thread(model) as service:
        blocks = [
            service.post({"instances": inputs[IMAGE][start : start + 100].tolist()}).json()
            for start in range(0, min(SERVED, len(inputs[IMAGE])), 100)
        ]
    served = [row for block in blocks for row in block["predictions"]]
    return {"predict": pd.read_parquet("out.parquet"), "service": pd.DataFrame(served)}


def first_valid_row(model: str) -> int:
    return int(np.load(paths.split(model.split("/")[0]) / "valid.npy")[0])


def check(
    found: Arrays, expected: Arrays, signature: Signature, rows: pd.DataFrame | None, way: str
) -> None:
    assert set(found) == set(expected), way
    for name, output in signature.outputs.items():
        if name in expected:
            deviation = 1.0 if output.classes or rows is None else rows[output.column].std()
            furthest = np.abs(np.asarray(found[name]) - expected[name]).max()
            assert furthest <= CLOSE * deviation, (way, name, furthest / deviation)
