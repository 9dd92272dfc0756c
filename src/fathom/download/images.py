"""Images from a user's folder, with a sub-folder for each class."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fathom.artifacts.signature import MOST_BITS
from fathom.base.errors import FathomError
from fathom.download.image_files import decode_image
from fathom.download.own_files import check_name

SUFFIXES = (
    ".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".ppm", ".pgm", ".pbm",
)  # fmt: skip
NAMES = ".png, .jpg, .bmp, .gif, .webp, .tif or .ppm"  # for messages
IGNORED = ("thumbs.db", "desktop.ini", "__macosx")  # besides hidden files
# Names of folders of a training, validation or test set, and the order of their rows.
SUBSETS = {
    "train": 0, "training": 0, "val": 1, "valid": 1, "validation": 1, "test": 2, "testing": 2,
}  # fmt: skip


@dataclass(frozen=True)
class RawImages:
    """Images of shape (rows, height, width), or (rows, height, width, 3) in color.

    `labels`, of shape (rows,), are indices into `classes`. A source adds the `origin`, a sentence,
    and the checksum. The last `test_rows` rows are the data's own test set. `files` are the paths
    of the images in their folder, if they come from one.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: list[str]
    origin: str = ""
    sha256: str = ""
    test_rows: int = 0
    files: list[str] = field(default_factory=list)


class Listing(NamedTuple):
    """Image files, their class numbers of shape (files,) and the classes; test files are last."""

    files: list[Path]
    labels: NDArray[np.int64]
    classes: list[str]
    test_rows: int


def read_image_folder(
    folder: Path,
    size: Sequence[int] | None = None,
    channels: Literal[1, 3] | None = None,
    bits: int = MOST_BITS,
    listing: Listing | None = None,
) -> RawImages:
    """Read a folder that has one sub-folder of image files for each class.

    The folders of classes may be in `train`, `valid` and `test`; the rows of `valid` follow those
    of `train`. Names are sorted with numbers by value (2 before 10). Hidden files are ignored, and
    files beside the sub-folders unless they are images.

    Images are rotated as their EXIF data says. Transparent pixels become white, the highest 8 of
    more bits are kept, and CMYK becomes RGB.

    Args:
        folder: path of the folder.
        size: (height, width) to which all images are resized with Pillow's Lanczos filter,
            regardless of their proportions. By default all images must have the same size.
        channels: 1 converts colors to gray (ITU-R 601), 3 repeats gray. By default the images
            are gray if no pixel has a color.
        bits: of the values in 16-bit gray images, from 8 to 16. Scanners often fill 12 of 16.
        listing: the images and their classes, if these are not the names of sub-folders.
    """
    if not 8 <= bits <= MOST_BITS:
        raise FathomError(f"dataset.source.bits must be from 8 to {MOST_BITS}, not {bits}")
    if size is not None and (len(size) != 2 or any(type(n) is not int or n < 1 for n in size)):
        raise FathomError(f"dataset.source.size must be [height, width], not {list(size)}")
    if channels not in (None, 1, 3):
        raise FathomError(f"dataset.source.channels must be 1, 3 or null, not {channels!r}")
    listing = listing or list_folder_images(folder)
    images = read_images(listing.files, size, channels, bits)
    names = [file.relative_to(folder).as_posix() for file in listing.files]
    return RawImages(
        images, listing.labels, listing.classes, test_rows=listing.test_rows, files=names
    )


def list_folder_images(folder: Path) -> Listing:
    """Return the image files of a folder and their classes, those of a test set last."""
    subsets = subset_folders(folder)
    train = [image for is_test, subset in subsets if not is_test for image in list_images(subset)]
    test = [image for is_test, subset in subsets if is_test for image in list_images(subset)]
    labels, classes = encode_labels(folder, [name for name, _ in train], [name for name, _ in test])
    return Listing([file for _, file in train + test], labels, classes, len(test))


def subset_folders(folder: Path) -> list[tuple[bool, Path]]:
    """Return the folders that have a folder for each class, and whether each is a test set."""
    folders = class_folders(folder)
    named = [sub for sub in folders if sub.name.lower() in SUBSETS]
    subsets = [sub for sub in named if list_folder(sub)[0]]
    if not subsets and len(named) < len(folders):
        return [(False, folder)]
    for sub in folders:
        if sub not in named:
            raise FathomError(
                f"{sub} is beside {subsets[0].name}, but is not train, valid or test: move it away"
            )
        class_folders(sub)
    subsets.sort(key=lambda sub: SUBSETS[sub.name.lower()])
    if SUBSETS[subsets[0].name.lower()] != 0:
        raise FathomError(f"{folder} has {subsets[0].name}, but no train")
    return [(SUBSETS[sub.name.lower()] == 2, sub) for sub in subsets]


def list_images(folder: Path) -> list[tuple[str, Path]]:
    """Return the class and path of each image in the folders of classes."""
    pairs = []
    for sub in class_folders(folder):
        folders, files = list_folder(sub)
        if folders:
            raise FathomError(
                f"{folders[0]} lies in the folder of the class {sub.name!r}: move its images into "
                f"{sub}, or name {sub} if it has the folders of the classes"
            )
        others = [file for file in files if file.suffix.lower() not in SUFFIXES]
        if others:
            raise FathomError(
                f"{others[0]} is not an image file ({NAMES}): convert it or move it away"
            )
        if not files:
            raise FathomError(f"{sub} has no images: add some, or remove the folder")
        pairs += [(sub.name, file) for file in files]
    return pairs


def class_folders(folder: Path) -> list[Path]:
    """Return the sub-folders of a folder, which must not be empty or have images beside them."""
    folders, files = list_folder(folder)
    if not folders:
        raise FathomError(f"{folder} has no sub-folders: put its images in one for each class")
    for file in files:
        if file.suffix.lower() in SUFFIXES:
            raise FathomError(f"{file} has no class: move it to one of the sub-folders")
    return folders


def list_folder(folder: Path) -> tuple[list[Path], list[Path]]:
    """Return the sub-folders and the files of a folder, in natural order."""
    try:
        paths = sorted(folder.iterdir(), key=lambda path: natural_sort_key(path.name))
    except OSError as error:
        raise FathomError(f"{folder} cannot be read: {error.strerror}") from error
    paths = [path for path in paths if path.name[0] != "." and path.name.lower() not in IGNORED]
    for path in paths:
        check_name(path)
    folders = [path for path in paths if path.is_dir()]
    return folders, [path for path in paths if not path.is_dir()]


def natural_sort_key(name: Any) -> tuple[Any, ...]:
    """Return a key that sorts numbers by value, also within texts."""
    if not isinstance(name, str):
        return (0, name)
    pieces = re.split("([0-9]+)", name)
    return (1, [int(text) if n % 2 else text.lower() for n, text in enumerate(pieces)], name)


def encode_labels(
    where: Path, train: list[Any], test: list[Any]
) -> tuple[NDArray[np.int64], list[str]]:
    """Return the class index of each row, test rows last, and the names of the classes."""
    classes = sorted(set(train), key=natural_sort_key)
    unknown = sorted(set(test) - set(train), key=natural_sort_key)
    if unknown:
        raise FathomError(f"{where}: only test images have the class {str(unknown[0])!r}")
    if len(classes) < 2:
        raise FathomError(
            f"{where} has only the class {str(classes[0])!r}; classification needs two or more"
        )
    indices = {name: index for index, name in enumerate(classes)}
    labels = np.array([indices[name] for name in train + test], dtype=np.int64)
    return labels, [str(name) for name in classes]


def read_images(
    files: list[Path], size: Sequence[int] | None, channels: int | None, bits: int
) -> NDArray[np.uint8]:
    height, width = size or decode_image(files[0], str(files[0]), bits).size[::-1]
    try:
        images = np.empty((len(files), height, width, channels or 3), dtype=np.uint8)
    except (MemoryError, ValueError) as error:
        raise FathomError(
            f"{len(files)} images of {height} x {width} pixels do not fit into memory: make "
            "dataset.source.size smaller"
        ) from error
    has_color = channels == 3
    for row, file in enumerate(files):
        image = decode_image(file, str(file), bits)
        if size and image.size != (width, height):
            image = image.resize((width, height), Image.Resampling.LANCZOS)
        if image.size != (width, height):
            raise FathomError(
                f"{files[0]} is {height} x {width} pixels (height x width), but {file} "
                f"{image.height} x {image.width}: set dataset.source.size: [height, width]"
            )
        pixels = np.asarray(image.convert("L" if channels == 1 else "RGB"))
        images[row] = pixels.reshape(images.shape[1:])
        has_color = has_color or bool((images[row] != images[row][..., :1]).any())
    return images if has_color else np.ascontiguousarray(images[..., 0])
