"""Reads images block by block, from a folder or a file."""

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import psutil  # type: ignore[import-untyped]
import pyarrow as pa
from numpy.lib import format as npy_format
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.signature import IMAGE, ImageInput
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.arrays import ARRAYS, as_uint8, check_image_shape, read_npz_array
from fathom.download.image_files import FORMATS, READ_ERRORS, decode_image
from fathom.download.images import NAMES, SUFFIXES, natural_sort_key
from fathom.download.own_files import check_file, check_name, damage, error_text
from fathom.predict.model_inputs import Inputs

BLOCK = 1024  # images
BOMB = (1 << 31, 1 << 31)  # the size of an image that Pillow does not open
KNOWN_ARRAYS = {name for pairs in ARRAYS for name, _ in pairs}

Block = tuple[pa.Table, Inputs]  # rows as they are in the file, and as the model takes them


def read_images(path: Path, image: ImageInput, array: str | None) -> Iterator[Block]:
    """Read an image file, a folder of them, or the array in an .npz or .npy file.

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
            raise FathomError(f"{path} has no image files ({NAMES})")
        return read_file_blocks(files, path, image)
    check_file(path, SUFFIXES)
    if path.suffix.lower() not in SUFFIXES:
        raise FathomError(f"{path}: images must be files ({NAMES}; .npz or .npy), or a folder")
    return read_file_blocks([path], path.parent, image)


def read_file_blocks(files: list[Path], folder: Path, image: ImageInput) -> Iterator[Block]:
    for file in files:
        check_name(file)
    for start in range(0, len(files), BLOCK):
        block = files[start : start + BLOCK]
        images = np.stack([read_image(file, str(file), image) for file in block])
        names = [file.relative_to(folder).as_posix() for file in block]
        yield pa.table({"file": names}), {IMAGE: images}


def read_image(
    file: Path | IO[bytes], name: str, image: ImageInput, formats: tuple[str, ...] = FORMATS
) -> NDArray[np.uint8]:
    """Return the picture in a file in the shape of the model's input.

    Raises:
        FathomError: it is damaged, or has another size, and the model was not trained on resized
            images. Of such a file only the header is read.
    """
    height, width = image.shape[:2]
    size = read_size(file, formats)
    # It may be turned by its EXIF data.
    if not (image.resized or size is None or (width, height) in (size, size[::-1])):
        raise size_error(name, size, image)
    picture = decode_image(file, name, image.bits, formats)
    if picture.size != (width, height):
        if not image.resized:
            raise size_error(name, picture.size, image)
        picture = picture.resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(picture.convert("L" if len(image.shape) == 2 else "RGB"))


def read_size(file: Path | IO[bytes], formats: tuple[str, ...] = FORMATS) -> tuple[int, int] | None:
    """Return the width and height in the header of a file, None if it has none."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow warns of many pixels
        try:
            with Image.open(file, formats=formats) as image:
                return image.size
        except Image.DecompressionBombError:
            return BOMB
        except READ_ERRORS:
            return None  # `decode_image` has the better message
        finally:
            if not isinstance(file, Path):
                file.seek(0)


def size_error(name: str, size: tuple[int, int], image: ImageInput) -> FathomError:
    width, height = size
    found = f"is {height} x {width} pixels (height x width)"
    if size == BOMB:
        found = f"has more than {2 * (Image.MAX_IMAGE_PIXELS or 0)} pixels"
    return FathomError(
        f"{name} {found}, but the model takes {image.shape[0]} x {image.shape[1]}: resize it"
    )


def read_array_blocks(path: Path, image: ImageInput, name: str | None) -> Iterator[Block]:
    """Read an array of images. Of an .npy file, one block at a time is in memory."""
    images = check_shape(path, load_array(path, name, image), image)
    images = as_uint8(path, images)
    for start in range(0, len(images), BLOCK):
        block = np.asarray(images[start : start + BLOCK])
        yield pa.table({"row": np.arange(start, start + len(block))}), {IMAGE: block}


def check_shape(path: Path, array: NDArray[Any], image: ImageInput) -> NDArray[Any]:
    """Return images of the model's shape, without a last dimension of 1."""
    images, shape = check_image_shape(str(path), array), tuple(image.shape)
    if images.shape[1:] != shape:
        raise FathomError(
            f"{path} has images of shape {images.shape[1:]}, but the model takes {shape}"
        )
    return images


def load_array(path: Path, name: str | None, image: ImageInput) -> NDArray[Any]:
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
        name = choose_array(path, loaded.files, name)
        array = read_header(path, loaded, name)
        check_shape(path, array, image)
        free = psutil.virtual_memory().available
        if array.nbytes > free:
            raise FathomError(
                f"{path}: {name} takes {array.nbytes >> 20:,} MiB of memory, but {free >> 20:,} "
                "MiB are free: save it with numpy.save as an .npy file, which is read in parts"
            )
        return read_npz_array(path, loaded, name)


def read_header(path: Path, archive: Any, name: str) -> NDArray[Any]:
    """Return an array of the shape and type of one in an .npz file, but without its values."""
    try:
        with archive.zip.open(f"{name}.npy") as member:
            version = npy_format.read_magic(member)
            old = version == (1, 0)
            read = npy_format.read_array_header_1_0 if old else npy_format.read_array_header_2_0
            shape, _, dtype = read(member)
        return np.broadcast_to(np.empty((), dtype), shape)
    except READ_ERRORS as error:
        text = f"{path}: {name} is damaged: {error_text(error)}"
        raise damage(path, error, text) from error


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
