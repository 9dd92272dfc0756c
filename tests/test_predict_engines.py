"""Predictions by ONNX Runtime and by Keras."""

import sys
from pathlib import Path

import keras
import pandas as pd
import pytest
from conftest import ROOT, run_in
from exports import HOUSES
from services import raw_rows
from stages import run_command

from fathom.artifacts.export_files import ONNX
from fathom.export.formats import write_onnx

pytest_plugins = ["services"]


@pytest.fixture
def new_rows(in_exports: None, tmp_path: Path) -> Path:
    """Return a file with columns of every kind, some of them without a value."""
    file = tmp_path / "new.csv"
    raw_rows(HOUSES, 60).to_csv(file, index=False)
    return file


def test_engines_predict_the_same(new_rows: Path, tmp_path: Path) -> None:
    found = {}
    for engine in ("onnx", "keras"):
        out = tmp_path / f"{engine}.csv"
        done = run_command("predict", HOUSES, new_rows, "-o", out, "--engine", engine)
        assert done.status == 0
        found[engine] = pd.read_csv(out)
    pd.testing.assert_frame_equal(found["onnx"], found["keras"], rtol=1e-5)


def test_onnx_runtime_needs_no_tensorflow(new_rows: Path) -> None:
    command = [sys.executable, "-X", "importtime", "-m", "fathom", "predict"]
    done = run_in(
        Path(), "env", f"PYTHONPATH={ROOT}/src", *command, HOUSES, str(new_rows), "-o", "-"
    )
    assert done.stdout.count("\n") == 61
    modules = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "onnxruntime" in modules
    assert not modules & {"tensorflow", "keras", "sklearn", "scipy"}


def test_a_file_that_onnx_runtime_cannot_run_is_not_written(tmp_path: Path) -> None:
    """It has no convolution in float64."""
    image = keras.Input((8, 8, 1), dtype="float64", name="image")
    x = keras.layers.Conv2D(2, 3, dtype="float64")(image)
    model = keras.Model({"image": image}, {"y": keras.layers.Flatten(dtype="float64")(x)})
    reason = write_onnx(model, tmp_path / ONNX)
    assert reason is not None
    assert reason.startswith("ONNX Runtime: ")
    assert "Could not find an implementation for Conv" in reason
    assert not (tmp_path / ONNX).exists()
