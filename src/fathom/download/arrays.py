"""Images and labels in arrays: .npz files, and the IDX files of MNIST."""

import math
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.image_files import READ_ERRORS
from fathom.download.images import RawImages, encode_labels
from fathom.download.own_files import check_file, check_start, damage, error_text, read_bytes

ARRAYS = (  # pairs of names of images and labels that belong together; test sets last
    (("x_train", "y_train"), ("x_val", "y_val"), ("x_valid", "y_valid"), ("x_test", "y_test")),
    tuple((f"{subset}_images", f"{subset}_labels") for subset in ("train", "val", "test")),
    (("images", "labels"),),
    (("x", "y"),),
    (("data", "target"),),
)


def read_image_arrays(
    path: Path, images: str | None = None, labels: str | None = None
) -> RawImages:
    """Read images and labels from the arrays of an .npz file, without unpickling anything.

    Known names are those of `ARRAYS` (Keras', MedMNIST's and others), in upper or lower case. The
    validation set follows the training set; the test set comes last.

    Args:
        path: the file. Its images have the shape (rows, height, width), (rows, height, width, 1)
            or (rows, height, width, 3), and are integers from 0 to 255, or floats from 0 to 1
            (black to white). Its labels are integers or texts of shape (rows,) or (rows, 1), or
            one-hot rows of shape (rows, classes).
        images: name of the array of images, if it is not a known one.
        labels: name of the array of labels.
    """
    check_file(path, [".npz"])
    pixels: list[NDArray[Any]] = []
    values: list[Any] = []
    test_rows = 0
    for image_name, label_name, image_array, label_array in load_pairs(path, images, labels):
        pixels.append(check_image_shape(f"{path}: {image_name}", image_array))
        new = label_values(f"{path}: {label_name}", label_array)
        values += new
        rows, shape = len(pixels[-1]), pixels[-1].shape[1:]
        if rows != len(new):
            raise FathomError(
                f"{path}: {image_name} has {rows} images, but {label_name} {len(new)} labels"
            )
        if shape != pixels[0].shape[1:]:
            raise FathomError(
                f"{path}: images have different shapes, {pixels[0].shape[1:]} and, in "
                f"{image_name}, {shape}"
            )
        test_rows += rows if "test" in image_name.lower() and len(pixels) > 1 else 0
    train = len(values) - test_rows
    indices, classes = encode_labels(path, values[:train], values[train:])
    return RawImages(as_uint8(path, np.concatenate(pixels)), indices, classes, test_rows=test_rows)


def read_idx_images(images: Path, labels: Path, test_images: Path, test_labels: Path) -> RawImages:
    """Read images, test images last, from IDX files. The classes are the numbers in the labels."""
    pixels, numbers = read_idx(images, labels)
    test_pixels, test_numbers = read_idx(test_images, test_labels)
    if test_pixels.shape[1:] != pixels.shape[1:]:
        raise FathomError(
            f"images have different shapes, {pixels.shape[1:]} in {images} and "
            f"{test_pixels.shape[1:]} in {test_images}"
        )
    indices, classes = encode_labels(test_labels, numbers.tolist(), test_numbers.tolist())
    every = np.concatenate([pixels, test_pixels])
    return RawImages(every, indices, classes, test_rows=len(test_pixels))


def read_idx(images: Path, labels: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Read images of shape (rows, height, width) and labels of shape (rows,) from IDX files."""
    pixels, numbers = read_idx_array(images, "images", 3), read_idx_array(labels, "labels", 1)
    if len(pixels) != len(numbers):
        raise FathomError(f"{images} has {len(pixels)} images, but {labels} {len(numbers)} labels")
    return pixels, numbers.astype(np.int64)


def read_idx_array(path: Path, what: str, dimensions: int) -> NDArray[np.uint8]:
    """Read an IDX file, possibly gzip-compressed: big-endian sizes, then unsigned bytes."""
    check_file(path)
    content = read_bytes(path)
    check_start(path, content)
    if not content:
        raise FathomError(f"{path} is empty")
    start = 4 + 4 * dimensions
    if not content.startswith(bytes([0, 0, 8, dimensions])):
        other = {b"\0\0\x08\x01": "labels", b"\0\0\x08\x03": "images"}.get(content[:4])
        why = f"contains {other}" if other else f"begins with 0x{content[:4].hex()}"
        raise FathomError(
            f"{path} {why}, not {what}: in IDX format those begin with 0x0000080{dimensions}"
        )
    if len(content) < start:
        raise FathomError(f"{path} is cut after {len(content)} bytes: download it again")
    sizes = [int(n) for n in np.frombuffer(content, ">u4", dimensions, 4)]
    if 0 in sizes:
        raise FathomError(f"{path} contains no {what}: its sizes are {sizes}")
    if len(content) != start + math.prod(sizes):
        raise FathomError(
            f"{path} has {len(content)} bytes, but its sizes {sizes} need "
            f"{start + math.prod(sizes)}: download it again"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(sizes).copy()


def load_pairs(
    path: Path, images: str | None, labels: str | None
) -> list[tuple[str, str, NDArray[Any], NDArray[Any]]]:
    """Return the names and arrays of images and labels in an .npz file, test sets last."""
    try:
        archive = np.load(path, allow_pickle=False)
    except READ_ERRORS as error:
        text = f"{path} is damaged, or not an .npz file: {error_text(error)}"
        raise damage(path, error, text) from error
    if not isinstance(archive, np.lib.npyio.NpzFile):
        raise FathomError(f"{path} has one array without a name: save both with numpy.savez")
    with archive:
        return [
            (a, b, read_npz_array(path, archive, a), read_npz_array(path, archive, b))
            for a, b in array_names(path, archive.files, images, labels)
        ]


def array_names(
    path: Path, names: list[str], images: str | None, labels: str | None
) -> list[tuple[str, str]]:
    """Return the pairs of names of images and labels among all names of arrays."""
    if images is not None or labels is not None:
        for key, name in (("images", images), ("labels", labels)):
            if name is None:
                raise FathomError("dataset.source.images and labels: set both or none")
            if name not in names:
                near = did_you_mean(name, names)
                raise FathomError(f"dataset.source.{key}: {path} has no array {name!r}{near}")
        return [(str(images), str(labels))]
    by_lower = {name.lower(): name for name in names}
    for known in ARRAYS:
        pairs = [(by_lower.get(a, ""), by_lower.get(b, "")) for a, b in known]
        if all(pairs[0]):
            for pair, expected in zip(pairs, known, strict=True):
                if any(pair) and not all(pair):
                    raise FathomError(
                        f"{path} has {''.join(pair)}, but no {expected[pair.index('')]}"
                    )
            return [pair for pair in pairs if all(pair)]
    raise FathomError(
        f"{path} has the arrays {', '.join(map(repr, names)) or '(none)'}: set "
        "dataset.source.images and dataset.source.labels to the names of images and labels"
    )


def read_npz_array(path: Path, archive: Any, name: str) -> NDArray[Any]:
    try:
        array = archive[name]
    except READ_ERRORS as error:
        if "allow_pickle" in str(error):
            raise FathomError(
                f"{path}: {name} contains Python objects, which may run any code: save it as an "
                "array of numbers or texts"
            ) from error
        text = f"{path}: {name} is damaged: {error_text(error)}"
        raise damage(path, error, text) from error
    if not isinstance(array, np.ndarray):
        raise FathomError(f"{path}: {name} is not an array")
    return array


def check_image_shape(where: str, images: NDArray[Any]) -> NDArray[Any]:
    """Return images of valid shape, without a last dimension of 1."""
    if images.ndim == 4 and images.shape[3] == 1:
        images = images[..., 0]
    if 0 in images.shape:
        raise FathomError(f"{where} has no images: its shape is {images.shape}")
    if images.ndim != 3 and not (images.ndim == 4 and images.shape[3] == 3):
        raise FathomError(
            f"{where} has the shape {images.shape}, but images have the shape (rows, height, "
            "width), optionally with a last dimension of 1 or 3"
        )
    return images


def label_values(where: str, labels: NDArray[Any]) -> list[Any]:
    """Return labels as integers or texts, one a row."""
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim == 2 and labels.dtype.kind in "biuf":
        if not (np.isin(labels, (0, 1)).all() and (labels.sum(axis=1) == 1).all()):
            raise FathomError(f"{where} has the shape {labels.shape}, but its rows are not one-hot")
        labels = labels.argmax(axis=1)
    if labels.ndim != 1:
        raise FathomError(
            f"{where} has the shape {labels.shape}, but labels have the shape (rows,)"
        )
    if labels.dtype.kind == "S":
        try:
            labels = np.char.decode(labels, "utf-8")
        except UnicodeDecodeError as error:
            raise FathomError(f"{where} has bytes that are not utf-8: {error.object!r}") from error
    if labels.dtype.kind == "f" and (labels == np.rint(labels)).all():
        labels = labels.astype(np.int64)
    if labels.dtype.kind not in "biuU":
        raise FathomError(f"{where} must be integers or texts, not {labels.dtype}")
    values: list[Any] = labels.tolist()
    return values


def as_uint8(path: Path, images: NDArray[Any]) -> NDArray[np.uint8]:
    """Return images with values 0 … 255, or fractions 0 … 1, or booleans, as uint8."""
    if images.dtype == np.uint8:
        return images
    if images.dtype.kind not in "biuf":
        raise FathomError(f"{path}: images must be numbers, not {images.dtype}")
    low, high = images.min(), images.max()
    if images.dtype.kind in "bf" and low >= 0 and high <= 1:
        return np.rint(images.astype(np.float32) * 255).astype(np.uint8)
    pixels = images.astype(np.uint8) if low >= 0 and high <= 255 else None
    if pixels is None or (pixels != images).any():
        raise FathomError(
            f"{path}: images have values from {low} to {high}, not integers from 0 to 255 or "
            "fractions from 0 to 1: scale them before saving"
        )
    return pixels
