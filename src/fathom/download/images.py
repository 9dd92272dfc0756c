"""Images from a folder of a user's own: read strictly, or refused with one line."""

from __future__ import annotations

import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from fathom.base.errors import FathomError
from fathom.download.own_files import error_text

SUFFIXES = (".png", ".jpg", ".jpeg")
IGNORED = ("thumbs.db", "desktop.ini", "__macosx")  # and hidden ones
PARTS = {  # sub-folders that are no classes, and their order
    "train": 0,
    "training": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "test": 2,
    "testing": 2,
}
# What libraries raise about files that are not whole, or use what they lack: zipfile raises
# NotImplementedError for an unknown kind of compression.
READ_ERRORS = (
    EOFError, IndexError, KeyError, NotImplementedError, OSError, OverflowError, RuntimeError,
    SyntaxError, TypeError, ValueError, struct.error, zipfile.BadZipFile, zlib.error,
)  # fmt: skip


@dataclass(frozen=True)
class Images:
    """Images of shape (rows, height, width), or (rows, height, width, 3) if they have colours.

    `labels`, of shape (rows,), number the `classes`. `files` are the images' files, from the
    folder that was read, if each has one. `test_rows` is the number of last rows that are the
    data's own test set.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: list[str]
    files: list[str]
    test_rows: int = 0


def read_image_folder(
    folder: Path, size: Sequence[int] | None = None, channels: Literal[1, 3] | None = None
) -> Images:
    """Read a folder that has one sub-folder of .png, .jpg or .jpeg files for each class.

    Or it has such folders of classes in `train`, maybe `valid`, and maybe `test`: the rows of
    `valid` follow those of `train`. Names are sorted with their numbers as numbers (2 before 10).
    Hidden files are ignored, and what lies beside the sub-folders, save for images.

    Images are turned as their camera says. What is transparent becomes white, of 16 bits the
    upper 8 remain, and CMYK becomes RGB.

    Args:
        folder: path of the folder.
        size: (height, width) that all images are resized to, by Pillow's Lanczos filter, without
            keeping their proportions. Without it they must be of one size.
        channels: 1 turns colours into grey (ITU-R 601), 3 repeats grey. Without it the images
            are grey if none of their pixels has a colour.

    Raises:
        FathomError: something in the folder is not as it should be.
    """
    if size is not None and (len(size) != 2 or any(type(n) is not int or n < 1 for n in size)):
        raise FathomError(f"dataset.source.size must be [height, width], not {list(size)}")
    if channels not in (None, 1, 3):
        raise FathomError(f"dataset.source.channels must be 1, 3 or null, not {channels!r}")
    parts = subset_folders(folder)
    fitting = [image for for_test, part in parts if not for_test for image in list_images(part)]
    testing = [image for for_test, part in parts if for_test for image in list_images(part)]
    labels, classes = numbered(folder, [name for name, _ in fitting], [name for name, _ in testing])
    files = [file for _, file in fitting + testing]
    images = read_images(files, size, channels)
    names = [file.relative_to(folder).as_posix() for file in files]
    return Images(images, labels, classes, names, len(testing))


def subset_folders(folder: Path) -> list[tuple[bool, Path]]:
    """Return the folders that hold folders of classes, and whether each is for testing."""
    folders = folders_in(folder)
    named = [sub for sub in folders if sub.name.lower() in PARTS]
    parts = [sub for sub in named if listed(sub)[0]]
    if not parts and len(named) < len(folders):
        return [(False, folder)]
    for sub in folders:
        if sub not in named:
            raise FathomError(
                f"{sub} lies beside {parts[0].name}, but is not train, valid or test: move it away"
            )
        folders_in(sub)
    parts.sort(key=lambda sub: PARTS[sub.name.lower()])
    if PARTS[parts[0].name.lower()] != 0:
        raise FathomError(f"{folder} has {parts[0].name}, but no train beside it")
    return [(PARTS[sub.name.lower()] == 2, sub) for sub in parts]


def list_images(folder: Path) -> list[tuple[str, Path]]:
    """Return the class and path of each image in a folder of classes."""
    pairs = []
    for sub in folders_in(folder):
        folders, files = listed(sub)
        strange = [*folders, *(file for file in files if file.suffix.lower() not in SUFFIXES)]
        if strange:
            raise FathomError(
                f"{strange[0]} is neither a .png nor a .jpg file: convert it or move it away"
            )
        if not files:
            raise FathomError(f"{sub} has no images: add some, or remove the folder")
        pairs += [(sub.name, file) for file in files]
    return pairs


def folders_in(folder: Path) -> list[Path]:
    """Return the sub-folders of a folder that has some, and no images beside them."""
    folders, files = listed(folder)
    images = [file for file in files if file.suffix.lower() in SUFFIXES]
    if not folders:
        raise FathomError(f"{folder} has no sub-folders: put its images in one for each class")
    if images:
        raise FathomError(
            f"{images[0]} is in no class: it lies beside the sub-folders, not in one of them"
        )
    return folders


def listed(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the sub-folders and the files of a folder, in natural order."""
    try:
        paths = sorted(folder.iterdir(), key=lambda path: natural_sort_key(path.name))
    except OSError as error:
        raise FathomError(f"{folder} cannot be read: {error.strerror}") from error
    paths = [path for path in paths if path.name[0] != "." and path.name.lower() not in IGNORED]
    folders = [path for path in paths if path.is_dir()]
    return folders, [path for path in paths if not path.is_dir()]


def natural_sort_key(name: Any) -> tuple[Any, ...]:
    """Return a key that sorts numbers as numbers, also within texts."""
    if not isinstance(name, str):
        return (0, name)
    parts = re.split("([0-9]+)", name)
    return (1, [int(part) if n % 2 else part.lower() for n, part in enumerate(parts)], name)


def numbered(
    where: Path, fitting: list[Any], testing: list[Any]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return numbers for the classes of rows, those for testing last, and the classes' names.

    Raises:
        FathomError: there are fewer than two, or rows for testing have another one.
    """
    classes = sorted(set(fitting), key=natural_sort_key)
    strange = sorted(set(testing) - set(fitting), key=natural_sort_key)
    if strange:
        raise FathomError(
            f"{where}: the test images have the class {str(strange[0])!r}, which no others have"
        )
    if len(classes) < 2:
        raise FathomError(
            f"{where} has the one class {str(classes[0])!r}; classification needs two or more"
        )
    numbers = {name: number for number, name in enumerate(classes)}
    labels = np.array([numbers[name] for name in fitting + testing], dtype=np.int64)
    return labels, [str(name) for name in classes]


def read_images(
    files: list[Path], size: Sequence[int] | None, channels: int | None
) -> NDArray[np.uint8]:
    """Read image files into one array."""
    height, width = size or open_image(files[0]).size[::-1]
    try:
        images = np.empty((len(files), height, width, channels or 3), dtype=np.uint8)
    except (MemoryError, ValueError) as error:
        raise FathomError(
            f"{len(files)} images of {height} x {width} pixels exceed the memory: make "
            "dataset.source.size smaller"
        ) from error
    coloured = channels == 3
    for row, file in enumerate(files):
        image = open_image(file)
        if size and image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        if image.size != (width, height):
            raise FathomError(
                f"{files[0]} is {height} x {width} pixels (height x width), but {file} "
                f"{image.height} x {image.width}: set dataset.source.size: [height, width]"
            )
        pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
        images[row] = pixels.reshape(images.shape[1:])
        coloured = coloured or bool((images[row] != images[row][..., :1]).any())
    return images if coloured else np.ascontiguousarray(images[..., 0])


def open_image(path: Path) -> Image.Image:
    """Read an image file: see `decode_image`."""
    return decode_image(path, str(path))


def decode_image(file: Path | IO[bytes], name: str) -> Image.Image:
    """Read an image file, upright and opaque, as 8 bits of grey (L) or colour (RGB).

    Args:
        file: its path, or its content.
        name: what errors call it.

    Raises:
        FathomError: it is no PNG or JPEG image, not whole, or suspiciously large.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        try:
            with Image.open(file, formats=("PNG", "JPEG")) as opened:
                opened.load()
                image = ImageOps.exif_transpose(opened)
            if image.mode.startswith("I"):
                levels = np.asarray(image)
                clear = levels == image.info.get("transparency", -1)
                return Image.fromarray(np.where(clear, 255, levels >> 8).astype(np.uint8))
            if image.has_transparency_data:
                image = image.convert("RGBA")
                white = Image.new("RGBA", image.size, "white")
                return Image.alpha_composite(white, image).convert("RGB")
            return image.convert("L" if image.mode in ("1", "L") else "RGB")
        except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
            raise FathomError(f"{name}: {error_text(error)}") from error
        except UnidentifiedImageError as error:
            raise FathomError(f"{name} is no PNG or JPEG image: convert or remove it") from error
        except READ_ERRORS as error:
            raise FathomError(
                f"{name} is damaged ({error_text(error)}): mend or remove it"
            ) from error
