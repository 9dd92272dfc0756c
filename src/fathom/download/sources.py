"""Where raw data comes from.

A source is a function, named by `dataset.source._target_`, that returns a `RawTable` or
`RawImages`. Its arguments are the other keys of `dataset.source`, and, if it has one of that
name, the `mirror` of params.yaml.
"""

import hashlib
import importlib
import importlib.metadata
import importlib.util
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from pydantic import NonNegativeInt, validate_call

from fathom.artifacts.schema import LARGE
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.arrays import read_idx_images, read_image_arrays
from fathom.download.fetch import fetch
from fathom.download.images import Images, read_image_folder
from fathom.download.parquet_files import ParquetTable, is_parquet, joined, parquet_table
from fathom.download.remote_file import RemoteFile
from fathom.download.table_files import read_table_file


@dataclass(frozen=True)
class RawTable:
    """A table, one row an example, features and target together.

    `test_rows` is the number of last rows that the data itself sets apart for testing.
    """

    table: pd.DataFrame
    origin: str
    sha256: str
    test_rows: int = 0


@dataclass(frozen=True)
class RawImages:
    """Images of shape (rows, height, width) or (rows, height, width, channels).

    `labels` has shape (rows,) and numbers the `classes`. `test_rows` as in `RawTable`.
    """

    images: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: list[str]
    origin: str
    sha256: str
    test_rows: int = 0


@dataclass(frozen=True)
class RawFiles:
    """A table as `RawTable`, too large to be in memory. `missing` texts stand for no value."""

    table: ParquetTable
    missing: list[str]
    origin: str
    sha256: str
    test_rows: int = 0

    def blocks(self, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
        return self.table.blocks(columns, self.missing)


Raw = RawTable | RawFiles | RawImages


@validate_call
def package_csv(
    package: str, file: str, sha256: str | None = None, first_test_rows: NonNegativeInt = 0
) -> RawTable:
    """Read a CSV file that an installed Python package carries, without importing the package.

    Args:
        package: name of the package.
        file: the file's path inside the package.
        sha256: the file's expected SHA-256, in hexadecimal.
        first_test_rows: how many rows at the beginning are the data's own test set; they are moved
            to the end.

    Raises:
        FathomError: the package or the file is not there, or the checksum differs.
    """
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:
        raise FathomError(
            f"the package {package!r} is not installed: "
            f"`pip install {package}`, or run `make repro`"
        )
    path = Path(spec.origin).parent / file
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise FathomError(f"{package!r} is a module, but no installed package") from error
    if not path.is_file():
        raise FathomError(f"{package} {version} carries no file {file!r}")
    content = path.read_bytes()
    origin = f"{file} of the Python package {package} {version}"
    found = checked(hashlib.sha256(content).hexdigest(), sha256, origin)
    table = pd.read_csv(path)
    if first_test_rows:
        test, rest = table[:first_test_rows], table[first_test_rows:]
        table = pd.concat([rest, test], ignore_index=True)
    return RawTable(table, origin, found, first_test_rows)


def scikit_learn(
    loader: str, arguments: dict[str, Any] | None = None, sha256: str | None = None
) -> Raw:
    """Take a data set that scikit-learn carries, by one of its loaders.

    Args:
        loader: a function of `sklearn.datasets`, such as `load_digits`.
        arguments: the loader's arguments.
        sha256: expected SHA-256 of the values' bytes (features, then target), in hexadecimal.

    Raises:
        FathomError: there is no such loader, it refuses the arguments, or the checksum differs.
    """
    datasets = importlib.import_module("sklearn.datasets")
    load = getattr(datasets, loader, None)
    if load is None:
        loaders = [name for name in dir(datasets) if name.startswith("load_")]
        raise FathomError(f"scikit-learn has no loader {loader!r}{did_you_mean(loader, loaders)}")
    try:
        bunch = load(**(arguments or {}))
    except (TypeError, ValueError) as error:
        raise FathomError(f"sklearn.datasets.{loader}: {error}") from error
    digest = hashlib.sha256(np.ascontiguousarray(bunch.data).tobytes())
    digest.update(np.ascontiguousarray(bunch.target).tobytes())
    origin = f"{loader} of scikit-learn {importlib.metadata.version('scikit-learn')}"
    found = checked(digest.hexdigest(), sha256, origin)
    if "images" in bunch:
        return RawImages(
            bunch.images.astype(np.uint8),
            bunch.target.astype(np.int64),
            [str(name) for name in bunch.target_names],
            origin,
            found,
        )
    table = pd.DataFrame(bunch.data, columns=list(bunch.feature_names))
    target = bunch.target
    if "target_names" in bunch and target.dtype.kind in "iu":
        target = np.asarray(bunch.target_names, dtype=str)[target]
    return RawTable(table.assign(target=target), origin, found)


@validate_call
def table_file(
    file: str | RemoteFile,
    test_file: str | RemoteFile | None = None,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    missing: list[str] | None = None,
    mirror: str | None = None,
) -> RawTable | RawFiles:
    """Read a CSV, TSV, Parquet or Feather file, or all Parquet files of a folder.

    Args:
        file: its path in data/own/, or `urls`, `sha256` and `size` of one to be downloaded.
        test_file: a second file with the same columns, the data's own test set.
        delimiter: of a CSV file; without it a comma, or a tab in a .tsv file.
        decimal: the decimal mark of a CSV file.
        encoding: of a CSV file.
        missing: what stands for a missing value, beside what pandas takes for one.
        mirror: where downloads are looked for first.

    Raises:
        FathomError: a file is not to be had or not as it should be.
    """
    found = [locate(given, mirror) for given in (file, test_file) if given is not None]
    if all(path.is_dir() or is_parquet(path) for path, _ in found):
        large = [parquet_table(path) for path, _ in found]
        if sum(table.size for table in large) > LARGE or any(path.is_dir() for path, _ in found):
            return raw_files(large, missing or [], found)
    tables = [
        read_table_file(path, delimiter, decimal, encoding, missing or ()) for path, _ in found
    ]
    if list(tables[0]) != list(tables[-1]):
        raise FathomError(f"{found[1][1]} has other columns than {found[0][1]}")
    return RawTable(
        pd.concat(tables, ignore_index=True),
        " and ".join(origin for _, origin in found),
        sha256_of([path for path, _ in found]),
        0 if test_file is None else len(tables[1]),
    )


def raw_files(
    tables: list[ParquetTable], missing: list[str], found: list[tuple[Path, str]]
) -> RawFiles:
    """Put together Parquet files of training and maybe of test rows."""
    both = joined(tables)
    return RawFiles(
        both,
        [text.strip() for text in missing],
        " and ".join(origin for _, origin in found),
        sha256_of(both.files),
        0 if len(tables) == 1 else tables[1].rows,
    )


@validate_call
def image_folder(
    folder: str, size: list[int] | None = None, channels: Literal[1, 3] | None = None
) -> RawImages:
    """Read PNG and JPEG files from a folder of data/own/ with a sub-folder for each class.

    Args:
        folder: its path. `train`, `valid` and `test` in it may hold the classes' folders.
        size: [height, width] that all images get; without it they must be of one size.
        channels: 1 for grey, 3 for colours; without it what the files have.

    Raises:
        FathomError: the folder is not as it should be.
    """
    path, origin = locate(folder, None)
    found = read_image_folder(path, size, channels)
    return raw_images(found, origin, sha256_of([path / name for name in found.files]))


@validate_call
def image_arrays(
    file: str | RemoteFile,
    images: str | None = None,
    labels: str | None = None,
    mirror: str | None = None,
) -> RawImages:
    """Read images and labels from the arrays of an .npz file.

    Args:
        file: its path in data/own/, or `urls`, `sha256` and `size` of one to be downloaded.
        images: name of the array of images, if it is none of those known.
        labels: name of the array of labels, likewise.
        mirror: where downloads are looked for first.

    Raises:
        FathomError: the file is not to be had or not as it should be.
    """
    path, origin = locate(file, mirror)
    return raw_images(read_image_arrays(path, images, labels), origin, sha256_of([path]))


@validate_call
def idx(
    train_images: str | RemoteFile,
    train_labels: str | RemoteFile,
    test_images: str | RemoteFile,
    test_labels: str | RemoteFile,
    classes: list[str],
    mirror: str | None = None,
) -> RawImages:
    """Read images and labels from four files in the IDX format of MNIST.

    Args:
        train_images: a path in data/own/, or `urls`, `sha256` and `size` of a file to be
            downloaded; so are the other three.
        train_labels: the classes of these images, as numbers.
        test_images: the data's own test set.
        test_labels: the classes of these.
        classes: the names of the classes, in the order of their numbers.
        mirror: where downloads are looked for first.

    Raises:
        FathomError: a file is not to be had or not as it should be.
    """
    files = [locate(f, mirror)[0] for f in (train_images, train_labels, test_images, test_labels)]
    found = read_idx_images(*files)
    highest = max(map(int, found.classes))
    if highest >= len(classes):
        raise FathomError(f"classes: {len(classes)} names, but there are labels up to {highest}")
    named = replace(found, classes=[classes[int(number)] for number in found.classes])
    return raw_images(named, ", ".join(file.name for file in files), sha256_of(files))


def locate(file: str | RemoteFile, mirror: str | None) -> tuple[Path, str]:
    """Return the path of a file of one's own or a downloaded one, and where it comes from."""
    if isinstance(file, RemoteFile):
        return fetch(file, mirror), file.urls[0]
    path = Path(file)
    if not path.resolve().is_relative_to(paths.OWN.resolve()):
        raise FathomError(
            f"{file} is not in {paths.OWN}/, where changes are noticed: "
            f"put it there with `fathom new-dataset {file}`"
        )
    return path, file


def raw_images(found: Images, origin: str, sha256: str) -> RawImages:
    return RawImages(found.images, found.labels, found.classes, origin, sha256, found.test_rows)


def sha256_of(files: list[Path]) -> str:
    """Return the SHA-256 of one file, or of the sums of several."""
    sums = []
    for path in files:
        with path.open("rb") as content:
            sums.append(hashlib.file_digest(content, "sha256").hexdigest())
    return sums[0] if len(sums) == 1 else hashlib.sha256("".join(sums).encode()).hexdigest()


def checked(found: str, expected: str | None, origin: str) -> str:
    """Return the checksum found, if it is the expected one or none is expected."""
    if expected is not None and found != expected:
        raise FathomError(
            f"{origin} has SHA-256 {found}, not the expected {expected}: "
            "it is another version; check it, then correct dataset.source.sha256"
        )
    return found
