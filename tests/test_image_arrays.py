"""Images in .npz files are read as they are, or refused with one line."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from own_files import damaged_copies, refusal, write

from fathom.base.errors import FathomError
from fathom.download.arrays import read_image_arrays

RNG = np.random.default_rng(42)
PIXELS = RNG.integers(0, 256, (6, 4, 3), dtype=np.uint8)
LABELS = np.array([2, 0, 1, 1, 0, 2])


def arrays_file(folder: Path, compress: bool = False, **arrays: Any) -> Path:
    (np.savez_compressed if compress else np.savez)(folder / "t.npz", **arrays)
    return folder / "t.npz"


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
def test_subsets_by_known_names(
    tmp_path: Path,
    train: tuple[str, str],
    valid: tuple[str, str],
    test: tuple[str, str],
    with_valid: bool,
    with_test: bool,
) -> None:
    arrays: dict[str, Any] = {}
    rows: list[int] = []
    for names, subset, present in [
        (test, slice(0, 1), with_test),
        (valid, slice(1, 3), with_valid),
        (train, slice(3, 6), True),
    ]:
        if present:
            arrays |= {names[0]: PIXELS[subset], names[1]: LABELS[subset, None]}
            rows = [*range(6)[subset], *rows]
    found = read_image_arrays(arrays_file(tmp_path, **arrays))
    np.testing.assert_array_equal(found.images, PIXELS[rows])
    np.testing.assert_array_equal(found.labels, LABELS[rows])
    assert found.classes == ["0", "1", "2"]
    assert (found.files, found.test_rows) == ([], int(with_test))


@pytest.mark.parametrize("compress", [True, False])
def test_one_pair_by_known_names_or_settings(tmp_path: Path, compress: bool) -> None:
    pairs = [("images", "labels"), ("x", "y"), ("X", "y"), ("data", "target")]
    for images, labels in [*pairs, ("test_images", "kinds")]:
        arrays = {images: PIXELS, labels: LABELS}
        names: list[str] = []
        if labels == "kinds":
            arrays, names = {"x": LABELS, "y": LABELS} | arrays, [images, labels]
        found = read_image_arrays(arrays_file(tmp_path, compress, **arrays), *names)
        np.testing.assert_array_equal(found.images, PIXELS)
        np.testing.assert_array_equal(found.labels, LABELS)
        assert found.test_rows == 0


@pytest.mark.parametrize(
    ("images", "pixels"),
    [
        (PIXELS, PIXELS),
        (PIXELS[..., None], PIXELS),
        (np.stack([PIXELS] * 3, axis=-1), np.stack([PIXELS] * 3, axis=-1)),
        *((PIXELS.astype(kind), PIXELS) for kind in ("int64", "uint16", "float64", ">f4")),
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
        *((labels, ["0", "1", "2"], LABELS) for labels in (
            LABELS, LABELS[:, None], LABELS.astype(np.uint8), LABELS.astype(np.float32),
            np.eye(3)[LABELS], np.eye(3, dtype=bool)[LABELS],
        )),
        (LABELS * 5 - 1, ["-1", "4", "9"], LABELS),
        (np.array(["a2", "a10", "B"])[LABELS], ["a2", "a10", "B"], LABELS),
        (np.array([b"a", b"b", "ü".encode()])[LABELS], ["a", "b", "ü"], LABELS),
        (np.array(["10", "9", "1"])[LABELS], ["1", "9", "10"], 2 - LABELS),
        (LABELS == 1, ["False", "True"], LABELS == 1),
    ],
)  # fmt: skip
def test_labels_of_many_types(
    tmp_path: Path, labels: NDArray[Any], classes: list[str], numbers: NDArray[Any]
) -> None:
    found = read_image_arrays(arrays_file(tmp_path, x=PIXELS, y=labels))
    assert found.classes == classes
    assert found.labels.dtype == np.int64
    np.testing.assert_array_equal(found.labels, numbers)


UNKNOWN = {"pictures": PIXELS, "kinds": LABELS}
TO_SET = "set dataset.source.images and dataset.source.labels to the names of images and labels"
SHAPES = (
    "but images have the shape (rows, height, width), optionally with a last dimension of 1 or 3"
)
OBJECTS = "contains Python objects, which may run any code: save it as an array of numbers or texts"


@pytest.mark.parametrize(
    ("arrays", "settings", "message"),
    [
        (UNKNOWN, {}, f"t.npz has the arrays 'pictures', 'kinds': {TO_SET}"),
        ({}, {}, f"t.npz has the arrays (none): {TO_SET}"),
        (UNKNOWN, {"images": "picture", "labels": "kinds"},
         "dataset.source.images: t.npz has no array 'picture'; did you mean pictures?"),
        (UNKNOWN, {"images": "pictures", "labels": "zzz"},
         "dataset.source.labels: t.npz has no array 'zzz'; there are: kinds, pictures"),
        (UNKNOWN, {"images": "pictures"}, "dataset.source.images and labels: set both or none"),
    ],
)  # fmt: skip
def test_refuses_names(
    tmp_path: Path, arrays: dict[str, Any], settings: dict[str, str], message: str
) -> None:
    assert refusal(read_image_arrays, arrays_file(tmp_path, **arrays), **settings) == message


@pytest.mark.parametrize(
    ("images", "labels", "message"),
    [
        (PIXELS, LABELS[:5], "x has 6 images, but y 5 labels"),
        (PIXELS.reshape(6, 12), LABELS, f"x has the shape (6, 12), {SHAPES}"),
        (np.zeros((6, 3, 8, 8)), LABELS, f"x has the shape (6, 3, 8, 8), {SHAPES}"),
        (PIXELS[:0], LABELS[:0], "x has no images: its shape is (0, 4, 3)"),
        (PIXELS, [[1, 0], [1, 1], [0, 1]] * 2,
         "y has the shape (6, 2), but its rows are not one-hot"),
        (PIXELS, np.zeros((6, 1, 1)),
         "y has the shape (6, 1, 1), but labels have the shape (rows,)"),
        (PIXELS, 3, "y has the shape (), but labels have the shape (rows,)"),
        (PIXELS, np.array([b"a", b"\xff"] * 3), "y has bytes that are not utf-8: b'\\xff'"),
        (PIXELS, LABELS + 0.5, "y must be integers or texts, not float64"),
        (PIXELS, [1, 2, float("nan")] * 2, "y must be integers or texts, not float64"),
        (PIXELS, np.array(["2020-01-01"] * 6, dtype="datetime64[D]"),
         "y must be integers or texts, not datetime64[D]"),
        (PIXELS.astype(complex), LABELS, "images must be numbers, not complex128"),
        (PIXELS.astype(str), LABELS, "images must be numbers, not <U3"),
        *((np.full((6, 4, 3), values), LABELS, f"images have values from {shown}, not integers "
           "from 0 to 255 or fractions from 0 to 1: scale them before saving")
          for values, shown in [
            ([-1.0, 0.0, 1.0], "-1.0 to 1.0"),
            ([0, 128, 256], "0 to 256"),
            ([-5, 128, 255], "-5 to 255"),
            ([0.0, 0.5, 255.0], "0.0 to 255.0"),
            ([0.0, float("nan"), 1.0], "nan to nan"),
            ([0.0, 0.5, float("inf")], "0.0 to inf"),
          ]),
        (np.array([None] * 6), LABELS, f"x {OBJECTS}"),
        (PIXELS, np.array(["a", None] * 3), f"y {OBJECTS}"),
    ],
)  # fmt: skip
def test_refuses_arrays(tmp_path: Path, images: Any, labels: Any, message: str) -> None:
    path = arrays_file(tmp_path, x=images, y=labels)
    assert refusal(read_image_arrays, path) == f"t.npz: {message}"


def test_refuses_subsets(tmp_path: Path) -> None:
    train: dict[str, Any] = {"x_train": PIXELS, "y_train": LABELS}
    for arrays, message in [
        (train | {"x_test": PIXELS}, " has x_test, but no y_test"),
        (train | {"x_test": PIXELS[:, :2], "y_test": LABELS},
         ": images have different shapes, (4, 3) and, in x_test, (2, 3)"),
        (train | {"x_test": PIXELS[:1], "y_test": [7]}, ": only test images have the class '7'"),
        ({"x": PIXELS, "y": [3] * 6},
         " has only the class '3'; classification needs two or more"),
    ]:  # fmt: skip
        assert refusal(read_image_arrays, arrays_file(tmp_path, **arrays)) == f"t.npz{message}"


def test_refuses_other_files(tmp_path: Path) -> None:
    path = tmp_path / "t.npz"
    assert refusal(read_image_arrays, path) == "t.npz is missing"
    (tmp_path / "s.npz").touch()
    assert refusal(read_image_arrays, path) == "t.npz is missing; did you mean s.npz?"
    damaged = "t.npz is damaged, or not an .npz file: "
    for content, reason in (
        (b"", "No data left in file"),
        (b"PK\x03\x04 cut", "File is not a zip file"),
        (b"something else", ""),
    ):
        assert refusal(read_image_arrays, write(path, content)).startswith(damaged + reason)
    with path.open("wb") as file:
        np.save(file, PIXELS)
    assert refusal(read_image_arrays, path) == (
        "t.npz has one array without a name: save both with numpy.savez"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", "text")
        archive.writestr("y", "text")
    assert refusal(read_image_arrays, path) == "t.npz: x is not an array"


def test_an_unknown_compression(tmp_path: Path) -> None:
    path = arrays_file(tmp_path, x=PIXELS, y=LABELS)
    headers = rb"(PK\x03\x04.{4}|PK\x01\x02.{6})\0\0"  # before the number of the method
    content, count = re.subn(headers, b"\\1c\0", path.read_bytes(), flags=re.DOTALL)
    assert count == 4
    assert refusal(read_image_arrays, write(path, content)) == (
        "t.npz: x is damaged: That compression method is not supported"
    )


def test_a_file_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*arguments: Any, **options: Any) -> None:
        raise PermissionError(13, "Permission denied")

    path = arrays_file(tmp_path, x=PIXELS, y=LABELS)
    monkeypatch.setattr(np, "load", refuse)
    assert refusal(read_image_arrays, path) == "t.npz cannot be read: Permission denied"


def test_damaged_arrays_never_end_in_a_traceback(tmp_path: Path) -> None:
    refused = 0
    for compress in (True, False):
        path = arrays_file(tmp_path, compress, x=PIXELS, y=LABELS.astype(str))
        for damaged in damaged_copies(path.read_bytes()):
            try:
                read_image_arrays(write(path, damaged))
            except FathomError as error:
                refused += "\n" not in str(error)
    assert refused > 150
