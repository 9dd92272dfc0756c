"""Parts by a hash of each row's key: a row stays in its part, whatever other rows there are.

As Géron's book has it, Hands-On Machine Learning, chapter 2, "Create a Test Set".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import require_column
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import BLOCK, read_blocks
from fathom.settings.data_settings import SplitSettings as Settings

NONE = 255  # of rows without a target
TRAIN, VALID, TEST = range(3)  # places in paths.SUBSETS

Codes = NDArray[np.uint8]


def hashed_parts(schema: Schema, settings: Settings, test: float | None, valid: float) -> Codes:
    """Return the place in `paths.SUBSETS` of each raw row's part, or `NONE`.

    Args:
        schema: of the raw data.
        settings: the section `split`.
        test: the share of the test part; None for the data's own.
        valid: the share of the validation part; both of all rows with a target.

    Raises:
        FathomError: a key is no column, or missing in a row.
    """
    codes = np.full(schema.rows, NONE, np.uint8)
    own = schema.rows - (schema.test_rows if test is None else 0)
    if test is None:  # the share of rows that are not of the own test part
        valid *= schema.rows / own
    for rows, keys in keyed_rows(schema, settings.key):
        place = positions(keys, settings.seed)
        found = np.where(place < valid + (test or 0), VALID, TRAIN)
        codes[rows] = np.where((place < (test or 0)) | (rows >= own), TEST, found)
    return codes


def keyed_rows(
    schema: Schema, key: list[str] | None
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.uint64]]]:
    """Return the numbers of rows that have a target, and hashes of their keys, block by block."""
    if schema.kind == "images":
        if key is not None:
            raise FathomError("split.key: is for the columns of a table, not for images")
        for first in range(0, schema.rows, BLOCK):
            rows = np.arange(first, min(first + BLOCK, schema.rows))
            yield rows, hashed(rows)
        return
    for name in key or []:
        require_column(name, "key", [column.name for column in schema.columns], [], section="split")
    file, made_by = paths.raw(schema.name) / "data.parquet", f"download@{schema.name}"
    columns = list(dict.fromkeys([schema.target, *(key or [])]))
    for block in read_blocks(file, made_by, columns):
        block = block[block[schema.target].notna()]
        rows = block.index.to_numpy(np.int64)
        if key is None:
            yield rows, hashed(rows)
            continue
        refuse_missing(block[key])
        yield rows, pd.util.hash_pandas_object(block[key], index=False).to_numpy().astype(np.uint64)


def refuse_missing(keys: pd.DataFrame) -> None:
    for name, column in keys.items():
        missing = column.isna()
        if missing.any():
            raise FathomError(
                f"split.key: column {name!r} has no value in row {missing.idxmax()}; a key must "
                "have one in each row"
            )


def positions(keys: NDArray[np.uint64], seed: int) -> NDArray[np.float64]:
    """Return a number from 0 to below 1 for each key, another for another seed."""
    mixed = hashed(keys ^ hashed(np.array([seed], np.uint64)))
    return (mixed >> np.uint64(11)).astype(np.float64) * 2.0**-53


def hashed(numbers: NDArray[np.integer[Any]]) -> NDArray[np.uint64]:
    return np.asarray(pd.util.hash_array(numbers.astype(np.uint64)))
