"""Fourier features and periodic embeddings of numbers."""

from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf
from networks import CROSSED, DEEP, MIXED, WIDE, build_network, hidden, kinds, make_problem

from fathom.artifacts.problem import Problem
from fathom.models.names import unwrap


def layer_output(
    network: keras.Model, layer: keras.layers.Layer, inputs: dict[str, np.ndarray]
) -> np.ndarray:
    """Return the output of a layer for some rows, by input."""
    inner = keras.Model(network.inputs, layer.output)
    return np.asarray(inner(unwrap([inputs[tensor.name] for tensor in network.inputs])))


def test_crosses_of_the_deep_paths_numbers_get_fourier_features(workspace: Path) -> None:
    fourier = "deep.numbers.fourier={frequencies: 500, sigma: 0.3}"
    network = build_network("california_housing", "wide_deep", fourier, problem=CROSSED)
    # MedInc is no number of the deep path.
    (layer,) = (layer for layer in network.layers if layer.name.startswith("fourier"))
    assert layer.name == "fourier_Latitude_x_Longitude"
    assert layer.trainable_weights == []
    (directions,) = layer.get_weights()
    assert directions.shape == (2, 500)
    assert directions.std() == pytest.approx(2 * np.pi * 0.3, rel=0.1)
    rows = np.random.default_rng(0).normal(size=(4, len(DEEP))).astype(np.float32)
    inputs = {
        "wide_input": np.zeros((4, len(WIDE)), np.float32),
        "wide_sparse": np.zeros((4, 3), np.int32),
        "deep_input": rows,
    }
    first = hidden(network)[0]
    angles = rows[:, [DEEP.index("Latitude"), DEEP.index("Longitude")]] @ directions
    features = np.concatenate([rows, np.sin(angles), np.cos(angles)], axis=1)
    kernel, bias = first.get_weights()
    expected = np.maximum(features @ kernel + bias, 0)
    np.testing.assert_allclose(layer_output(network, first, inputs), expected, atol=1e-3)


@pytest.mark.parametrize("model", ["mlp", "selu", "deep_relu"])
def test_each_number_gets_a_periodic_embedding(workspace: Path, model: str) -> None:
    periodic = "numbers.periodic={frequencies: 3, sigma: 0.1, width: 2}"
    network = build_network("california_housing", model, periodic, problem=CROSSED)
    frequencies, dense = (
        layer for layer in network.layers if isinstance(layer, keras.layers.EinsumDense)
    )
    (sigmas,), (kernel, bias) = frequencies.get_weights(), dense.get_weights()
    bias = np.random.default_rng(1).normal(size=bias.shape)
    dense.set_weights([kernel, bias])
    rows = np.random.default_rng(0).normal(size=(4, 8)).astype(np.float32)
    angles = rows[:, :, None] * sigmas
    waves = np.concatenate([np.sin(angles), np.cos(angles)], axis=2)
    expected = np.maximum(np.einsum("bnv,nvw->bnw", waves, kernel) + bias, 0)
    found = layer_output(network, dense, {"features": rows})
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert hidden(network)[0].kernel.shape[0] == 8 + 8 * 2


@pytest.mark.parametrize(
    "problem", [MIXED, make_problem("california_housing"), make_problem("digits")]
)
def test_fourier_features_need_crossed_numbers(workspace: Path, problem: Problem) -> None:
    network = build_network("california_housing", "wide_deep", problem=problem)
    without = "deep.numbers.fourier=null"
    plain = build_network("california_housing", "wide_deep", without, problem=problem)
    assert kinds(network) == kinds(plain)


@pytest.mark.parametrize(("model", "section"), [("mlp", "numbers"), ("wide_deep", "deep.numbers")])
def test_features_of_numbers_are_loaded_by_keras_alone(
    workspace: Path, model: str, section: str
) -> None:
    network = build_network(
        "california_housing",
        model,
        f"{section}.fourier={{frequencies: 4, sigma: 1.0}}",
        f"{section}.periodic={{frequencies: 3, sigma: 0.1, width: 2}}",
        problem=CROSSED,
    )
    network.save("network.keras")
    rng = np.random.default_rng(0)
    inputs = [
        np.zeros((3, *tensor.shape[1:]), tensor.dtype)
        if tensor.dtype == "int32"
        else rng.normal(size=(3, *tensor.shape[1:])).astype(np.float32)
        for tensor in network.inputs
    ]
    loaded = keras.saving.load_model("network.keras", compile=False)
    before, after = (tf.nest.flatten(model(unwrap(inputs))) for model in (network, loaded))
    for one, other in zip(before, after, strict=True):
        np.testing.assert_array_equal(one, other)
