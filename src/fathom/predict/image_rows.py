"""Reads images block by block, from a folder or a file."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.signature import IMAGE, ImageInput
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.arrays import ARRAYS, as_uint8, check_image_shape, read_npz_array
from fathom.download.image_files import READ_ERRORS, decode_image
from fathom.download.images import SUFFIXES, natural_sort_key
from fathom.download.own_files import check_file, check_name, damage, error_text
from fathom.predict.model_inputs import Inputs

BLOCK = 1024  # images
KNOWN_ARRAYS = {name for pairs in ARRAYS for name, _ in pairs}

Block = tuple[pa.Table, Inputs]  # rows as they are in the file, and as the model takes them


def read_images(path: Path, image: ImageInput, array: str | None) -> Iterator[Block]:
    """Read a .png or .jpg file, a folder of them, or the array in an .npz or .npy file.

    Yields images in the model's shape, with the column `file` or `row`.
    """
    if path.suffix.lower() in (".npz", ".npy"):
        return read_array_blocks(path, image, array)
    if path.is_dir():
        files = sorted(
            (f for f in path.rglob("*") if f.suffix.lower() in SUFFIXES and f.name[0] != "."),
            key=lambda file: [natural_sort_key(part) for part in file.relative_to(path).parts],
        )
        if not files:
            raise FathomError(f"{path} has no .png or .jpg files")
        return read_file_blocks(files, path, image)
    check_file(path, SUFFIXES)
    if path.suffix.lower() not in SUFFIXES:
        raise FathomError(f"{path}: images must be .png, .jpg, .npz or .npy files, or a folder")
    return read_file_blocks([path], path.parent, image)


def read_file_blocks(files: list[Path], folder: Path, image: ImageInput) -> Iterator[Block]:
    for file in files:
        check_name(file)
    for start in range(0, len(files), BLOCK):
        block = files[start : start + BLOCK]
        opened = ((file, decode_image(file, str(file), image.bits)) for file in block)
        images = np.stack([to_shape(picture, str(file), image) for file, picture in opened])
        names = [file.relative_to(folder).as_posix() for file in block]
        yield pa.table({"file": names}), {IMAGE: images}


def to_shape(picture: Image.Image, name: str, image: ImageInput) -> NDArray[np.uint8]:
    """Return a picture in the shape of the model's input.

    Raises:
        FathomError: it has another size, and the model was not trained on resized images.
    """
    height, width = image.shape[:2]
    if picture.size != (width, height):
        if not image.resized:
            raise FathomError(
                f"{name} is {picture.height} x {picture.width} pixels (height x width), but the "
                f"model takes {height} x {width}: resize it"
            )
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture.convert("L" if len(image.shape) == 2 else "RGB"))


def read_array_blocks(path: Path, image: ImageInput, name: str | None) -> Iterator[Block]:
    """Read an array of images. Of an .npy file, one block at a time is in memory."""
    images = check_image_shape(str(path), load_array(path, name))
    shape = tuple(image.shape)
    if images.shape[1:] != shape:
        raise FathomError(
            f"{path} has images of shape {images.shape[1:]}, but the model takes {shape}"
        )
    images = as_uint8(path, images)
    for start in range(0, len(images), BLOCK):
        block = np.asarray(images[start : start + BLOCK])
        yield pa.table({"row": np.arange(start, start + len(block))}), {IMAGE: block}


def load_array(path: Path, name: str | None) -> NDArray[Any]:
    suffix = path.suffix.lower()
    check_file(path, [suffix])
    try:
        loaded = np.load(path, allow_pickle=False, mmap_mode="r")
    except READ_ERRORS as error:
        text = f"{path} is damaged, or no {suffix} file: {error_text(error)}"
        raise damage(path, error, text) from error
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        return read_npz_array(path, loaded, choose_array(path, loaded.files, name))


def choose_array(path: Path, names: list[str], name: str | None) -> str:
    if name is not None:
        if name not in names:
            raise FathomError(f"--array: {path} has no array {name!r}{did_you_mean(name, names)}")
        return name
    images = names if len(names) == 1 else [n for n in names if n.lower() in KNOWN_ARRAYS]
    if len(images) != 1:
        raise FathomError(
            f"{path} has the arrays {', '.join(map(repr, names)) or '(none)'}: name that of the "
            "images with --array"
        )
    return images[0]
