"""Images and labels as arrays: .npz files, and the IDX files of MNIST."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.images import READ_ERRORS, Images, numbered
from fathom.download.own_files import check_file, check_start, error_text, read_bytes

ARRAYS = (  # pairs of names of images and labels that belong together; those for testing last
    (("x_train", "y_train"), ("x_val", "y_val"), ("x_valid", "y_valid"), ("x_test", "y_test")),
    tuple((f"{part}_images", f"{part}_labels") for part in ("train", "val", "test")),
    (("images", "labels"),),
    (("x", "y"),),
    (("data", "target"),),
)


def read_image_arrays(path: Path, images: str | None = None, labels: str | None = None) -> Images:
    """Read images and labels from the arrays of an .npz file, without unpickling anything.

    Known names are those of `ARRAYS`, in capitals or not: Keras', MedMNIST's and others. Rows for
    validation follow those for training; those for testing come last.

    Args:
        path: the file. Its images have the shape (rows, height, width), (rows, height, width, 1)
            or (rows, height, width, 3), and are uint8, whole numbers 0 … 255, or 0 … 1 for black
            to white. Its labels are whole numbers or texts of shape (rows,) or (rows, 1), or
            one-hot rows of shape (rows, classes).
        images: name of the array of images, if it is none of those known.
        labels: name of the array of labels.

    Raises:
        FathomError: something in the file is not as it should be.
    """
    check_file(path, [".npz"])
    pictures: list[NDArray[Any]] = []
    answers: list[list[Any]] = []
    test_rows = 0
    for image_name, label_name, pixels, values in load_pairs(path, images, labels):
        pictures.append(check_image_shape(f"{path}: {image_name}", pixels))
        answers.append(label_values(f"{path}: {label_name}", values))
        rows, labelled, shape = len(pictures[-1]), len(answers[-1]), pictures[-1].shape[1:]
        if rows != labelled:
            raise FathomError(
                f"{path}: {image_name} has {rows} images, but {label_name} {labelled} labels"
            )
        if shape != pictures[0].shape[1:]:
            raise FathomError(
                f"{path}: images are of shape {pictures[0].shape[1:]}, but in {image_name} "
                f"{shape}: they must be alike"
            )
        test_rows += rows if "test" in image_name.lower() and len(pictures) > 1 else 0
    given = [value for part in answers for value in part]
    fitting = len(given) - test_rows
    numbers, classes = numbered(path, given[:fitting], given[fitting:])
    return Images(as_uint8(path, np.concatenate(pictures)), numbers, classes, [], test_rows)


def read_idx_images(
    images: Path, labels: Path, test_images: Path | None = None, test_labels: Path | None = None
) -> Images:
    """Read images, and those for testing if any, from files in MNIST's format.

    The classes are the numbers of the labels. See `read_idx`.
    """
    pixels, numbers = read_idx(images, labels)
    if test_images is None or test_labels is None:
        if test_images is not None or test_labels is not None:
            raise FathomError("dataset.source.test_images and test_labels go together: give both")
        labels_now, classes = numbered(labels, numbers.tolist(), [])
        return Images(pixels, labels_now, classes, [])
    test_pixels, test_numbers = read_idx(test_images, test_labels)
    if test_pixels.shape[1:] != pixels.shape[1:]:
        raise FathomError(
            f"{test_images} has images of shape {test_pixels.shape[1:]}, but {images} of "
            f"{pixels.shape[1:]}: they must be alike"
        )
    labels_now, classes = numbered(test_labels, numbers.tolist(), test_numbers.tolist())
    return Images(np.concatenate([pixels, test_pixels]), labels_now, classes, [], len(test_pixels))


def read_idx(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images of shape (rows, height, width) and labels of shape (rows,) from IDX files.

    That is MNIST's format: big-endian sizes, then bytes. A file with the suffix .gz is unpacked.

    Raises:
        FathomError: a file is not of this format, not whole, or the two do not belong together.
    """
    pixels, numbers = idx_array(images, "images", 3), idx_array(labels, "labels", 1)
    if len(pixels) != len(numbers):
        raise FathomError(
            f"{images} has {len(pixels)} images, but {labels} {len(numbers)} labels: they do not "
            "belong together"
        )
    return pixels, numbers.astype(np.int64)


def idx_array(path: Path, what: str, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file of unsigned bytes with so many dimensions."""
    check_file(path)
    content = read_bytes(path)
    check_start(path, content)
    if not content:
        raise FathomError(f"{path} is empty")
    start = 4 + 4 * dimensions
    if not content.startswith(bytes([0, 0, 8, dimensions])):
        other = {b"\0\0\x08\x01": "labels", b"\0\0\x08\x03": "images"}.get(content[:4])
        why = f"holds {other}" if other else f"begins with 0x{content[:4].hex()}"
        raise FathomError(
            f"{path} {why}, not {what}: in IDX format those begin with 0x0000080{dimensions}"
        )
    if len(content) < start:
        raise FathomError(f"{path} is cut after {len(content)} bytes: fetch it anew")
    sizes = [int(n) for n in np.frombuffer(content, ">u4", dimensions, 4)]
    if 0 in sizes:
        raise FathomError(f"{path} holds no {what}: its sizes are {sizes}")
    if len(content) != start + math.prod(sizes):
        raise FathomError(
            f"{path} has {len(content)} bytes, but {start + math.prod(sizes)} by its sizes "
            f"{sizes}: it is damaged, fetch it anew"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes).copy()


def load_pairs(
    path: Path, images: str | None, labels: str | None
) -> list[tuple[str, str, NDArray[Any], NDArray[Any]]]:
    """Return the names and arrays of images and labels in an .npz file, those for testing last."""
    try:
        archive = np.load(path, allow_pickle=False)
    except READ_ERRORS as error:
        raise FathomError(f"{path} is damaged, or no .npz file: {error_text(error)}") from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise FathomError(f"{path} holds one array without a name: save both with numpy.savez")
    with archive:
        names = array_names(path, archive.files, images, labels)
        return [
            (a, b, read_npz_array(path, archive, a), read_npz_array(path, archive, b))
            for a, b in names
        ]


def array_names(
    path: Path, names: list[str], images: str | None, labels: str | None
) -> list[tuple[str, str]]:
    """Choose pairs of images and labels among the names of arrays."""
    if images is not None or labels is not None:
        for key, name in (("images", images), ("labels", labels)):
            if name is None:
                raise FathomError("dataset.source.images and labels go together: give both")
            if name not in names:
                near = did_you_mean(name, names)
                raise FathomError(f"dataset.source.{key}: {path} has no array {name!r}{near}")
        return [(str(images), str(labels))]
    by_lower = {name.lower(): name for name in names}
    for known in ARRAYS:
        pairs = [(by_lower.get(a, ""), by_lower.get(b, "")) for a, b in known]
        if all(pairs[0]):
            for pair, wanted in zip(pairs, known, strict=True):
                if any(pair) and not all(pair):
                    lacking = wanted[pair.index("")]
                    raise FathomError(f"{path} has {''.join(pair)}, but no {lacking} to go with it")
            return [pair for pair in pairs if all(pair)]
    raise FathomError(
        f"{path} has the arrays {', '.join(map(repr, names)) or '(none)'}: name that of the images "
        "as dataset.source.images and that of the labels as dataset.source.labels"
    )


def read_npz_array(path: Path, archive: Any, name: str) -> NDArray[Any]:
    """Read an array of an archive."""
    try:
        array = archive[name]
    except READ_ERRORS as error:
        if "allow_pickle" in str(error):
            raise FathomError(
                f"{path}: {name} holds Python objects, which could run any code: save it as an "
                "array of numbers or texts"
            ) from error
        raise FathomError(f"{path}: {name} is damaged: {error_text(error)}") from error
    if not isinstance(array, np.ndarray):
        raise FathomError(f"{path}: {name} is no array")
    return array


def check_image_shape(where: str, images: NDArray[Any]) -> NDArray[Any]:
    """Return images without a last dimension of 1, having looked at their shape."""
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if 0 in images.shape:
        raise FathomError(f"{where} holds no images: its shape is {images.shape}")
    if images.ndim != 3 and not (images.ndim == 4 and images.shape[3] == 3):
        raise FathomError(
            f"{where} is of shape {images.shape}, but images are of shape (rows, height, width), "
            "maybe with a last dimension of 1 or 3"
        )
    return images


def label_values(where: str, labels: NDArray[Any]) -> list[Any]:
    """Return labels as whole numbers or texts, one a row."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise FathomError(
                f"{where} is of shape {labels.shape}, but its rows are not one-hot: one class a "
                "row is learned"
            )
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise FathomError(f"{where} is of shape {labels.shape}, but labels are of shape (rows,)")
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeDecodeError as error:
            raise FathomError(
                f"{where} holds bytes that are not utf-8: {error.object!r}"
            ) from error
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "biuU":
        raise FathomError(f"{where} must hold whole numbers or texts, not {labels.dtype}")
    values: list[Any] = labels.tolist()
    return values


def as_uint8(path: Path, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images of 0 … 255, or of fractions 0 … 1 or booleans, as uint8."""
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "biuf":
        raise FathomError(f"{path}: images must hold numbers, not {images.dtype}")
    least, most = images.min(), images.max()
    if images.dtype.kind in "bf" and least >= 0 and most <= 1:
        return np.rint(images.astype(np.float32) * 255).astype(np.uint8)
    pixels = images.astype(np.uint8) if least >= 0 and most <= 255 else None
    if pixels is None or (pixels != images).any():
        raise FathomError(
            f"{path}: images have values from {least} to {most}, not whole numbers from 0 to 255 "
            "or fractions from 0 to 1: scale them so before saving"
        )
    return pixels
