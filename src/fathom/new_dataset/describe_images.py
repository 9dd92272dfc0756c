"""Reads images, prints their classes and returns their settings."""

from pathlib import Path

import numpy as np
import pandas as pd

from fathom.artifacts.signature import MOST_BITS
from fathom.base.errors import FathomError
from fathom.download.arrays import read_image_arrays
from fathom.download.image_labels import LabelTable, list_labelled_images, walk
from fathom.download.images import Listing, list_folder_images
from fathom.new_dataset.dataset_file import Arguments, image_settings
from fathom.new_dataset.image_facts import ImageFacts
from fathom.new_dataset.infer_labels import infer_labels
from fathom.new_dataset.infer_target import MIN_ROWS, why_unsplittable
from fathom.new_dataset.printing import print_table, printable
from fathom.settings.yaml_text import to_yaml


def describe_images(file: Path, name: str, data: Path, label: str | None) -> str:
    """Print the classes of images, and return their settings.

    `data` is where the file will lie. `label` is a column of a table in the folder.
    """
    facts, (files, labels, classes, test_rows), table = read(file, label)
    first_test = len(labels) - test_rows
    counts = [labels, labels[first_test:]][: 2 if test_rows else 1]
    totals = [np.bincount(numbers, minlength=len(classes)) for numbers in counts]
    rows = [[label, *(f"{total[n]:,}" for total in totals)] for n, label in enumerate(classes)]
    print_table(["class", ">images", ">for testing"][: 1 + len(totals)], rows, "classes")
    function = "image_arrays"
    source: Arguments = {"file": (data.as_posix(), "")}
    if file.is_dir():
        function, source = "image_folder", {"folder": (data.as_posix(), "")}
        if table is not None:
            others = sum(1 for _ in walk(file)) - len(files)
            why = f"{others:,} other images are left out" if others else ""
            source |= {"labels": (table.model_dump(), why)}
        source |= arguments(facts)
    for key, (value, why) in source.items():
        if why:
            print(f"  {key}: {to_yaml(value)}, {why}")
    notes = list(facts.list_notes())
    for note in notes:
        print(f"  {note}")
    height, width = source.get("size", (facts.sizes[0], ""))[0]
    size = f"{height} x {width} pixels in {'colour' if facts.colored else 'grey'}"
    summary = f"{name}: {len(labels):,} images of {size} in {len(classes)} classes, "
    summary += f"from {printable(file.name)}."
    names = np.asarray(classes)[labels[:first_test]]
    unsplittable = why_unsplittable(pd.Series(names), "image")
    return image_settings(summary, notes, function, source, test_rows > 0, unsplittable)


def read(file: Path, label: str | None) -> tuple[ImageFacts, Listing, LabelTable | None]:
    """Read every image once. Return the table of their classes, too, if they are not in folders."""
    facts = ImageFacts()
    if file.is_dir():
        listing, table = list_images(file, label)
        require_images(file, len(listing.files))
        for path in listing.files:
            facts.add_file(path)
        return facts, listing, table
    if label is not None:
        raise without_table(file)
    images = read_image_arrays(file)
    require_images(file, len(images.labels))
    for image in images.images:
        facts.add(image, *image.shape[:2])
    return facts, Listing([], images.labels, images.classes, images.test_rows), None


def list_images(folder: Path, label: str | None) -> tuple[Listing, LabelTable | None]:
    """List the images of the table that has the label, or else those of sub-folders, or else those
    of the table that is found.
    """
    problem = without_table(folder)
    if label is None:
        try:
            return list_folder_images(folder), None
        except FathomError as error:
            problem = error
    table = infer_labels(folder, label)
    if table is None:
        raise problem
    return list_labelled_images(folder, table), table


def without_table(file: Path) -> FathomError:
    return FathomError(
        f"--target is for tables, and for folders with one that names images: {file} has none"
    )


def require_images(file: Path, count: int) -> None:
    if count < MIN_ROWS:
        raise FathomError(f"{file} has {count} images; at least {MIN_ROWS} are needed")


def arguments(facts: ImageFacts) -> Arguments:
    """Return the arguments that `image_folder` needs for images of these facts."""
    heights, widths = np.array(facts.sizes).T
    found: Arguments = {}
    if len(set(facts.sizes)) > 1:
        size = [round(float(np.median(sides))) for sides in (heights, widths)]
        why = (
            f"the median; heights are {heights.min()} to {heights.max()} pixels, widths "
            f"{widths.min()} to {widths.max()}"
        )
        found["size"] = (size, why)
    if 0 < facts.colored < len(facts.sizes):
        grey = len(facts.sizes) - facts.colored
        found["channels"] = (3, f"{grey:,} of {len(facts.sizes):,} images are grey")
    if facts.bits is not None and facts.bits < MOST_BITS:
        highest = f"no value of the 16-bit images is above {2**facts.bits - 1}"
        found["bits"] = (facts.bits, highest)
    return found
