"""Images to predict for: from a folder or a file, block of rows by block."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.signature import ImageInput
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.arrays import ARRAYS, as_uint8, check_image_shape, read_npz_array
from fathom.download.images import READ_ERRORS, SUFFIXES, natural_sort_key, open_image
from fathom.download.own_files import check_file, error_text

AT_ONCE = 1024  # files
KNOWN = {name for pairs in ARRAYS for name, _ in pairs}

Block = tuple[pd.DataFrame, NDArray[np.uint8]]  # what tells the rows apart, and the images


def read_images(path: Path, wanted: ImageInput, array: str | None) -> Iterator[Block]:
    """Read a .png or .jpg file, a folder of them, with sub-folders or not, or an array of an .npz
    or .npy file.

    Args:
        path: the file or folder.
        wanted: what the model takes.
        array: name of the array in an .npz file that has several.

    Returns:
        Blocks of images of the wanted shape, with the column `file` or `row`.

    Raises:
        FathomError: there are no such images.
    """
    if path.suffix.lower() in (".npz", ".npy"):
        return array_blocks(path, wanted, array)
    if path.is_dir():
        files = sorted(
            (f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.name[0] != "."),
            key=lambda file: [natural_sort_key(part) for part in file.relative_to(path).parts],
        )
        if not files:
            raise FathomError(f"{path} has no .png or .jpg files")
        return file_blocks(files, path, wanted)
    check_file(path, SUFFIXES)
    if path.suffix.lower() not in SUFFIXES:
        raise FathomError(
            f"{path}: images are read from .png, .jpg, .npz and .npy files, and from folders"
        )
    return file_blocks([path], path.parent, wanted)


def file_blocks(files: list[Path], folder: Path, wanted: ImageInput) -> Iterator[Block]:
    """Read image files."""
    for start in range(0, len(files), AT_ONCE):
        few = files[start : start + AT_ONCE]
        images = np.stack([read_image(file, wanted) for file in few])
        yield pd.DataFrame({"file": [f.relative_to(folder).as_posix() for f in few]}), images


def read_image(file: Path, wanted: ImageInput) -> NDArray[np.uint8]:
    """Read an image file, in the wanted shape."""
    return to_shape(open_image(file), str(file), wanted)


def to_shape(image: Image.Image, name: str, wanted: ImageInput) -> NDArray[np.uint8]:
    """Return an image in the wanted shape.

    Raises:
        FathomError: it is of another size, and such are not resized; the line has its name.
    """
    height, width = wanted.shape[:2]
    if image.size != (width, height):
        if not wanted.resized:
            raise FathomError(
                f"{name} is {image.height} x {image.width} pixels (height x width), but the model "
                f"takes {height} x {width}: resize it"
            )
        image = image.resize((width, height), Image.Resampling.LANCZOS)
    grey = len(wanted.shape) == 2
    return np.asarray(image.convert("L" if grey else "RGB"))


def array_blocks(path: Path, wanted: ImageInput, name: str | None) -> Iterator[Block]:
    """Read an array of images; what is not used of an .npy file stays on disk."""
    images = load_array(path, name)
    if images.shape[1:] != tuple(wanted.shape):
        images = check_image_shape(str(path), images)
    if images.shape[1:] != tuple(wanted.shape):
        raise FathomError(
            f"{path} has images of shape {images.shape[1:]}, but the model takes "
            f"{tuple(wanted.shape)}"
        )
    if images.dtype != np.uint8:
        images = as_uint8(path, images)
    for start in range(0, len(images), AT_ONCE):
        few = np.asarray(images[start : start + AT_ONCE])
        yield pd.DataFrame({"row": np.arange(start, start + len(few))}), few


def load_array(path: Path, name: str | None) -> NDArray[Any]:
    """Load the array of images in a file."""
    check_file(path, [path.suffix.lower()])
    try:
        loaded = np.load(path, allow_pickle=False, mmap_mode="r")
    except READ_ERRORS as error:
        kind = path.suffix.lower()
        raise FathomError(f"{path} is damaged, or no {kind} file: {error_text(error)}") from error
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        return read_npz_array(path, loaded, chosen(path, loaded.files, name))


def chosen(path: Path, names: list[str], name: str | None) -> str:
    """Choose the array of images among several."""
    if name is not None:
        if name not in names:
            raise FathomError(f"--array: {path} has no array {name!r}{did_you_mean(name, names)}")
        return name
    fitting = names if len(names) == 1 else [n for n in names if n.lower() in KNOWN]
    if len(fitting) != 1:
        raise FathomError(
            f"{path} has the arrays {', '.join(map(repr, names)) or '(none)'}: name that of the "
            "images with --array"
        )
    return fitting[0]
