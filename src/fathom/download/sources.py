"""Where raw data comes from.

A source is a function, named by `dataset.source._target_`, that returns a `RawTable` or
`RawImages`. Its arguments are the other keys of `dataset.source`, and, if it has such arguments,
`mirror` of params.yaml and `declared_columns`, those whose kind `dataset.columns` declares. A file
is a path in data/own/, or `urls`, `sha256` and `size` of a file to download. A `FathomError` says
that a file is missing or invalid, or has another checksum than expected.
"""

import hashlib
import importlib
import importlib.metadata
import importlib.util
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from pydantic import NonNegativeInt, validate_call

from fathom.artifacts.schema import LARGE
from fathom.artifacts.signature import MOST_BITS
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.arrays import read_idx_images, read_image_arrays
from fathom.download.checksums import check_sha256, hash_files
from fathom.download.image_labels import LabelTable, list_labelled_images
from fathom.download.images import RawImages, read_image_folder
from fathom.download.own_files import DELIMITERS, check_pulled, check_suffix, path_in_own
from fathom.download.parquet_files import concatenate, is_parquet, parquet_table
from fathom.download.remote_file import File, RemoteFile
from fathom.download.source_table import RawTable as RawTable  # for sources of users, too
from fathom.download.table_files import Part, read_table_files
from fathom.settings.column_settings import MISSING

Raw = RawTable | RawImages


@validate_call
def package_csv(
    package: str, file: str, sha256: str | None = None, first_test_rows: NonNegativeInt = 0
) -> RawTable:
    """Read a CSV file of an installed Python package, without importing the package.

    Its first `first_test_rows` rows are the data's own test set; they are moved to the end.
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
        raise FathomError(f"{package!r} is a module, but not an installed package") from error
    if not path.is_file():
        raise FathomError(f"{package} {version} has no file {file!r}")
    origin = f"{file} of the Python package {package} {version}"
    digest = check_sha256(hash_files([path]), sha256, origin)
    table = pd.read_csv(path)
    if first_test_rows:
        test, rest = table[:first_test_rows], table[first_test_rows:]
        table = pd.concat([rest, test], ignore_index=True)
    return RawTable(table, origin, digest, first_test_rows)


def scikit_learn(
    loader: str, arguments: dict[str, Any] | None = None, sha256: str | None = None
) -> Raw:
    """Load a data set with a function of `sklearn.datasets`, such as `load_digits`.

    `sha256` is that of the values' bytes: features, then target.
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
    checksum = check_sha256(digest.hexdigest(), sha256, origin)
    target = bunch.target
    if "images" in bunch:
        images, labels = bunch.images.astype(np.uint8), target.astype(np.int64)
        return RawImages(images, labels, [str(n) for n in bunch.target_names], origin, checksum)
    table = pd.DataFrame(bunch.data, columns=list(bunch.feature_names))
    if "target_names" in bunch and target.dtype.kind in "iu":
        target = np.asarray(bunch.target_names, dtype=str)[target]
    return RawTable(table.assign(target=target), origin, checksum)


@validate_call
def table_file(
    file: File,
    test_file: File | None = None,
    delimiter: str | None = None,
    decimal: str = ".",
    encoding: str = "utf-8",
    missing: list[str] | None = None,
    header: bool = True,
    sheet: str | None = None,
    table: str | None = None,
    query: str | None = None,
    mirror: str | None = None,
    declared_columns: frozenset[str] = frozenset(),
) -> RawTable:
    """Read a file that `read_table_file` can read, or all Parquet files of a folder.

    `test_file` has the same columns; it is the data's own test set. `sheet`, `table` and `query`
    name a part of the files. `declared_columns` of CSV files stay texts. The other arguments are
    those of `read_table_file`.
    """
    files = [find_file(each, mirror) for each in (file, test_file) if each is not None]
    origins, read = [origin for _, origin in files], [path for path, _ in files]
    origin = " and ".join(origins)
    markers = [text.strip() for text in missing or []]
    if all(path.is_dir() or is_parquet(path) for path in read):
        large = [parquet_table(path) for path in read]
        if sum(table.size for table in large) > LARGE or any(path.is_dir() for path in read):
            joined = concatenate(large)
            test_rows, sha256 = sum(part.rows for part in large[1:]), hash_files(joined.files)
            return RawTable(joined, origin, sha256, test_rows, missing=markers, files=origins)
    part = Part(sheet, table, query)
    rows, counts = read_table_files(
        read, delimiter, decimal, encoding, markers, header, part, declared_columns
    )
    is_csv = any(check_suffix(path) in DELIMITERS for path in read)
    return RawTable(
        rows,
        origin,
        hash_files(read),
        sum(counts[1:]),
        decimal,
        missing=[*(MISSING if is_csv else []), *markers],
        inferred=[str(name) for name in rows if is_csv and name not in declared_columns],
        files=origins,
    )


@validate_call
def database(
    file: str,
    url_env: str,
    query: str,  # noqa: ARG001 - of `fathom refresh`
    rows: NonNegativeInt,
    sha256: str,
    missing: list[str] | None = None,
) -> RawTable:
    """Read the snapshot of a query's result, a Parquet file in data/own/.

    No stage asks the database itself: `fathom refresh` does, by `url_env`, the name of the
    environment variable with the database's URL, and `query`. `rows` and `sha256` are those of the
    snapshot.
    """
    raw = table_file(file=file, missing=missing)
    if raw.sha256 != sha256:
        raise FathomError(
            f"{file} is not the snapshot with {rows:,} rows that dataset.source describes: "
            f"`fathom refresh {Path(file).stem}` takes a new one"
        )
    return replace(raw, origin=f"a query of the database in {url_env} ({file})")


@validate_call
def image_folder(
    folder: str,
    size: list[int] | None = None,
    channels: Literal[1, 3] | None = None,
    bits: int = MOST_BITS,
    labels: LabelTable | None = None,
) -> RawImages:
    """Read PNG and JPEG files from a folder in data/own/ with a sub-folder for each class.

    `labels` names a CSV file in the folder that has the classes instead: its `file`, the column
    `image` of their names and the column `label`. The other arguments are those of
    `read_image_folder`.
    """
    path, origin = find_file(folder, None)
    listing = list_labelled_images(path, labels) if labels else None
    images = read_image_folder(path, size, channels, bits, listing)
    tables = [path / labels.file] if labels else []
    sha256 = hash_files([*tables, *(path / name for name in images.files)])
    return replace(images, origin=origin, sha256=sha256)


@validate_call
def image_arrays(
    file: File,
    images: str | None = None,
    labels: str | None = None,
    mirror: str | None = None,
) -> RawImages:
    """Read images and labels from the arrays of an .npz file.

    The arguments are those of `read_image_arrays`.
    """
    path, origin = find_file(file, mirror)
    return replace(
        read_image_arrays(path, images, labels), origin=origin, sha256=hash_files([path])
    )


@validate_call
def idx(
    train_images: File,
    train_labels: File,
    test_images: File,
    test_labels: File,
    classes: list[str],
    mirror: str | None = None,
) -> RawImages:
    """Read images and labels from four files in the IDX format of MNIST.

    `classes` are the names of the classes, in the order of their numbers.
    """
    files = [
        find_file(f, mirror)[0] for f in (train_images, train_labels, test_images, test_labels)
    ]
    images = read_idx_images(*files)
    numbers = [int(number) for number in images.classes]
    if max(numbers) >= len(classes):
        raise FathomError(f"classes: {len(classes)} names, but labels up to {max(numbers)}")
    names = [classes[number] for number in numbers]
    origin = ", ".join(file.name for file in files)
    return replace(images, classes=names, origin=origin, sha256=hash_files(files))


def find_file(file: str | RemoteFile, mirror: str | None) -> tuple[Path, str]:
    """Return the path of a file in data/own/ or of a download, and where it comes from."""
    if isinstance(file, RemoteFile):
        from fathom.download.fetch import fetch  # imports requests, which packages do not need

        return fetch(file, mirror), file.urls[0]
    path = path_in_own(Path(file))
    if path is None:
        raise FathomError(
            f"{file} is not in {paths.OWN}/, where DVC notices changes: "
            f"copy it there with `fathom new-dataset {shlex.quote(file)}`"
        )
    check_pulled(path)
    return path, file
