"""The stage `export` writes what a network's user needs, and loading an export checks it."""

import importlib
import json
import shutil
import sys
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pandas as pd
import pytest
from conftest import export_network, network_config, work_in_copy
from export_formats import Arrays, assert_close, predict_onnx, predict_saved_model, run_example
from exports import HOUSES, exported_networks, raw_inputs
from own_modules import forget_modules
from own_networks import OWN
from tensorflow.core.protobuf.saved_model_pb2 import SavedModel

from fathom.artifacts.export_files import KERAS, ONNX, SAVED_MODEL, write_checksums
from fathom.artifacts.signature import IMAGE, Signature
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.export.export import export
from fathom.predict.exported_model import ExportedModel

EVERY_FORMAT = ["export.saved_model=true", "export.onnx=true"]


@pytest.fixture
def finished(pipeline: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a copy of a folder in which every stage has run, made the working folder."""
    return work_in_copy(pipeline, tmp_path, monkeypatch)


def check_predictions(dataset: str, model: str) -> None:
    """Compare the formats of an export with the predictions of the stage `evaluate`."""
    inputs, expected = raw_inputs(dataset, model)
    folder = paths.export(dataset, model)
    by_keras, by_onnx = ExportedModel(folder, "keras"), ExportedModel(folder)
    assert (by_keras.engine.file, by_onnx.engine.file) == (KERAS, ONNX)
    tensors = by_keras.signature.tensors(inputs)
    for outputs in (
        by_keras.predict(inputs),
        by_onnx.predict(inputs),
        predict_saved_model(folder / SAVED_MODEL, tensors),
        predict_onnx(folder / ONNX, tensors),
    ):
        check_outputs(folder, outputs, expected)


def check_outputs(folder: Path, outputs: Arrays, expected: Arrays) -> None:
    assert set(outputs) == set(Signature.read(folder).outputs)
    assert_close({"main_output": outputs["main_output"]}, expected)


def test_every_format(finished: Path) -> None:
    signature = export(network_config("digits", "mlp", *EVERY_FORMAT))
    others = {"saved_model": "saved_model", "onnx": "model.onnx"}
    assert signature.formats == {"keras": "model.keras"} | others
    check_predictions("digits", "mlp")
    for form in signature.formats:
        run_example(paths.export("digits", "mlp"), form)


@pytest.mark.slow
def test_every_format_of_an_ensemble(trainable: Path) -> None:
    fourier = "model.numbers.fourier={frequencies: 3, sigma: 1.0}"
    periodic = "model.numbers.periodic={frequencies: 3, sigma: 0.1, width: 2}"
    ensemble = ("train.ensemble=true", "train.repeats=2")
    export_network("california_housing", "mlp", fourier, periodic, *ensemble)
    check_predictions("california_housing", "mlp")


@pytest.mark.slow
def test_every_format_of_convolutions(trainable: Path) -> None:
    """The network is trained with augmentation, of which nothing is in the files."""
    augmentation = "model.augmentation={shift: 0.2, flip: true, cutout: 0.3}"
    folder = export_network("digits", "cnn", augmentation)
    check_predictions("digits", "cnn")
    for file in (folder / SAVED_MODEL / "saved_model.pb", folder / ONNX):
        assert b"Conv" in file.read_bytes()
        assert b"Random" not in file.read_bytes()


def test_an_export_predicts_and_describes(pipeline: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(pipeline)
    folder = paths.export("california_housing", "mlp")
    inputs, expected = raw_inputs("california_housing", "mlp")
    check_outputs(folder, ExportedModel(folder).predict(inputs), expected)
    signature = Signature.read(folder)
    raw = pd.read_parquet("data/raw/california_housing/data.parquet")
    training = raw.iloc[np.load("data/split/california_housing/train.npy")]
    assert [column.name for column in signature.columns] == [n for n in raw if n != "MedHouseVal"]
    for column in signature.columns:
        values = training[column.name]
        assert (column.low, column.high) == (values.min(), values.max())
        assert (column.kind, column.missing) == ("number", False)
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
    examples = ["example.json", "example.py"]
    assert files == ["MODEL_CARD.md", "SHA256SUMS", *examples, "model.keras", "signature.json"]
    assert Signature.read(folder).formats == {"keras": "model.keras"}


@pytest.mark.slow
def test_the_same_network_gives_the_same_files(
    pipeline: Path,
    tmp_path_factory: pytest.TempPathFactory,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has categories, dates and dropout."""
    work_in_copy(exported_networks(pipeline, tmp_path_factory), tmp_path, monkeypatch)
    found: list[dict[str, Any]] = []
    for _ in range(2):
        export(network_config(*HOUSES.split("/"), *EVERY_FORMAT))
        files = [file for file in Path("exports", HOUSES).rglob("*") if file.is_file()]
        contents: dict[str, Any] = {file.name: file.read_bytes() for file in files}
        # TensorFlow numbers functions within a process, so only the order of nodes is equal.
        graph = SavedModel.FromString(contents["saved_model.pb"]).meta_graphs[0].graph_def
        contents |= {"saved_model.pb": [node.name for node in graph.node], "SHA256SUMS": None}
        found.append(contents)
    assert [name for name in found[0] if found[0][name] != found[1][name]] == []
    for form in ("keras", "saved_model", "onnx"):
        run_example(paths.EXPORTS / HOUSES, form)


@pytest.fixture
def folder(pipeline: Path, tmp_path: Path) -> Path:
    """Return a copy of an export."""
    return Path(shutil.copytree(pipeline / "exports/digits/mlp", tmp_path / "export"))


def load_error(folder: Path) -> str:
    with pytest.raises(FathomError) as error:
        ExportedModel(folder)
    return str(error.value)


def leave_out_model(folder: Path) -> None:
    """Remove `model.keras` from the checksums."""
    lines = (folder / "SHA256SUMS").read_text().splitlines(keepends=True)
    (folder / "SHA256SUMS").write_text("".join(li for li in lines if "model.keras" not in li))


@pytest.mark.parametrize("name", ["model.keras", "signature.json", "MODEL_CARD.md"])
def test_a_changed_file_is_refused(folder: Path, name: str) -> None:
    (folder / name).write_bytes((folder / name).read_bytes() + b" ")
    assert load_error(folder) == (
        f"{folder / name} is not the file that was exported, by SHA256SUMS: it was changed or "
        "damaged; export it anew"
    )


def test_an_incomplete_export_is_refused(folder: Path) -> None:
    card, sums = folder / "MODEL_CARD.md", folder / "SHA256SUMS"
    card.unlink()
    assert load_error(folder) == f"{card} is missing, which SHA256SUMS lists: export it anew"
    leave_out_model(folder)
    assert load_error(folder) == f"{sums} does not list model.keras: export it anew"
    sums.unlink()
    assert load_error(folder) == (
        f"{folder} is no exported network, it has no SHA256SUMS: exports are made by "
        "`dvc repro` in exports/<dataset>/<model>, unless export.keras is false"
    )


def test_an_added_file_is_refused(folder: Path) -> None:
    (folder / "saved_model").mkdir()
    added = folder / "saved_model/saved_model.pb"
    added.touch()
    assert load_error(folder) == (
        f"{added} was added to the export, SHA256SUMS does not list it: remove it"
    )


def test_a_model_of_another_signature_is_refused(folder: Path) -> None:
    file = folder / "signature.json"
    content = json.loads(file.read_text())
    content["image"]["shape"] = [8, 9]
    file.write_text(json.dumps(content))
    write_checksums(folder)
    assert load_error(folder) == (
        f"{file} and model.keras have different inputs or outputs: export the network again"
    )


def test_an_engine_that_is_missing(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(FathomError) as error:
        ExportedModel(folder, "onnx")
    assert str(error.value) == (f"--engine onnx: {folder} has no model.onnx: export.onnx is false")
    monkeypatch.setattr("fathom.predict.exported_model.find_spec", lambda _: None)
    assert load_error(folder) == (
        f"{folder / KERAS} needs the package tensorflow, which is not installed: `pip install "
        "tensorflow`, or export the network with export.onnx=true"
    )
    (folder / ONNX).touch()
    write_checksums(folder)
    needs = "needs the package {0}, which is not installed: `pip install {0}`, or use --engine {1}"
    assert load_error(folder) == f"{folder / ONNX} {needs.format('onnxruntime', 'keras')}"
    with pytest.raises(FathomError) as error:
        ExportedModel(folder, "keras")
    assert str(error.value) == f"{folder / KERAS} {needs.format('tensorflow', 'onnx')}"


@pytest.fixture
def own_export(folder: Path, workspace: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an export with a layer of the user's own, which is in no module that is imported."""
    file = workspace / "src/own_gate.py"
    file.parent.mkdir()
    file.write_text(OWN)
    monkeypatch.setattr(sys, "path", sys.path.copy())
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(file.parent)
        gate = importlib.import_module("own_gate").Gate()
    image = keras.Input((8, 8), dtype="uint8", name=IMAGE)
    x = gate(keras.layers.Flatten()(keras.ops.cast(image, "float32")))
    output = keras.layers.Dense(10, activation="softmax")(x)
    keras.Model({IMAGE: image}, {"main_output": output}).save(folder / KERAS)
    write_checksums(folder)
    forget_modules(workspace)
    return folder


def test_own_classes_are_loaded_where_the_project_is(own_export: Path) -> None:
    images = np.zeros((1, 8, 8), np.uint8)
    assert ExportedModel(own_export).predict({IMAGE: images})["main_output"].shape == (1, 10)


def test_own_classes_that_are_not_here_are_named(own_export: Path) -> None:
    file = Path("src/own_gate.py")
    decorator = '@keras.saving.register_keras_serializable("own")\n'
    file.write_text(OWN.replace(f"{decorator}class Gate", "class Gate"))
    needs = f"{own_export / KERAS} needs Gate of src/own_gate.py, which "
    assert load_error(own_export) == (
        f"{needs}does not register it: write @keras.saving.register_keras_serializable() before "
        "it, and train the network again"
    )
    file.unlink()
    forget_modules(file.parent.resolve())
    assert load_error(own_export) == (
        f"{needs}is not here: run this in the project in which the network was trained"
    )


def test_a_model_that_would_run_code_is_not_loaded(folder: Path) -> None:
    image = keras.Input((8, 8), dtype="uint8", name=IMAGE)
    model = keras.Model(image, keras.layers.Lambda(lambda x: x, output_shape=(8, 8))(image))
    model.save(folder / "model.keras")
    write_checksums(folder)
    with pytest.raises(FathomError, match=r"model\.keras cannot be loaded: .*[Ll]ambda"):
        ExportedModel(folder)


def test_a_signature_of_another_version_is_refused(folder: Path) -> None:
    file = folder / "signature.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | {"colour": "red"}))
    message = f"{file} was written by another version of Fathom: export the network again"
    with pytest.raises(FathomError, match=f"^{message}$"):
        Signature.read(folder)
