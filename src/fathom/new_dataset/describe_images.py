"""Reads images, prints their classes and returns their settings."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.signature import MOST_BITS
from fathom.base.errors import FathomError
from fathom.download.arrays import read_image_arrays
from fathom.download.images import (
    RawImages,
    find_bits,
    list_images,
    open_image,
    read_image_folder,
    subset_folders,
)
from fathom.new_dataset.dataset_file import Arguments, image_settings
from fathom.new_dataset.infer_target import MIN_ROWS, why_unsplittable
from fathom.new_dataset.printing import print_table, printable

FEW_LEVELS = 16


def describe_images(file: Path, name: str, data: Path) -> str:
    """Print the classes of images, and return their settings. `data` is where the file will lie."""
    if file.is_dir():
        images, source = read_folder(file)
        function, source = "image_folder", {"folder": (data.as_posix(), "")} | source
    else:
        images = read_image_arrays(file)
        function, source = "image_arrays", {"file": (data.as_posix(), "")}
    if len(images.images) < MIN_ROWS:
        raise FathomError(f"{file} has {len(images.images)} images; at least {MIN_ROWS} are needed")
    first_test = len(images.labels) - images.test_rows
    counts = [images.labels, images.labels[first_test:]][: 2 if images.test_rows else 1]
    totals = [np.bincount(labels, minlength=len(images.classes)) for labels in counts]
    rows = [
        [label, *(f"{total[n]:,}" for total in totals)] for n, label in enumerate(images.classes)
    ]
    print_table(["class", ">images", ">for testing"][: 1 + len(totals)], rows, "classes")
    for key, (value, why) in source.items():
        if why:
            print(f"  {key}: {value}, {why}")
    for note in describe_pixels(images.images):
        print(f"  {note}")
    shape = images.images.shape[1:]
    size = f"{shape[0]} x {shape[1]} pixels in {'colour' if len(shape) == 3 else 'grey'}"
    summary = f"{name}: {len(images.images):,} images of {size} in {len(images.classes)} classes, "
    summary += f"from {printable(file.name)}."
    names = np.asarray(images.classes)[images.labels[:first_test]]
    unsplittable = why_unsplittable(pd.Series(names), "image")
    return image_settings(summary, function, source, images.test_rows > 0, unsplittable)


def describe_pixels(images: NDArray[np.uint8]) -> Iterator[str]:
    """Yield what is odd about the values of pixels."""
    pixels = images.reshape(len(images), -1)
    constant = int((pixels == pixels[:, :1]).all(axis=1).sum())
    if constant:
        yield f"{constant:,} of {len(images):,} images have the same value in all pixels"
    levels = len(np.unique(pixels))
    if 1 < levels < FEW_LEVELS:
        yield f"all images together have only {levels} different values of pixels"


def read_folder(folder: Path) -> tuple[RawImages, Arguments]:
    """Read images of any size, and return them with the arguments of `image_folder` they need."""
    files = [file for _, subset in subset_folders(folder) for _, file in list_images(subset)]
    opened = [(image.size, image.mode) for image in map(open_image, files)]
    widths, heights = np.array([size for size, _ in opened]).T
    modes = Counter(mode for _, mode in opened)
    arguments: Arguments = {}
    size = None
    if len({size for size, _ in opened}) > 1:
        size = [round(float(np.median(sides))) for sides in (heights, widths)]
        why = (
            f"the median; heights are {heights.min()} to {heights.max()} pixels, widths "
            f"{widths.min()} to {widths.max()}"
        )
        arguments["size"] = (size, why)
    if len(modes) > 1:
        arguments["channels"] = (3, f"{modes['L']:,} of {len(opened):,} images are grey")
    bits = find_bits(files)
    if bits is not None and bits < MOST_BITS:
        arguments["bits"] = (bits, f"no value of the 16-bit images is above {2**bits - 1}")
    channels: Literal[3] | None = 3 if len(modes) > 1 else None
    return read_image_folder(folder, size, channels, bits or MOST_BITS), arguments
