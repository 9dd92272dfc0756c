"""Images of one's own, looked over and described."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import pandas as pd

from fathom.base.errors import FathomError
from fathom.download.arrays import read_image_arrays
from fathom.download.images import (
    Images,
    list_images,
    open_image,
    read_image_folder,
    subset_folders,
)
from fathom.download.parquet_files import is_parquet
from fathom.new_dataset.dataset_file import Source, image_settings
from fathom.new_dataset.exclusions import printable
from fathom.new_dataset.infer_target import FEWEST, split_problem
from fathom.new_dataset.printing import print_classes


def is_images(file: Path) -> bool:
    """Tell images from tables, which may be Parquet files in a folder, too."""
    if file.is_dir():
        return not any(map(is_parquet, file.rglob("*")))
    return file.suffix.lower() == ".npz"


def describe_images(file: Path, name: str, data: Path) -> str:
    """Print which classes of images there are, and return settings for them.

    Args:
        file: a folder or an .npz file.
        name: of the data set.
        data: where the file will lie.

    Raises:
        FathomError: nothing can be learned from it as it is.
    """
    if file.is_dir():
        found, arguments = read_folder(file)
        source = Source("image_folder", {"folder": (data.as_posix(), "")} | arguments)
    else:
        found = read_image_arrays(file)
        source = Source("image_arrays", {"file": (data.as_posix(), "")})
    if len(found.images) < FEWEST:
        raise FathomError(f"{file} has {len(found.images)} images; at least {FEWEST} are needed")
    own = np.arange(len(found.labels)) >= len(found.labels) - found.test_rows
    counts, tests = (
        np.bincount(rows, minlength=len(found.classes))
        for rows in (found.labels, found.labels[own])
    )
    print_classes(list(zip(found.classes, counts.tolist(), tests.tolist(), strict=True)))
    for key, (value, why) in source.arguments.items():
        if why:
            print(f"  {key}: {value}, {why}")
    shape = found.images.shape[1:]
    size = f"{shape[0]} x {shape[1]} pixels in {'colour' if len(shape) == 3 else 'grey'}"
    about = f"{name}: {len(found.images):,} images of {size} in {len(found.classes)} classes, "
    about += f"from {printable(file.name)}."
    fitting = pd.Series(found.labels[~own].astype(str))
    return image_settings(about, source, found.test_rows > 0, split_problem(fitting))


def read_folder(folder: Path) -> tuple[Images, dict[str, tuple[list[int] | int, str]]]:
    """Read images of any size, and return them with the arguments of `image_folder` they take."""
    files = [file for _, part in subset_folders(folder) for _, file in list_images(part)]
    seen = [(image.size, image.mode) for image in map(open_image, files)]
    widths, heights = np.array([size for size, _ in seen]).T
    modes = Counter(mode for _, mode in seen)
    arguments: dict[str, tuple[list[int] | int, str]] = {}
    size = None
    if len({size for size, _ in seen}) > 1:
        size = [round(float(np.median(sides))) for sides in (heights, widths)]
        why = (
            f"the median; they are {heights.min()} to {heights.max()} pixels high and "
            f"{widths.min()} to {widths.max()} wide"
        )
        arguments["size"] = (size, why)
    if len(modes) > 1:
        arguments["channels"] = (3, f"{modes['L']:,} of {len(seen):,} images are grey")
    return read_image_folder(folder, size, 3 if len(modes) > 1 else None), arguments
