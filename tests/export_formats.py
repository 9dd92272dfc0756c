"""Predictions of exported models in each format."""

import runpy
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
import tensorflow as tf
from numpy.typing import NDArray

CLOSE = 1e-5  # of the largest prediction: the precision of a network in float32

Arrays = dict[str, NDArray[Any]]


def tensors(arrays: Arrays) -> dict[str, tf.Tensor]:
    return {name: tf.constant(values) for name, values in arrays.items()}


def assert_close(outputs: dict[str, Any], expected: Arrays) -> None:
    assert set(outputs) == set(expected)
    for name, values in expected.items():
        tolerance = CLOSE * max(np.abs(values).max(), 1.0)
        np.testing.assert_allclose(np.asarray(outputs[name]), values, atol=tolerance, rtol=0)


def predict_saved_model(folder: Path, inputs: Arrays) -> dict[str, Any]:
    saved = tf.saved_model.load(folder)
    return dict(saved.signatures["serving_default"](**tensors(inputs)))


def predict_onnx(file: Path, inputs: Arrays) -> dict[str, Any]:
    session = onnxruntime.InferenceSession(file)
    assert {tensor.name for tensor in session.get_inputs()} == set(inputs)
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, inputs), strict=True))


def run_example(folder: Path, form: str) -> None:
    """Run `example.py`, and compare what a format predicts with what it expects."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["example.py", form])
        ran = runpy.run_path(str(folder / "example.py"), run_name="__main__")
    outputs = ran[f"predict_{form}"]()
    assert set(outputs) == set(ran["EXPECTED"])
    for name, expected in ran["EXPECTED"].items():
        np.testing.assert_allclose(outputs[name][0], expected, rtol=1e-3, atol=1e-3)
