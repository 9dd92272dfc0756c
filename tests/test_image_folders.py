"""Images of a user's folder are read as they are."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from image_files import COLOR, GRAY, RNG, save, save_gray, two_classes
from numpy.typing import NDArray
from PIL import Image
from sklearn import datasets

from fathom.download.images import read_image_folder
from fathom.new_dataset.image_facts import ImageFacts


def test_digits_come_back_from_a_folder(tmp_path: Path) -> None:
    digits = datasets.load_digits()
    pixels = digits.images.astype(np.uint8)[:300]
    for row, (image, label) in enumerate(zip(pixels, digits.target[:300], strict=True)):
        save(tmp_path / str(label) / f"{row}.png", image)
    found = read_image_folder(tmp_path)
    order = [int(Path(file).stem) for file in found.files]
    assert sorted(order) == list(range(300))
    assert (str(found.images.dtype), str(found.labels.dtype)) == ("uint8", "int64")
    assert found.images.shape == (300, 8, 8)
    assert found.images.flags.c_contiguous
    np.testing.assert_array_equal(found.images, pixels[order])
    np.testing.assert_array_equal(found.labels, digits.target[:300][order])
    assert found.classes == list("0123456789")
    assert found.test_rows == 0


def test_names_are_in_natural_order(tmp_path: Path) -> None:
    for label in ["10", "2", "1", "b", "A", "class 10", "class 9"]:
        save_gray(tmp_path / label, "img10.PNG", "img9.png", "IMG1.png")
    found = read_image_folder(tmp_path)
    assert found.classes == ["1", "2", "10", "A", "b", "class 9", "class 10"]
    assert found.files[:4] == ["1/IMG1.png", "1/img9.png", "1/img10.PNG", "2/IMG1.png"]
    np.testing.assert_array_equal(found.labels, np.repeat(np.arange(7), 3))


def test_ignored_files(tmp_path: Path) -> None:
    save_gray(tmp_path, "a/1.png", "b/1.png")
    for folder in ("a", "b"):
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._1.png"):
            (tmp_path / folder / name).write_bytes(b"x")
    for name in (".DS_Store", "README.md", "labels.csv"):
        (tmp_path / name).write_bytes(b"x")
    for name in (".git", "__MACOSX", ".ipynb_checkpoints"):
        (tmp_path / name).mkdir()
    assert read_image_folder(tmp_path).files == ["a/1.png", "b/1.png"]


@pytest.mark.parametrize("suffix", [".bmp", ".gif", ".webp", ".tif", ".TIFF", ".pgm"])
def test_formats(tmp_path: Path, suffix: str) -> None:
    for label in "ab":
        file = tmp_path / label / f"1{suffix}"
        file.parent.mkdir()
        Image.fromarray(GRAY).save(file, lossless=True)
    found = read_image_folder(tmp_path)
    assert found.files == [f"a/1{suffix}", f"b/1{suffix}"]
    np.testing.assert_array_equal(found.images, [GRAY, GRAY])


@pytest.mark.parametrize(
    ("subsets", "order", "test_rows"),
    [
        (["train", "test"], ["train", "test"], 2),
        (["Test", "Train"], ["Train", "Test"], 2),
        (["val", "train"], ["train", "val"], 0),
        (["test", "train", "valid"], ["train", "valid", "test"], 2),
        (["training", "testing"], ["training", "testing"], 2),
        (["train"], ["train"], 0),
    ],
)
def test_subsets_are_no_classes(
    tmp_path: Path, subsets: list[str], order: list[str], test_rows: int
) -> None:
    for subset in subsets:
        for label in "ba":
            pixels = RNG.integers(0, 256, (2, 2), dtype=np.uint8)
            save(tmp_path / subset / label / "1.png", pixels)
    found = read_image_folder(tmp_path)
    assert found.files == [f"{subset}/{label}/1.png" for subset in order for label in "ab"]
    assert found.classes == ["a", "b"]
    assert found.labels.tolist() == [0, 1] * len(subsets)
    assert found.test_rows == test_rows
    for image, file in zip(found.images, found.files, strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(tmp_path / file)))


def test_class_may_be_called_train_and_test_set_may_lack_a_class(tmp_path: Path) -> None:
    save_gray(tmp_path / "one", "car/1.png", "train/1.png")
    assert read_image_folder(tmp_path / "one").classes == ["car", "train"]
    save_gray(tmp_path / "two", "train/a/1.png", "train/b/1.png", "test/b/1.png")
    found = read_image_folder(tmp_path / "two")
    assert (found.labels.tolist(), found.test_rows) == ([0, 1, 1], 1)


@pytest.mark.parametrize(
    ("image", "settings", "pixels"),
    [
        (Image.fromarray(GRAY), {}, GRAY),
        (Image.fromarray(COLOR), {}, COLOR),
        (Image.fromarray(np.stack([GRAY] * 3, axis=-1)), {}, GRAY),
        (Image.fromarray(GRAY >= 128), {}, np.where(GRAY >= 128, 255, 0)),
        (Image.fromarray(GRAY.astype(np.uint16) * 257), {}, GRAY),
        (Image.fromarray(GRAY.astype(np.uint16) * 256 + 255), {}, GRAY),
        (Image.fromarray(np.array([[5, 256]], dtype=np.uint16)), {"transparency": 5},
         np.array([[255, 1]])),
        (Image.fromarray(GRAY).convert("P"), {}, GRAY),
        (Image.new("RGBA", (4, 5), (9, 99, 199, 255)), {}, np.full((5, 4, 3), (9, 99, 199))),
        (Image.new("RGBA", (4, 5), (9, 99, 199, 0)), {}, np.full((5, 4), 255)),
        (Image.new("RGBA", (4, 5), (0, 255, 255, 51)), {}, np.full((5, 4, 3), (204, 255, 255))),
        (Image.new("LA", (4, 5), (0, 51)), {}, np.full((5, 4), 204)),
        (Image.new("L", (4, 5), 7), {"transparency": 7}, np.full((5, 4), 255)),
        (Image.new("RGB", (4, 5), (1, 2, 3)), {"transparency": (1, 2, 4)},
         np.full((5, 4, 3), (1, 2, 3))),
        (Image.new("RGBA", (4, 5), (0, 0, 0, 0)).quantize(4), {}, np.full((5, 4), 255)),
    ],
)  # fmt: skip
def test_png_images_of_any_kind(
    tmp_path: Path, image: Image.Image, settings: dict[str, Any], pixels: NDArray[Any]
) -> None:
    two_classes(tmp_path, image, **settings)
    found = read_image_folder(tmp_path).images
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.stack([pixels, pixels]))


@pytest.mark.parametrize(("bits", "shift"), [(8, 0), (12, 4), (15, 7)])
def test_values_of_fewer_bits_fill_the_range(tmp_path: Path, bits: int, shift: int) -> None:
    levels = GRAY.astype(np.uint16) << shift
    levels[0, 0] = 2**bits - 1
    two_classes(tmp_path, Image.fromarray(levels))
    facts = ImageFacts()
    for file in tmp_path.rglob("*.png"):
        facts.add_file(file)
    assert facts.bits == bits
    found = read_image_folder(tmp_path, bits=bits).images
    np.testing.assert_array_equal(found[0], levels >> shift)


@pytest.mark.parametrize("name", ["1.jpg", "1.JPEG", "1.png"])
def test_jpeg_images_of_any_kind(tmp_path: Path, name: str) -> None:
    smooth = Image.linear_gradient("L").resize((16, 24))
    for image, mode, shape in [
        (smooth, "L", (24, 16)),
        (smooth.convert("RGB"), "L", (24, 16)),
        (Image.merge("RGB", [smooth, smooth.rotate(180), smooth]), "RGB", (24, 16, 3)),
        (Image.merge("CMYK", [smooth, smooth, smooth.rotate(180), smooth]), "RGB", (24, 16, 3)),
    ]:
        two_classes(tmp_path, image, name, format="JPEG", quality=95)
        found = read_image_folder(tmp_path).images[0]
        assert found.shape == shape
        expected = np.asarray(Image.open(tmp_path / "a" / name).convert(mode))
        np.testing.assert_array_equal(found, expected)
        assert np.abs(found - np.asarray(image.convert(mode)).astype(float)).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["1.jpg", "1.png"])
def test_images_are_upright(tmp_path: Path, orientation: int, name: str) -> None:
    upright = np.zeros((16, 32), dtype=np.uint8)
    upright[:8, :8] = 200
    upright[:8, 8:] = 100
    stored = [  # by orientation: what the camera stores for an upright image
        upright, upright[:, ::-1], upright[::-1, ::-1], upright[::-1], upright.T,
        np.rot90(upright), upright[::-1, ::-1].T, np.rot90(upright, -1),
    ][orientation - 1]  # fmt: skip
    exif = Image.Exif()
    exif[0x0112] = orientation
    two_classes(tmp_path, Image.fromarray(np.ascontiguousarray(stored)), name, exif=exif)
    np.testing.assert_allclose(read_image_folder(tmp_path).images[0], upright, atol=3)


def test_gray_only_if_all_are_gray(tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", GRAY)
    save(tmp_path / "b/1.png", COLOR)
    found = read_image_folder(tmp_path).images
    np.testing.assert_array_equal(found, [np.stack([GRAY] * 3, axis=-1), COLOR])
    gray = read_image_folder(tmp_path, channels=1).images
    assert gray.flags.c_contiguous
    np.testing.assert_array_equal(gray, [GRAY, np.asarray(Image.fromarray(COLOR).convert("L"))])
    save(tmp_path / "b/1.png", GRAY)
    assert read_image_folder(tmp_path).images.shape == (2, 5, 4)
    assert read_image_folder(tmp_path, channels=3).images.shape == (2, 5, 4, 3)


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("size", [[5, 4], [10, 3], (2, 2), [5, 9]])
def test_images_are_resized(
    tmp_path: Path, size: Sequence[int], channels: Literal[1, 3] | None
) -> None:
    larger = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    save(tmp_path / "a/1.png", COLOR)
    save(tmp_path / "b/1.png", larger)
    found = read_image_folder(tmp_path, size, channels).images
    for image, pixels in zip(found, (COLOR, larger), strict=True):
        resized = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.LANCZOS)
        expected = np.asarray(resized.convert("L") if channels == 1 else resized)
        np.testing.assert_array_equal(image, expected)
