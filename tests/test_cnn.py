"""The convolutional network takes images of all shapes, and refuses tables."""

from pathlib import Path

import keras
import numpy as np
import pytest
from conftest import compose_small
from networks import build_network, kinds, make_problem
from trainings import refusal

from fathom.settings.config import NetworkConfig
from fathom.train.build import build

DIGITS = make_problem("digits")


@pytest.mark.parametrize(
    ("shape", "halvings"),
    [
        ([1, 5], 0),
        ([7, 200, 3], 0),
        ([8, 8], 1),
        ([28, 28, 1], 2),
        ([32, 40, 3], 3),
        ([100, 120, 4], 4),
    ],
)
def test_blocks_follow_the_size_of_the_images(
    workspace: Path, shape: list[int], halvings: int
) -> None:
    problem = DIGITS.model_copy(update={"shape": shape})
    network = build_network("digits", "cnn", problem=problem)
    assert network.input_shape == (None, *shape)
    layers = [layer for layer in network.layers if isinstance(layer, keras.layers.Conv2D)]
    assert [layer.filters for layer in layers] == [2, 4, 8, 16, 16][: halvings + 1]
    assert layers[0].kernel.shape[2] == (shape[2] if len(shape) == 3 else 1)
    assert kinds(network).count("MaxPooling2D") == halvings
    probabilities = network(np.ones((2, *shape), np.float32))
    np.testing.assert_allclose(np.sum(probabilities, axis=1), 1.0, rtol=1e-5)


def test_a_block_has_as_many_convolutions_as_set(workspace: Path) -> None:
    network = build_network("digits", "cnn", "convolutions=3", "batch_normalization=false")
    assert kinds(network).count("Conv2D") == 3 * 2
    assert "BatchNormalization" not in kinds(network)


def test_a_table_is_refused(workspace: Path) -> None:
    config = compose_small(NetworkConfig, "dataset=california_housing", "model=cnn")
    assert refusal(build, config, make_problem("california_housing")) == (
        "conf/model/cnn.yaml: model: california_housing is a table, but convolutions need images; "
        "in params.yaml, remove this network from models or california_housing from datasets"
    )
