"""Pictures on the page hold the very pixels of the data."""

import base64
import io
import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.schema import RawSource, Schema
from fathom.report.pictures import draw_heat_map, draw_image, draw_samples, palette

FIRST = "data:image/png;base64,"


def decoded(uri: str, mode: str | None = None) -> NDArray[np.uint8]:
    assert uri.startswith(FIRST)
    image = Image.open(io.BytesIO(base64.b64decode(uri.removeprefix(FIRST))))
    assert image.format == "PNG"
    return np.asarray(image.convert(mode) if mode else image)


def noise(*shape: int) -> NDArray[np.uint8]:
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def write(folder: Path, images: NDArray[np.uint8], classes: list[str]) -> NDArray[np.int64]:
    """Write a data set called `own`, its rows of even numbers for training; return its labels."""
    labels = np.arange(len(images)) // 2 % len(classes)
    raw, split = folder / "data/raw/own", folder / "data/split/own"
    raw.mkdir(parents=True)
    split.mkdir(parents=True)
    np.save(raw / "images.npy", images)
    np.save(raw / "labels.npy", labels)
    np.save(split / "train.npy", np.arange(0, len(images), 2))
    Schema(
        name="own", kind="images", task="classification", rows=len(images), target="label",
        classes=classes, image_shape=[*images.shape[1:]],
        source=RawSource(origin="a test", sha256="0"),
    ).write(raw / "schema.json")  # fmt: skip
    return labels


@pytest.mark.parametrize("shape", [(50, 60), (50, 60, 3), (50, 60, 1)])
def test_a_picture_is_its_pixels(shape: tuple[int, ...]) -> None:
    image = noise(*shape)
    drawn = decoded(draw_image(image, 255))
    assert (drawn == image.reshape(shape if shape[-1] == 3 else shape[:2])).all()
    assert (decoded(draw_image(image / 255, 1)) == drawn).all()


def test_pixels_of_a_tiny_picture_become_squares() -> None:
    image = noise(8, 8)
    drawn = decoded(draw_image(image, 255))
    assert drawn.shape == (40, 40)
    assert all((drawn[row::5, column::5] == image).all() for row in range(5) for column in range(5))
    digits = np.array([[0, 4], [8, 16]], np.uint8)
    assert decoded(draw_image(digits, 16))[::20, ::20].tolist() == [[0, 64], [128, 255]]


def test_heat_is_in_magma() -> None:
    magma = mpl.colormaps["magma"](np.linspace(0, 1, 256))[:, :3] * 255
    assert np.abs(palette() - magma).max() < 3.5  # of 255
    values = np.linspace(0, 2, 50 * 40).reshape(50, 40)
    drawn = decoded(draw_heat_map(values, 1.0), "RGB")
    expected = palette()[np.rint(np.clip(values, 0, 1) * 255).astype(int)]
    assert (drawn == expected).all()
    assert (decoded(draw_heat_map(np.zeros((50, 40)), 0.0), "RGB") == palette()[0]).all()


@pytest.mark.parametrize("channels", [(), (3,)])
def test_samples_are_training_images_of_their_class(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, channels: tuple[int, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    images, classes = noise(400, 40, 40, *channels), ["cat", "<dog>"]
    labels = write(tmp_path, images, classes)
    page = draw_samples("own")
    assert page == draw_samples("own")
    assert re.findall(r'alt="(.*?)"', page) == [
        "6 training images of class cat",
        "6 training images of class &lt;dog&gt;",
    ]
    for number, uri in enumerate(re.findall(r'src="(.*?)"', page)):
        sheet = decoded(uri, "RGB" if channels else "L")
        assert sheet.shape[:2] == (40, 6 * 42 - 2)
        shown = {sheet[:, left : left + 40].tobytes() for left in range(0, sheet.shape[1], 42)}
        known = {images[row].tobytes() for row in range(0, 400, 2) if labels[row] == number}
        assert len(shown) == 6
        assert shown <= known


@pytest.mark.parametrize("size", [8, 28, 32, 224])
def test_samples_are_few_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: int) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, noise(600, size, size, 3), [f"class {number}" for number in range(15)])
    page = draw_samples("own")
    assert page.count("<img") == 12
    assert "3 more classes are left out" in page
    assert len(page) < 305_000


def test_digits_are_seen_in_all_shades(trainable: Path) -> None:
    page = draw_samples("digits")
    assert page.count("<img") == 10
    sheet = decoded(re.findall(r'src="(.*?)"', page)[0], "L")
    assert sheet.shape == (40, 6 * 42 - 2)
    assert (sheet.min(), sheet.max()) == (0, 255)
    assert len(page) < 60_000
