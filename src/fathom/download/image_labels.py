"""Classes of images from a table beside them, with a row for each image."""

from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from fathom.base.errors import FathomError
from fathom.download.csv_dialect import guess_csv
from fathom.download.csv_files import read_texts, trim_texts
from fathom.download.images import SUFFIXES, Listing, encode_labels, list_folder
from fathom.download.own_files import DELIMITERS
from fathom.settings.fields import Section


class LabelTable(Section):
    """A CSV file in a folder of images: `image` is the column of their names, `label` the class.

    A name may lack folders and the suffix, if only one image has it.
    """

    file: str
    image: str
    label: str


def list_labelled_images(folder: Path, labels: LabelTable) -> Listing:
    """Return the images that a table names, in the order of its rows, without those of no class.

    Raises:
        FathomError: a row names no image, several, or one of another row; or there are fewer than
            two classes.
    """
    path = folder / labels.file
    if path.suffix.lower() not in DELIMITERS:
        raise FathomError(f"dataset.source.labels.file must be a CSV file, not {labels.file}")
    table = read_label_table(path)
    for name in (labels.image, labels.label):
        if name not in table:
            known = ", ".join(map(str, table))
            raise FathomError(f"{path} has no column {name!r}; there are: {known}")
    table = table.dropna(subset=[labels.label])
    images, rows = find_images(folder), dict[Path, Any]()
    for row, name in table[labels.image].items():
        found = find_image(images, str(name))
        if len(found) != 1:
            why = f"{found[0]} and {found[1]} have this name" if found else "there is no such image"
            raise FathomError(f"{path} names {name!r} in row {row}, but {why}: correct the row")
        if found[0] in rows:
            raise FathomError(
                f"{path} names {found[0]} in row {rows[found[0]]} and in row {row}: remove one"
            )
        rows[found[0]] = row
    if table.empty:
        raise FathomError(f"{path} has no label in the column {labels.label!r}")
    numbers, classes = encode_labels(path, table[labels.label].tolist(), [])
    return Listing(list(rows), numbers, classes, 0)


def read_label_table(path: Path) -> pd.DataFrame:
    """Read a CSV file as texts; empty fields are None."""
    delimiter, decimal, encoding = guess_csv(path)
    table = read_texts(path, delimiter, decimal, encoding)
    return pd.DataFrame({n: trim_texts(table[n], [""]).to_pandas() for n in table.column_names})


def find_images(folder: Path) -> dict[str, list[Path]]:
    """Return the images of a folder and its sub-folders by each name that they may have."""
    images: dict[str, list[Path]] = {}
    for file in walk(folder):
        place = PurePosixPath(file.relative_to(folder))
        for start in range(len(place.parts)):
            images.setdefault(image_key("/".join(place.parts[start:])), []).append(file)
    return images


def find_image(images: dict[str, list[Path]], name: str) -> list[Path]:
    """Return the images of a name, which may begin with folders above that of the images."""
    parts = image_key(name).split("/")
    names = ("/".join(parts[start:]) for start in range(len(parts)))
    return next((images[name] for name in names if name in images), [])


def walk(folder: Path) -> Iterator[Path]:
    folders, files = list_folder(folder)
    yield from (file for file in files if file.suffix.lower() in SUFFIXES)
    for sub in folders:
        yield from walk(sub)


def image_key(name: str) -> str:
    """Return a name without its suffix, with slashes."""
    key = name.strip().replace("\\", "/").removeprefix("./")
    suffix = PurePosixPath(key).suffix
    return key.removesuffix(suffix) if suffix.lower() in SUFFIXES else key
