"""A user's images are read as they stand, or refused with one line that says where and what."""

import gzip
import io
import random
import re
import warnings
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
from conftest import ROOT
from numpy.typing import NDArray
from PIL import Image
from sklearn import datasets

from fathom.base.errors import FathomError
from fathom.download.arrays import read_idx, read_idx_images, read_image_arrays
from fathom.download.images import Images, read_image_folder

FASHION = ROOT.parent / "shared/data/fashion-mnist"
RNG = np.random.default_rng(42)
GREY = RNG.integers(0, 256, (5, 4), dtype=np.uint8)
COLOUR = RNG.integers(0, 256, (5, 4, 3), dtype=np.uint8)


def save(path: Path, pixels: NDArray[Any], **settings: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, **settings)
    return path


def two_classes(folder: Path, image: Image.Image, name: str = "1.png", **settings: Any) -> None:
    """Save one image in each of two classes."""
    for label in "ab":
        (folder / label).mkdir(parents=True, exist_ok=True)
        image.save(folder / label / name, **settings)


def message_of(folder: Path, error: pytest.ExceptionInfo[FathomError]) -> str:
    """Return an error's message without the folder it is about."""
    message = str(error.value)
    assert "\n" not in message
    return message.replace(f"{folder}/", "").replace(str(folder), "FOLDER")


def refusal(folder: Path, **settings: Any) -> str:
    with pytest.raises(FathomError) as caught:
        read_image_folder(folder, **settings)
    return message_of(folder, caught)


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
        for file in ["img10.PNG", "img9.png", "IMG1.png"]:
            save(tmp_path / label / file, GREY)
    found = read_image_folder(tmp_path)
    assert found.classes == ["1", "2", "10", "A", "b", "class 9", "class 10"]
    assert found.files[:4] == ["1/IMG1.png", "1/img9.png", "1/img10.PNG", "2/IMG1.png"]
    np.testing.assert_array_equal(found.labels, np.repeat(np.arange(7), 3))


def test_what_is_ignored(tmp_path: Path) -> None:
    for label in "ab":
        save(tmp_path / label / "1.png", GREY)
        for name in (".DS_Store", "Thumbs.db", "desktop.ini", "._1.png"):
            (tmp_path / label / name).write_bytes(b"x")
    for name in (".DS_Store", "README.md", "labels.csv"):
        (tmp_path / name).write_bytes(b"x")
    for name in (".git", "__MACOSX", ".ipynb_checkpoints"):
        (tmp_path / name).mkdir()
    assert read_image_folder(tmp_path).files == ["a/1.png", "b/1.png"]


@pytest.mark.parametrize(
    ("parts", "rows", "test_rows"),
    [
        (["train", "test"], ["train/a", "train/b", "test/a", "test/b"], 2),
        (["Test", "Train"], ["Train/a", "Train/b", "Test/a", "Test/b"], 2),
        (["val", "train"], ["train/a", "train/b", "val/a", "val/b"], 0),
        (
            ["test", "train", "valid"],
            ["train/a", "train/b", "valid/a", "valid/b", "test/a", "test/b"],
            2,
        ),
        (["training", "testing"], ["training/a", "training/b", "testing/a", "testing/b"], 2),
        (["train"], ["train/a", "train/b"], 0),
    ],
)
def test_parts_are_no_classes(
    tmp_path: Path, parts: list[str], rows: list[str], test_rows: int
) -> None:
    for part in parts:
        for label in "ba":
            save(tmp_path / part / label / "1.png", RNG.integers(0, 256, (2, 2), dtype=np.uint8))
    found = read_image_folder(tmp_path)
    assert found.files == [f"{row}/1.png" for row in rows]
    assert found.classes == ["a", "b"]
    assert found.labels.tolist() == [0, 1] * len(parts)
    assert found.test_rows == test_rows
    for image, file in zip(found.images, found.files, strict=True):
        np.testing.assert_array_equal(image, np.asarray(Image.open(tmp_path / file)))


def test_a_class_may_be_called_train(tmp_path: Path) -> None:
    for label in ("car", "train"):
        save(tmp_path / label / "1.png", GREY)
    assert read_image_folder(tmp_path).classes == ["car", "train"]


def test_the_test_set_may_lack_a_class(tmp_path: Path) -> None:
    for file in ("train/a/1.png", "train/b/1.png", "test/b/1.png"):
        save(tmp_path / file, GREY)
    found = read_image_folder(tmp_path)
    assert (found.labels.tolist(), found.test_rows) == ([0, 1, 1], 1)


# Pixels


@pytest.mark.parametrize(
    ("image", "settings", "pixels"),
    [
        (Image.fromarray(GREY), {}, GREY),
        (Image.fromarray(COLOUR), {}, COLOUR),
        (Image.fromarray(np.stack([GREY] * 3, axis=-1)), {}, GREY),
        (Image.fromarray(GREY >= 128), {}, np.where(GREY >= 128, 255, 0)),
        (Image.fromarray(GREY.astype(np.uint16) * 257), {}, GREY),
        (Image.fromarray(GREY.astype(np.uint16) * 256 + 255), {}, GREY),
        (
            Image.fromarray(np.array([[5, 256]], dtype=np.uint16)),
            {"transparency": 5},
            np.array([[255, 1]]),
        ),
        (Image.fromarray(GREY).convert("P"), {}, GREY),
        (Image.new("RGBA", (4, 5), (9, 99, 199, 255)), {}, np.full((5, 4, 3), (9, 99, 199))),
        (Image.new("RGBA", (4, 5), (9, 99, 199, 0)), {}, np.full((5, 4), 255)),
        (Image.new("RGBA", (4, 5), (0, 255, 255, 51)), {}, np.full((5, 4, 3), (204, 255, 255))),
        (Image.new("LA", (4, 5), (0, 51)), {}, np.full((5, 4), 204)),
        (Image.new("L", (4, 5), 7), {"transparency": 7}, np.full((5, 4), 255)),
        (
            Image.new("RGB", (4, 5), (1, 2, 3)),
            {"transparency": (1, 2, 4)},
            np.full((5, 4, 3), (1, 2, 3)),
        ),
        (Image.new("RGBA", (4, 5), (0, 0, 0, 0)).quantize(4), {}, np.full((5, 4), 255)),
    ],
)
def test_png_images_of_any_kind(
    tmp_path: Path, image: Image.Image, settings: dict[str, Any], pixels: NDArray[Any]
) -> None:
    two_classes(tmp_path, image, **settings)
    found = read_image_folder(tmp_path).images
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, np.stack([pixels, pixels]))


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
        np.testing.assert_array_equal(
            found, np.asarray(Image.open(tmp_path / "a" / name).convert(mode))
        )
        assert np.abs(found - np.asarray(image.convert(mode)).astype(float)).max() < 12


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("name", ["1.jpg", "1.png"])
def test_images_are_upright(tmp_path: Path, orientation: int, name: str) -> None:
    upright = np.zeros((16, 32), dtype=np.uint8)
    upright[:8, :8] = 200
    upright[:8, 8:] = 100
    stored = {  # what the camera stores so that its note makes it upright
        1: upright,
        2: upright[:, ::-1],
        3: upright[::-1, ::-1],
        4: upright[::-1],
        5: upright.T,
        6: np.rot90(upright),
        7: upright[::-1, ::-1].T,
        8: np.rot90(upright, -1),
    }[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    two_classes(tmp_path, Image.fromarray(np.ascontiguousarray(stored)), name, exif=exif)
    np.testing.assert_allclose(read_image_folder(tmp_path).images[0], upright, atol=3)


def test_grey_only_if_all_are_grey(tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", GREY)
    save(tmp_path / "b/1.png", COLOUR)
    found = read_image_folder(tmp_path).images
    np.testing.assert_array_equal(found, [np.stack([GREY] * 3, axis=-1), COLOUR])
    grey = read_image_folder(tmp_path, channels=1).images
    assert grey.flags.c_contiguous
    np.testing.assert_array_equal(grey, [GREY, np.asarray(Image.fromarray(COLOUR).convert("L"))])
    (tmp_path / "b/1.png").unlink()
    save(tmp_path / "b/2.png", GREY)
    assert read_image_folder(tmp_path).images.shape == (2, 5, 4)
    assert read_image_folder(tmp_path, channels=3).images.shape == (2, 5, 4, 3)


@pytest.mark.parametrize("channels", [None, 1, 3])
@pytest.mark.parametrize("size", [[5, 4], [10, 3], (2, 2), [5, 9]])
def test_images_are_resized(
    tmp_path: Path, size: Sequence[int], channels: Literal[1, 3] | None
) -> None:
    larger = RNG.integers(0, 256, (9, 7, 3), dtype=np.uint8)
    save(tmp_path / "a/1.png", COLOUR)
    save(tmp_path / "b/1.png", larger)
    found = read_image_folder(tmp_path, size, channels).images
    for image, pixels in zip(found, (COLOUR, larger), strict=True):
        resized = Image.fromarray(pixels).resize((size[1], size[0]), Image.Resampling.LANCZOS)
        expected = np.asarray(resized.convert("L") if channels == 1 else resized)
        np.testing.assert_array_equal(image, expected)


# What is refused


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([], "FOLDER has no sub-folders: put its images in one for each class"),
        (
            ["1.png", "2.png"],
            "FOLDER has no sub-folders: put its images in one for each class",
        ),
        (
            ["a/1.png", "b/1.png", "7.JPG"],
            "7.JPG is in no class: it lies beside the sub-folders, not in one of them",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "train/7.png"],
            "train/7.png is in no class: it lies beside the sub-folders, not in one of them",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "7.png"],
            "7.png is in no class: it lies beside the sub-folders, not in one of them",
        ),
        (["a/", "b/1.png"], "a has no images: add some, or remove the folder"),
        (["a/.hidden.png", "b/1.png"], "a has no images: add some, or remove the folder"),
        (["a/", "b/"], "a has no images: add some, or remove the folder"),
        (
            ["a/1.png", "a/2.gif", "a/1.bmp", "b/1.png"],
            "a/1.bmp is neither a .png nor a .jpg file: convert it or move it away",
        ),
        (
            ["a/1.png", "a/more/2.png", "b/1.png"],
            "a/more is neither a .png nor a .jpg file: convert it or move it away",
        ),
        (["a/1.png"], "FOLDER has the one class 'a'; classification needs two or more"),
        (
            ["train/a/1.png", "test/a/1.png"],
            "FOLDER has the one class 'a'; classification needs two or more",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "test/c/1.png", "test/d/1.png"],
            "FOLDER: the test images have the class 'c', which no others have",
        ),
        (
            ["train/1.png", "test/1.png"],
            "test has no sub-folders: put its images in one for each class",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "test/1.png"],
            "test has no sub-folders: put its images in one for each class",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "test/"],
            "test has no sub-folders: put its images in one for each class",
        ),
        (
            ["train/a/1.png", "train/b/1.png", "extra/a/1.png"],
            "extra lies beside train, but is not train, valid or test: move it away",
        ),
        (["test/a/1.png", "test/b/1.png"], "FOLDER has test, but no train beside it"),
        (
            ["valid/a/1.png", "test/a/1.png"],
            "FOLDER has valid, but no train beside it",
        ),
    ],
)
def test_refuses_a_folder(tmp_path: Path, files: list[str], message: str) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    for file in files:
        if file.endswith("/"):
            (folder / file).mkdir()
        elif file.endswith((".bmp", ".gif")):
            (folder / file).write_bytes(b"x")
        else:
            save(folder / file, GREY)
    assert refusal(folder) == message


def test_refuses_what_is_no_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path / "none") == "FOLDER cannot be read: No such file or directory"
    (tmp_path / "file").touch()
    assert refusal(tmp_path / "file") == "FOLDER cannot be read: Not a directory"


def test_refuses_images_of_two_sizes(tmp_path: Path) -> None:
    save(tmp_path / "a/1.png", COLOUR)
    save(tmp_path / "a/2.png", COLOUR)
    save(tmp_path / "b/1.png", COLOUR[:, :3])
    assert refusal(tmp_path) == (
        "a/1.png is 5 x 4 pixels (height x width), but b/1.png 5 x 3: set dataset.source.size: "
        "[height, width]"
    )


@pytest.mark.parametrize("size", [[28], [28, 28, 3], [0, 28], [28, -1], [28.0, 28], [True, 28], []])
def test_refuses_a_size(tmp_path: Path, size: Any) -> None:
    two_classes(tmp_path, Image.fromarray(GREY))
    assert refusal(tmp_path, size=size) == (
        f"dataset.source.size must be [height, width], not {size}"
    )  # fmt: skip


def test_refuses_channels(tmp_path: Path) -> None:
    two_classes(tmp_path, Image.fromarray(GREY))
    assert refusal(tmp_path, channels=2) == "dataset.source.channels must be 1, 3 or null, not 2"


def test_refuses_what_exceeds_the_memory(tmp_path: Path) -> None:
    two_classes(tmp_path, Image.fromarray(GREY))
    assert refusal(tmp_path, size=[10**9, 10**9]) == (
        "2 images of 1000000000 x 1000000000 pixels exceed the memory: make dataset.source.size "
        "smaller"
    )


def encoded(image: Image.Image, kind: str) -> bytes:
    stream = io.BytesIO()
    image.save(stream, kind)
    return stream.getvalue()


PNG = encoded(Image.fromarray(COLOUR), "PNG")
JPEG = encoded(Image.fromarray(np.tile(COLOUR, (20, 20, 1))), "JPEG")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        *(
            (content, "b/2.png is no PNG or JPEG image: convert or remove it")
            for content in [
                b"",
                b"not an image",
                encoded(Image.fromarray(COLOUR), "GIF"),
                encoded(Image.fromarray(COLOUR), "BMP"),
                PNG[:10],
            ]
        ),
        (PNG[:20], "b/2.png is damaged (Truncated File Read): mend or remove it"),
        (PNG[:60], "b/2.png is damaged (image file is truncated): mend or remove it"),
        (
            JPEG[:-1000],
            "b/2.png is damaged (image file is truncated (N bytes not processed)): mend or remove "
            "it",
        ),
    ],
)
def test_refuses_a_damaged_image(tmp_path: Path, content: bytes, message: str) -> None:
    two_classes(tmp_path, Image.fromarray(COLOUR))
    (tmp_path / "b/2.png").write_bytes(content)
    assert re.sub(r"\d+ bytes", "N bytes", refusal(tmp_path)) == message


def test_refuses_a_decompression_bomb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    two_classes(tmp_path, Image.fromarray(COLOUR))
    for limit, shown in ((15, 15), (5, 10)):  # Pillow warns of the one and refuses the other
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", limit)
        assert refusal(tmp_path) == (
            f"a/1.png: Image size (20 pixels) exceeds limit of {shown} pixels, could be "
            "decompression bomb DOS attack."
        )


def test_damaged_images_never_end_in_a_traceback(tmp_path: Path) -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    paletted = Image.fromarray(np.tile(COLOUR, (4, 4, 1))).quantize(16)
    two_classes(tmp_path, paletted, transparency=3, exif=exif)
    two_classes(tmp_path, paletted.convert("RGB"), "2.jpg", exif=exif)
    rng = random.Random(42)
    refused = 0
    for name in ["b/1.png", "b/2.jpg"]:
        content = (tmp_path / name).read_bytes()
        for _ in range(150):
            damaged = bytearray(content)
            for _ in range(rng.choice([1, 1, 3, 20])):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            (tmp_path / name).write_bytes(damaged)
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                try:
                    read_image_folder(tmp_path)
                except FathomError as error:
                    refused += "\n" not in str(error)
        (tmp_path / name).write_bytes(content)
    assert refused > 100


# Arrays


def arrays_file(folder: Path, compress: bool = False, **arrays: Any) -> Path:
    (np.savez_compressed if compress else np.savez)(folder / "t.npz", **arrays)
    return folder / "t.npz"


def arrays_refusal(path: Path, **settings: Any) -> str:
    with pytest.raises(FathomError) as caught:
        read_image_arrays(path, **settings)
    return message_of(path.parent, caught)


PIXELS = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 1, 0, 2])


@pytest.mark.parametrize(
    ("train", "valid", "test"),
    [
        (("x_train", "y_train"), ("x_val", "y_val"), ("x_test", "y_test")),
        (("X_train", "y_train"), ("X_valid", "y_valid"), ("X_test", "y_test")),
        (("train_images", "train_labels"), ("val_images", "val_labels"),
         ("test_images", "test_labels")),
    ],
)  # fmt: skip
@pytest.mark.parametrize("with_valid", [True, False])
@pytest.mark.parametrize("with_test", [True, False])
def test_parts_by_known_names(
    tmp_path: Path,
    train: tuple[str, str],
    valid: tuple[str, str],
    test: tuple[str, str],
    with_valid: bool,
    with_test: bool,
) -> None:
    arrays: dict[str, Any] = {}
    rows: list[int] = []
    for names, part, present in [
        (test, slice(0, 1), with_test),
        (valid, slice(1, 3), with_valid),
        (train, slice(3, 6), True),
    ]:
        if present:
            arrays |= {names[0]: PIXELS[part], names[1]: LABELS[part, None]}
            rows = [*range(6)[part], *rows]
    found = read_image_arrays(arrays_file(tmp_path, **arrays))
    np.testing.assert_array_equal(found.images, PIXELS[rows])
    np.testing.assert_array_equal(found.labels, LABELS[rows])
    assert found.classes == ["0", "1", "2"]
    assert (found.files, found.test_rows) == ([], int(with_test))


@pytest.mark.parametrize(
    ("images", "labels"), [("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target")]
)
@pytest.mark.parametrize("compress", [True, False])
def test_one_pair_by_known_names(tmp_path: Path, images: str, labels: str, compress: bool) -> None:
    path = arrays_file(tmp_path, compress, **{images: PIXELS, labels: LABELS})
    found = read_image_arrays(path)
    np.testing.assert_array_equal(found.images, PIXELS)
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.test_rows == 0


def test_arrays_by_names_told(tmp_path: Path) -> None:
    path = arrays_file(tmp_path, test_images=PIXELS, kinds=LABELS, x=LABELS, y=LABELS)
    found = read_image_arrays(path, "test_images", "kinds")
    np.testing.assert_array_equal(found.images, PIXELS)
    np.testing.assert_array_equal(found.labels, LABELS)
    assert found.test_rows == 0


@pytest.mark.parametrize(
    ("images", "pixels"),
    [
        (PIXELS, PIXELS),
        (PIXELS[..., None], PIXELS),
        (np.stack([PIXELS] * 3, axis=-1), np.stack([PIXELS] * 3, axis=-1)),
        (PIXELS.astype(np.int64), PIXELS),
        (PIXELS.astype(np.uint16), PIXELS),
        (PIXELS.astype(np.float64), PIXELS),
        (PIXELS.astype(">f4"), PIXELS),
        (PIXELS / 255, PIXELS),
        ((PIXELS / 255).astype(np.float32), PIXELS),
        (PIXELS / 256, np.rint(PIXELS / 256 * 255)),
        (PIXELS >= 128, np.where(PIXELS >= 128, 255, 0)),
        ((PIXELS >= 128).astype(np.float32), np.where(PIXELS >= 128, 255, 0)),
        ((PIXELS >= 128).astype(np.int8), PIXELS >= 128),
        (np.asfortranarray(PIXELS), PIXELS),
    ],
)
def test_images_of_many_types(tmp_path: Path, images: NDArray[Any], pixels: NDArray[Any]) -> None:
    found = read_image_arrays(arrays_file(tmp_path, x=images, y=LABELS)).images
    assert found.dtype == np.uint8
    np.testing.assert_array_equal(found, pixels)


@pytest.mark.parametrize(
    ("labels", "classes", "numbers"),
    [
        (LABELS, ["0", "1", "2"], LABELS),
        (LABELS[:, None], ["0", "1", "2"], LABELS),
        (LABELS.astype(np.uint8), ["0", "1", "2"], LABELS),
        (LABELS.astype(np.float32), ["0", "1", "2"], LABELS),
        (LABELS * 5 - 1, ["-1", "4", "9"], LABELS),
        (np.eye(3)[LABELS], ["0", "1", "2"], LABELS),
        (np.eye(3, dtype=bool)[LABELS], ["0", "1", "2"], LABELS),
        (np.array(["a2", "a10", "B"])[LABELS], ["a2", "a10", "B"], LABELS),
        (np.array([b"a", b"b", "ü".encode()])[LABELS], ["a", "b", "ü"], LABELS),
        (np.array(["10", "9", "1"])[LABELS], ["1", "9", "10"], 2 - LABELS),
        (LABELS == 1, ["False", "True"], LABELS == 1),
    ],
)
def test_labels_of_many_types(
    tmp_path: Path, labels: NDArray[Any], classes: list[str], numbers: NDArray[Any]
) -> None:
    found = read_image_arrays(arrays_file(tmp_path, x=PIXELS, y=labels))
    assert found.classes == classes
    assert found.labels.dtype == np.int64
    np.testing.assert_array_equal(found.labels, numbers)


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        (
            {"pictures": PIXELS, "kinds": LABELS},
            {},
            "t.npz has the arrays 'pictures', 'kinds': name that of the images as "
            "dataset.source.images and that of the labels as dataset.source.labels",
        ),
        (
            {},
            {},
            "t.npz has the arrays (none): name that of the images as dataset.source.images and "
            "that of the labels as dataset.source.labels",
        ),
        (
            {"pictures": PIXELS, "kinds": LABELS},
            {"images": "picture", "labels": "kinds"},
            "dataset.source.images: t.npz has no array 'picture'; did you mean pictures?",
        ),
        (
            {"pictures": PIXELS, "kinds": LABELS},
            {"images": "pictures", "labels": "zzz"},
            "dataset.source.labels: t.npz has no array 'zzz'; there are: kinds, pictures",
        ),
        (
            {"pictures": PIXELS, "kinds": LABELS},
            {"images": "pictures"},
            "dataset.source.images and labels go together: give both",
        ),
        (
            {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS},
            {},
            "t.npz has x_test, but no y_test to go with it",
        ),
        (
            {"x": PIXELS, "y": LABELS[:5]},
            {},
            "t.npz: x has 6 images, but y 5 labels",
        ),
        (
            {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:, :2], "y_test": LABELS},
            {},
            "t.npz: images are of shape (4, 3), but in x_test (2, 3): they must be alike",
        ),
        (
            {"x_train": PIXELS, "y_train": LABELS, "x_test": PIXELS[:1], "y_test": [7]},
            {},
            "t.npz: the test images have the class '7', which no others have",
        ),
        (
            {"x": PIXELS, "y": [3] * 6},
            {},
            "t.npz has the one class '3'; classification needs two or more",
        ),
        (
            {"x": PIXELS.reshape(6, 12), "y": LABELS},
            {},
            "t.npz: x is of shape (6, 12), but images are of shape (rows, height, width), maybe "
            "with a last dimension of 1 or 3",
        ),
        (
            {"x": np.zeros((6, 3, 8, 8)), "y": LABELS},
            {},
            "t.npz: x is of shape (6, 3, 8, 8), but images are of shape (rows, height, width), "
            "maybe with a last dimension of 1 or 3",
        ),
        (
            {"x": PIXELS[:0], "y": LABELS[:0]},
            {},
            "t.npz: x holds no images: its shape is (0, 4, 3)",
        ),
        (
            {"x": PIXELS, "y": [[1, 0], [1, 1], [0, 1]] * 2},
            {},
            "t.npz: y is of shape (6, 2), but its rows are not one-hot: one class a row is learned",
        ),
        (
            {"x": PIXELS, "y": np.zeros((6, 1, 1))},
            {},
            "t.npz: y is of shape (6, 1, 1), but labels are of shape (rows,)",
        ),
        (
            {"x": PIXELS, "y": 3},
            {},
            "t.npz: y is of shape (), but labels are of shape (rows,)",
        ),
        (
            {"x": PIXELS, "y": np.array([b"a", b"\xff"] * 3)},
            {},
            "t.npz: y holds bytes that are not utf-8: b'\\xff'",
        ),
        (
            {"x": PIXELS, "y": LABELS + 0.5},
            {},
            "t.npz: y must hold whole numbers or texts, not float64",
        ),
        (
            {"x": PIXELS, "y": [1, 2, float("nan")] * 2},
            {},
            "t.npz: y must hold whole numbers or texts, not float64",
        ),
        (
            {"x": PIXELS, "y": np.array(["2020-01-01"] * 6, dtype="datetime64[D]")},
            {},
            "t.npz: y must hold whole numbers or texts, not datetime64[D]",
        ),
        (
            {"x": PIXELS.astype(complex), "y": LABELS},
            {},
            "t.npz: images must hold numbers, not complex128",
        ),
        (
            {"x": PIXELS.astype(str), "y": LABELS},
            {},
            "t.npz: images must hold numbers, not <U3",
        ),
        *(
            (
                {"x": np.full((6, 4, 3), values), "y": LABELS},
                {},
                f"t.npz: images have values from {shown}, not whole numbers from 0 to 255 or "
                "fractions from 0 to 1: scale them so before saving",
            )
            for values, shown in [
                ([-1.0, 0.0, 1.0], "-1.0 to 1.0"),
                ([0, 128, 256], "0 to 256"),
                ([-5, 128, 255], "-5 to 255"),
                ([0.0, 0.5, 255.0], "0.0 to 255.0"),
                ([0.0, float("nan"), 1.0], "nan to nan"),
                ([0.0, 0.5, float("inf")], "0.0 to inf"),
            ]
        ),
        (
            {"x": np.array([None] * 6), "y": LABELS},
            {},
            "t.npz: x holds Python objects, which could run any code: save it as an array of "
            "numbers or texts",
        ),
        (
            {"x": PIXELS, "y": np.array(["a", None] * 3)},
            {},
            "t.npz: y holds Python objects, which could run any code: save it as an array of "
            "numbers or texts",
        ),
    ],
)
def test_refuses_arrays(
    tmp_path: Path, arrays: dict[str, Any], settings: dict[str, str], message: str
) -> None:
    assert arrays_refusal(arrays_file(tmp_path, **arrays), **settings) == message


def test_refuses_what_is_no_file_of_arrays(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    assert arrays_refusal(path) == "t.npz is missing"
    (tmp_path / "s.npz").touch()
    assert arrays_refusal(path) == "t.npz is missing; did you mean s.npz?"
    path.write_bytes(b"")
    assert arrays_refusal(path) == "t.npz is damaged, or no .npz file: No data left in file"
    path.write_bytes(b"PK\x03\x04 cut")
    assert arrays_refusal(path) == "t.npz is damaged, or no .npz file: File is not a zip file"
    path.write_bytes(b"something else")
    assert arrays_refusal(path).startswith("t.npz is damaged, or no .npz file: ")
    with path.open("wb") as file:
        np.save(file, PIXELS)
    assert arrays_refusal(path) == (
        "t.npz holds one array without a name: save both with numpy.savez"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "text")
        archive.writestr("y", "text")
    assert arrays_refusal(path) == "t.npz: x is no array"


def test_damaged_arrays_never_end_in_a_traceback(tmp_path: Path) -> None:
    rng = random.Random(42)
    refused = 0
    for compress in (True, False):
        content = arrays_file(tmp_path, compress, x=PIXELS, y=LABELS.astype(str)).read_bytes()
        for _ in range(150):
            damaged = bytearray(content)
            for _ in range(rng.choice([1, 1, 3, 20])):
                damaged[rng.randrange(len(damaged))] = rng.randrange(256)
            (tmp_path / "t.npz").write_bytes(damaged)
            try:
                read_image_arrays(tmp_path / "t.npz")
            except FathomError as error:
                refused += "\n" not in str(error)
    assert refused > 150


# IDX


def idx(array: NDArray[np.uint8]) -> bytes:
    header = bytes([0, 0, 8, array.ndim])
    return header + b"".join(n.to_bytes(4, "big") for n in array.shape) + array.tobytes()


def idx_files(folder: Path, images: bytes, labels: bytes) -> tuple[Path, Path]:
    paths = folder / "images-idx3-ubyte", folder / "labels-idx1-ubyte"
    for path, content in zip(paths, (images, labels), strict=True):
        path.write_bytes(content)
    return paths


def idx_refusal(*paths: Path, read: Any = read_idx) -> str:
    with pytest.raises(FathomError) as caught:
        read(*paths)
    return message_of(paths[0].parent, caught)


IDX_LABELS = LABELS.astype(np.uint8)


@pytest.mark.parametrize("packed", [False, True])
def test_idx_files(tmp_path: Path, packed: bool) -> None:
    files = []
    for name, array in (("i", PIXELS), ("l", IDX_LABELS)):
        files.append(tmp_path / (f"{name}.gz" if packed else name))
        files[-1].write_bytes(gzip.compress(idx(array)) if packed else idx(array))
    images, labels = read_idx(*files)
    assert (str(images.dtype), str(labels.dtype)) == ("uint8", "int64")
    np.testing.assert_array_equal(images, PIXELS)
    np.testing.assert_array_equal(labels, LABELS)
    images[0] = 0  # they may be written to
    found = read_idx_images(*files)
    np.testing.assert_array_equal(found.images, PIXELS)
    assert (found.classes, found.files, found.test_rows) == (["0", "1", "2"], [], 0)
    found = read_idx_images(*files, *files)
    np.testing.assert_array_equal(found.images, np.concatenate([PIXELS, PIXELS]))
    np.testing.assert_array_equal(found.labels, np.concatenate([LABELS, LABELS]))
    assert found.test_rows == 6


IMAGES = "images-idx3-ubyte"
NAMES = "labels-idx1-ubyte"


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (
            idx(IDX_LABELS),
            idx(PIXELS),
            f"{IMAGES} holds labels, not images: in IDX format those begin with 0x00000803",
        ),
        (
            idx(PIXELS),
            idx(PIXELS),
            f"{NAMES} holds images, not labels: in IDX format those begin with 0x00000801",
        ),
        (
            b"\x89PNG....",
            idx(IDX_LABELS),
            f"{IMAGES} begins with 0x89504e47, not images: in IDX format those begin with "
            "0x00000803",
        ),
        (
            b"",
            idx(IDX_LABELS),
            f"{IMAGES} is empty",
        ),
        (
            idx(PIXELS)[:10],
            idx(IDX_LABELS),
            f"{IMAGES} is cut after 10 bytes: fetch it anew",
        ),
        (
            idx(PIXELS)[:-1],
            idx(IDX_LABELS),
            f"{IMAGES} has 87 bytes, but 88 by its sizes [6, 4, 3]: it is damaged, fetch it anew",
        ),
        (
            idx(PIXELS),
            idx(IDX_LABELS) + b"\n",
            f"{NAMES} has 15 bytes, but 14 by its sizes [6]: it is damaged, fetch it anew",
        ),
        (
            b"\0\0\x08\x03" + b"\xff" * 12,
            idx(IDX_LABELS),
            f"{IMAGES} has 16 bytes, but 79228162458924105385300197391 by its sizes [4294967295, "
            "4294967295, 4294967295]: it is damaged, fetch it anew",
        ),
        (
            idx(PIXELS[:0]),
            idx(IDX_LABELS),
            f"{IMAGES} holds no images: its sizes are [0, 4, 3]",
        ),
        (
            idx(PIXELS),
            idx(IDX_LABELS[:5]),
            f"{IMAGES} has 6 images, but {NAMES} 5 labels: they do not belong together",
        ),
        (
            gzip.compress(idx(PIXELS)),
            idx(IDX_LABELS),
            f"{IMAGES} is gzip-compressed, not what its suffix says: rename it, or get what was "
            "meant",
        ),
    ],
)
def test_refuses_idx_files(tmp_path: Path, images: bytes, labels: bytes, message: str) -> None:
    assert idx_refusal(*idx_files(tmp_path, images, labels)) == message


def test_refuses_idx_files_that_are_no_data_set(tmp_path: Path) -> None:
    images, labels = idx_files(tmp_path, idx(PIXELS), idx(IDX_LABELS))
    assert idx_refusal(images, tmp_path / "x") == (
        f"x is missing; there are: {images.name}, {labels.name}"
    )
    packed = tmp_path / "i.gz"
    packed.write_bytes(gzip.compress(idx(PIXELS))[:-9])
    assert idx_refusal(packed, labels) == (
        "i.gz is damaged gzip (Compressed file ended before the end-of-stream marker was reached): "
        "fetch or pack it anew"
    )
    assert idx_refusal(images, labels, images, read=read_idx_images) == (
        "dataset.source.test_images and test_labels go together: give both"
    )
    smaller, one = tmp_path / "smaller", tmp_path / "one"
    smaller.write_bytes(idx(PIXELS[:, :2]))
    assert idx_refusal(images, labels, smaller, labels, read=read_idx_images) == (
        f"smaller has images of shape (2, 3), but {images.name} of (4, 3): they must be alike"
    )
    one.write_bytes(idx(IDX_LABELS * 0 + 7))
    assert idx_refusal(images, one, read=read_idx_images) == (
        "one has the one class '7'; classification needs two or more"
    )
    assert idx_refusal(images, labels, images, one, read=read_idx_images) == (
        "one: the test images have the class '7', which no others have"
    )


@pytest.mark.skipif(not FASHION.is_dir(), reason="the files of Fashion-MNIST are not here")
def test_fashion_mnist() -> None:
    found = read_idx_images(
        *(
            FASHION / f"{part}-{kind}-ubyte.gz"
            for part in ("train", "t10k")
            for kind in ("images-idx3", "labels-idx1")
        )
    )
    assert isinstance(found, Images)
    assert found.images.shape == (70_000, 28, 28)
    assert found.test_rows == 10_000
    assert found.classes == list("0123456789")
    assert np.bincount(found.labels[:60_000]).tolist() == [6000] * 10
    assert np.bincount(found.labels[60_000:]).tolist() == [1000] * 10
    assert found.images[:60_000].mean() == pytest.approx(72.94, abs=0.01)
