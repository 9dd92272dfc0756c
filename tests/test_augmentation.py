"""Images change at random in training, and only there."""

import json
import zipfile
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from conftest import train_network
from networks import build_network, kinds

from fathom.models.augmentation import AugmentImages

IMAGE = np.random.default_rng(0).normal(size=(8, 10, 2)).astype(np.float32)
ROWS = 400
SHAPES = [(8, 10, 2), (8, 20)]  # colours, and grey without an axis of channels


def changed(shape: tuple[int, ...], **settings: Any) -> list[np.ndarray]:
    """Return many copies of an image as a layer changes them in training."""
    every: dict[str, Any] = {"shift": 0.0, "flip": False, "cutout": 0.0, "seed": 1}
    images = AugmentImages(**every | settings)(
        np.stack([IMAGE.reshape(shape)] * ROWS), training=True
    )
    return list(np.asarray(images))


def distinct(images: list[np.ndarray]) -> set[bytes]:
    return {image.tobytes() for image in images}


@pytest.mark.parametrize("shape", SHAPES)
def test_shifts_by_whole_pixels_and_continues_the_edge(shape: tuple[int, ...]) -> None:
    image = IMAGE.reshape(shape)
    height, width = shape[:2]
    down, right = round(0.15 * height), round(0.15 * width)
    border = [(down, down), (right, right), *[(0, 0)] * (len(shape) - 2)]
    padded = np.pad(image, border, mode="edge")
    places = [(y, x) for y in range(2 * down + 1) for x in range(2 * right + 1)]
    expected = [padded[y : y + height, x : x + width] for y, x in places]
    assert distinct(changed(shape, shift=0.15)) == distinct(expected)


@pytest.mark.parametrize("shape", SHAPES)
def test_flips_every_second_image_on_average(shape: tuple[int, ...]) -> None:
    image = IMAGE.reshape(shape)
    images = changed(shape, flip=True)
    assert distinct(images) == distinct([image, image[:, ::-1]])
    assert 0.4 < np.mean([np.array_equal(image, other) for other in images]) < 0.6


@pytest.mark.parametrize("shape", SHAPES)
def test_cuts_out_a_square_at_any_place(shape: tuple[int, ...]) -> None:
    image = IMAGE.reshape(shape)
    height, width = shape[:2]
    squares = set()
    for other in changed(shape, cutout=0.5):
        hole = other != image
        assert (other[hole] == 0).all()
        flat = hole.reshape(height, width, -1)
        rows, columns = (np.flatnonzero(flat.any(axis=axes)) for axes in ((1, 2), (0, 2)))
        assert hole.sum() == flat.shape[2] * len(rows) * len(columns)
        squares.add((min(rows), max(rows) + 1, min(columns), max(columns) + 1))
    tops, bottoms, lefts, rights = map(np.array, zip(*squares, strict=True))
    assert max(bottoms - tops) == 0.5 * height
    assert max(rights - lefts) == 0.5 * width
    assert set(tops) > set(range(height // 2))
    assert set(bottoms) > set(range(height // 2, height))
    assert len(squares) > 0.9 * height * width


def test_numbers_follow_from_the_seed() -> None:
    first, again = changed((8, 10, 2), shift=0.3), changed((8, 10, 2), shift=0.3)
    np.testing.assert_array_equal(first, again)
    layer = AugmentImages(0.3, False, 0.0, seed=1)
    batch = np.stack([IMAGE] * ROWS)
    np.testing.assert_array_equal(layer(batch, training=True), first)
    assert not np.array_equal(layer(batch, training=True), first)


AUGMENTED = "augmentation={shift: 0.2, flip: true, cutout: 0.3}"


@pytest.mark.parametrize("model", ["mlp", "selu", "deep_relu", "cnn"])
def test_a_network_changes_no_image_in_prediction(workspace: Path, model: str) -> None:
    network = build_network("digits", model, AUGMENTED)
    assert kinds(network).count("AugmentImages") == 1
    images = np.random.default_rng(0).normal(size=(4, 8, 8)).astype(np.float32)
    np.testing.assert_array_equal(network(images), network(images))
    plain = build_network("digits", model, "augmentation=null")
    assert "AugmentImages" not in kinds(plain)
    plain.set_weights(network.get_weights())
    np.testing.assert_array_equal(network(images), plain(images))
    assert not np.array_equal(network(images, training=True), network(images))


def test_no_change_needs_no_layer(workspace: Path) -> None:
    none = "augmentation={shift: 0.0, flip: false, cutout: 0.0}"
    assert "AugmentImages" not in kinds(build_network("digits", "mlp", none))
    assert "AugmentImages" not in kinds(build_network("california_housing", "mlp", AUGMENTED))


def test_files_of_a_training_hold_layers_of_keras_alone(trainable: Path) -> None:
    """They predict as the network that was trained."""
    settings = ["train.repeats=2", "train.ensemble=true", f"model.{AUGMENTED}"]
    train_network("digits", "mlp", *settings)
    folder = Path("models/digits/mlp")
    for file in (folder / "model.keras", *(folder / "repeats").iterdir()):
        with zipfile.ZipFile(file) as archive:
            config = archive.read("config.json").decode()
            assert "Dense" in config
            assert "AugmentImages" not in config
            assert not any("augment" in name for name in archive.namelist())
    assert "augment" not in json.dumps(json.loads((folder / "run.json").read_text())["layers"])
    images = np.load("data/scaled/digits/valid_features.npy")
    saved = keras.saving.load_model(folder / "repeats/seed-42.keras")
    predicted = np.load(folder / "predictions/seed-42/valid_main_output.npy")
    np.testing.assert_allclose(saved(images), predicted, rtol=1e-4, atol=1e-6)
