"""The stage `export` writes what its user needs of a trained network."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from conftest import LEAN, export_network, network_config, work_in_copy
from export_formats import assert_close, predict_onnx, predict_saved_model
from stages import build_once

from fathom.artifacts.signature import IMAGE, Signature
from fathom.base import paths
from fathom.base.files import read_array, read_table
from fathom.export.export import export
from fathom.export.formats import ONNX, SAVED_MODEL
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import model_inputs

EVERY_FORMAT = ["export.saved_model=true", "export.onnx=true"]


@pytest.fixture
def finished(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of a folder in which every stage has run, made the working folder."""
    return work_in_copy(pipeline, tmp_path, monkeypatch)


@pytest.fixture(scope="module")
def complete(pipeline: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with an export in every format. Read it alone."""

    def build(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            work_in_copy(pipeline, folder, patch)
            export(network_config("california_housing", "mlp", *EVERY_FORMAT))

    return build_once(tmp_path_factory, "complete", build)


def check_predictions(dataset: str, model: str) -> None:
    """Compare the formats of an export with the predictions of the stage `evaluate`."""
    folder = paths.export(dataset, model)
    signature = Signature.read(folder)
    predictions = pd.read_parquet(paths.predictions(dataset, model))
    rows, classes = predictions["row"].to_numpy(), signature.main.classes
    if signature.kind == "images":
        images = read_array(paths.raw(dataset) / "images.npy", "")
        inputs = {IMAGE: np.asarray(images[rows])}
    else:
        raw = read_table(paths.raw(dataset) / "data.parquet", "").iloc[rows]
        inputs = model_inputs({str(name): raw[name] for name in raw}, signature)
    names = ["predicted"] if classes is None else [f"probability_{name}" for name in classes]
    expected = {"main_output": predictions[names].to_numpy().squeeze()}
    for outputs in (
        ExportedModel(folder).predict(inputs),
        predict_saved_model(folder / SAVED_MODEL, inputs),
        predict_onnx(folder / ONNX, inputs),
    ):
        assert set(outputs) == set(signature.outputs)
        assert_close({"main_output": outputs["main_output"]}, expected)


def test_every_format_predicts_as_the_pipeline(
    complete: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(complete)
    check_predictions("california_housing", "mlp")


@pytest.mark.parametrize(
    ("dataset", "model"),
    [
        ("digits", "mlp"),
        pytest.param("digits", "wide_deep", marks=pytest.mark.slow),
        pytest.param("california_housing", "wide_deep", marks=pytest.mark.slow),
    ],
)
def test_every_format_of_other_networks(finished: Path, dataset: str, model: str) -> None:
    export(network_config(dataset, model, *EVERY_FORMAT))
    check_predictions(dataset, model)


@pytest.mark.slow
def test_every_format_of_an_ensemble(trainable: Path) -> None:
    export_network(
        "california_housing",
        "mlp",
        "model.numbers.fourier={frequencies: 3, sigma: 1.0}",
        "model.numbers.periodic={frequencies: 3, sigma: 0.1, width: 2}",
        "train.ensemble=true",
        "train.repeats=2",
    )
    check_predictions("california_housing", "mlp")


def test_an_export_describes_its_network(complete: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(complete)
    folder = paths.export("california_housing", "mlp")
    signature = Signature.read(folder)
    raw = read_table(Path("data/raw/california_housing/data.parquet"), "")
    training = raw.iloc[np.load("data/split/california_housing/train.npy")]
    assert [column.name for column in signature.columns] == [n for n in raw if n != "MedHouseVal"]
    for column in signature.columns:
        values = training[column.name]
        assert (column.low, column.high) == (values.min(), values.max())
        assert (column.kind, column.missing) == ("number", False)
    assert signature.formats == {
        "keras": "model.keras",
        "saved_model": "saved_model",
        "onnx": "model.onnx",
    }
    assert signature.main.unit == "$100k"
    metrics = json.loads(Path("metrics/california_housing/mlp.json").read_text())
    card = (folder / "MODEL_CARD.md").read_text()
    for text in (
        "# Model card: mlp on california\\_housing",
        "predicts MedHouseVal ($100k) from 8 numbers of a row.",
        "Not to value houses",
        "| training | 11,610 |",
        f"| test set | {metrics['test']['rmse']:#.4g} |",
        f"cover {100 * metrics['interval']['test']['coverage']:.1f} % of the test set",
        "| boosting, test set |",
        "Prices above $500,000",
        "keras 3.",
    ):
        assert text in card


def test_only_the_formats_of_the_settings_are_written(pipeline: Path) -> None:
    folder = pipeline / "exports/digits/mlp"
    files = sorted(file.name for file in folder.iterdir())
    assert files == ["MODEL_CARD.md", "SHA256SUMS", "model.keras", "signature.json"]
    assert Signature.read(folder).formats == {"keras": "model.keras"}


def test_the_same_network_gives_the_same_model_file(pipeline: Path, finished: Path) -> None:
    export(network_config("digits", "mlp", *LEAN))
    first, second = (
        (folder / "exports/digits/mlp/model.keras").read_bytes() for folder in (pipeline, finished)
    )
    assert first == second
