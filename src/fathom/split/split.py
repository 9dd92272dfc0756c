"""Row numbers of the training, validation and test set, in `data/split/<dataset>/`."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts import raw_images
from fathom.artifacts.columns import as_texts, require_column
from fathom.artifacts.keys import hash_keys
from fathom.artifacts.raw_table import read_raw_rows
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import atomic_write, write_array, write_json
from fathom.base.tables import BLOCK, read_blocks
from fathom.settings.config import DatasetConfig
from fathom.settings.data_settings import SplitSettings

TRAIN, VALID, TEST = range(3)  # indices into paths.SUBSETS
NO_TARGET = 255

Rows = NDArray[np.int64]
Labels = NDArray[np.str_]


def split(config: DatasetConfig) -> dict[str, Rows]:
    """Split a data set and write the row numbers of each set to `data/split/<dataset>/`."""
    name = config.dataset.name
    subsets = subset_rows(Schema.read(name), config.split)
    with atomic_write(paths.split(name)) as folder:
        folder.mkdir()
        for subset, rows in subsets.items():
            write_array(folder / f"{subset}.npy", rows)
        write_json(folder / "split.json", {subset: len(rows) for subset, rows in subsets.items()})
    return subsets


def subset_rows(schema: Schema, settings: SplitSettings) -> dict[str, Rows]:
    """Return the row numbers of each set, ascending if split by hash or of a large table."""
    by_hash = settings.hash
    if by_hash == "auto":
        by_hash = settings.key is not None or (schema.is_large and settings.shuffle)
    if by_hash:
        return split_by_hash(schema, settings)
    subsets = split_rows(schema, *read_labels(schema), settings)
    if schema.is_large:
        return {subset: np.sort(rows) for subset, rows in subsets.items()}
    return subsets


def read_labels(schema: Schema) -> tuple[Rows, Labels | None]:
    """Return the numbers of the rows with a target, and the class of every row (or None)."""
    if schema.kind == "images":
        return np.arange(schema.rows), raw_images.read_labels(schema.name).astype(str)
    target = read_raw_rows(schema.name, None, [schema.target])[schema.target]
    rows = np.flatnonzero(target.notna())
    return rows, None if schema.task == "regression" else as_texts(target).to_numpy(str)


def split_rows(
    schema: Schema, rows: Rows, labels: Labels | None, settings: SplitSettings
) -> dict[str, Rows]:
    """Split rows at random or in order.

    At random, the rows are those of two successive calls of scikit-learn's `train_test_split`
    with the same seed: the first takes the test set, the second takes the validation set from the
    rest. `rows` are ascending; `labels`, of shape (raw rows,), are None for regression.
    """
    if settings.stratify is True and labels is None:
        raise FathomError("split.stratify: only classes can be stratified; set it to auto or false")
    by = labels if settings.stratify and settings.shuffle else None
    if settings.test == "own":
        is_test = rows >= first_test_row(schema)
        rest, test = rows[~is_test], rows[is_test]
        if not len(test):
            raise no_test_target(schema)
    else:
        rest, test = split_off(rows, subset_size("test", settings.test, len(rows)), settings, by)
    count = subset_size("valid", settings.valid, len(rows))
    if settings.valid_first:
        train, valid = split_off(rest[::-1], count, settings, by)
        train, valid = train[::-1], valid[::-1]
    else:
        train, valid = split_off(rest, count, settings, by)
    return {"train": train, "valid": valid, "test": test}


def first_test_row(schema: Schema) -> int:
    """Return where the data's own test set begins."""
    if schema.test_rows == 0:
        raise FathomError(
            f"split.test: {schema.name} has no test set of its own; "
            "set a fraction or a number of rows"
        )
    return schema.rows - schema.test_rows


def no_test_target(schema: Schema) -> FathomError:
    return FathomError(
        f"split.test: no row of the own test set of {schema.name} has a {schema.target!r}, so "
        "nothing can be evaluated on it; set a fraction or a number of rows, and predict its rows "
        "with `fathom predict`"
    )


def subset_size(subset: str, size: float | int, rows: int) -> int:
    """Return the number of rows of a set; fractions are rounded up."""
    count = math.ceil(size * rows) if isinstance(size, float) else size
    if count >= rows:
        raise FathomError(f"split.{subset}: {size} leaves none of {rows} rows for training")
    return count


def split_off(
    rows: Rows, count: int, settings: SplitSettings, by: Labels | None
) -> tuple[Rows, Rows]:
    """Return the other rows, and `count` rows at random or from the end."""
    if count >= len(rows):
        raise FathomError(
            f"split: test and valid leave no rows for training: valid needs {count} of the "
            f"remaining {len(rows)} rows"
        )
    if not settings.shuffle:
        return rows[:-count], rows[-count:]
    from sklearn.model_selection import train_test_split  # slow to import, not needed for hashes

    classes = by[rows] if by is not None else None
    try:
        rest, subset = train_test_split(
            rows, test_size=count, random_state=settings.seed, stratify=classes
        )
    except ValueError as error:
        if classes is None:
            raise
        names, counts = np.unique(classes, return_counts=True)
        fewest = int(counts.argmin())
        raise FathomError(
            f"split.stratify: {len(names)} classes do not fit into sets of {count} and "
            f"{len(rows) - count} rows (class {str(names[fewest])!r} has {counts[fewest]}); "
            "set it to false, or make the sets larger"
        ) from error
    return rest, subset


def split_by_hash(schema: Schema, settings: SplitSettings) -> dict[str, Rows]:
    """Split rows by a hash of their keys: a row stays in its set when others are added.

    As in Géron, Hands-On Machine Learning, chapter 2, "Create a Test Set".
    """
    labelled = schema.rows - schema.unlabelled
    test, end = 0.0, schema.rows
    if settings.test == "own":
        end = first_test_row(schema)
    else:
        test = subset_share("test", settings.test, labelled)
    valid = subset_share("valid", settings.valid, labelled) * (schema.rows / end)
    codes = np.full(schema.rows, NO_TARGET, np.uint8)
    for rows, keys in read_keys(schema, settings.key):
        mixed = hash_numbers(keys ^ hash_numbers(np.array([settings.seed], np.uint64)))
        positions = (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53  # from 0 to below 1
        is_test = (positions < test) | (rows >= end)
        codes[rows] = np.where(is_test, TEST, np.where(positions < valid + test, VALID, TRAIN))
    subsets = {name: np.flatnonzero(codes == code) for code, name in enumerate(paths.SUBSETS)}
    for subset, rows in subsets.items():
        if not len(rows):
            if subset == "test" and settings.test == "own":
                raise no_test_target(schema)
            raise FathomError(
                f"split.hash: no row of {schema.name} is in the set {subset}; make the set larger, "
                "or set split.hash to false"
            )
    return subsets


def subset_share(subset: str, size: float | int, rows: int) -> float:
    return size if isinstance(size, float) else subset_size(subset, size, rows) / rows


def read_keys(schema: Schema, key: list[str] | None) -> Iterator[tuple[Rows, NDArray[np.uint64]]]:
    """Yield the numbers of rows with a target, and hashes of their keys, block by block."""
    if schema.kind == "images":
        if key is not None:
            raise FathomError("split.key: is for the columns of a table, not for images")
        for first in range(0, schema.rows, BLOCK):
            rows = np.arange(first, min(first + BLOCK, schema.rows))
            yield rows, hash_numbers(rows)
        return
    for name in key or []:
        require_column(name, "key", [column.name for column in schema.columns], [], section="split")
    file, made_by = paths.raw(schema.name) / "data.parquet", f"download@{schema.name}"
    columns = list(dict.fromkeys([schema.target, *(key or [])]))
    for block in read_blocks(file, made_by, columns):
        block = block[block[schema.target].notna()]
        rows = block.index.to_numpy(np.int64)
        for name in key or []:
            if block[name].isna().any():
                raise FathomError(
                    f"split.key: column {name!r} has no value in row {block[name].isna().idxmax()}"
                    "; a key needs a value in every row"
                )
        if key is None:
            yield rows, hash_numbers(rows)
        else:
            yield rows, hash_keys(block[key])


def read_groups(schema: Schema, key: list[str]) -> NDArray[np.uint64]:
    """Return the hash of the key of each row, 0 for rows without a target."""
    groups = np.zeros(schema.rows, np.uint64)
    for rows, hashes in read_keys(schema, key):
        groups[rows] = hashes
    return groups


def hash_numbers(numbers: NDArray[np.integer[Any]]) -> NDArray[np.uint64]:
    return np.asarray(pd.util.hash_array(numbers.astype(np.uint64)))
