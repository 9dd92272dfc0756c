"""Where raw data comes from.

A source is a function, named by `dataset.source._target_`, that returns a `RawTable` or
`RawImages`. Its arguments are the other keys of `dataset.source`.
"""

import hashlib
import importlib
import importlib.metadata
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.errors import FathomError, did_you_mean


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


Raw = RawTable | RawImages


def package_csv(package: str, file: str, sha256: str | None = None) -> RawTable:
    """Read a CSV file that an installed Python package carries, without importing the package.

    Args:
        package: name of the package.
        file: the file's path inside the package.
        sha256: the file's expected SHA-256, in hexadecimal.

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
    return RawTable(pd.read_csv(path), origin, found)


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


def checked(found: str, expected: str | None, origin: str) -> str:
    """Return the checksum found, if it is the expected one or none is expected."""
    if expected is not None and found != expected:
        raise FathomError(
            f"{origin} has SHA-256 {found}, not the expected {expected}: "
            "it is another version; check it, then correct dataset.source.sha256"
        )
    return found
