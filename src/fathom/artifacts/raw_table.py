"""Raw tables: `data/raw/<dataset>/data.parquet`, in memory or larger than that."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.blocks import evenly_spaced, rows_in_block
from fathom.base.tables import read_blocks, read_table, read_types

T = TypeVar("T")
SubsetRows = dict[str, NDArray[np.int64]]  # raw row numbers by subset

# Most training rows of a column that encoders and scalers are fitted to, evenly spaced. The values
# take 128 MiB as numbers, and several copies are made.
FITTED_ROWS = 2**24
FITTED_TEXTS = 2**22
AT_ONCE = 2  # columns in memory


@dataclass(frozen=True)
class TableInMemory:
    """A table whose index numbers its rows from 0."""

    table: pd.DataFrame
    rows: SubsetRows

    @property
    def types(self) -> Mapping[str, Any]:
        return {str(name): kind for name, kind in self.table.dtypes.items()}

    def column(self, name: str) -> pd.Series[Any]:
        """Return the values of at least the training rows, indexed by row number."""
        return self.table[name]

    def training(self, values: pd.Series[Any]) -> pd.Series[Any]:
        """Return the training rows among the values that `column` returned."""
        return values.iloc[self.rows["train"]]

    def blocks(self, columns: list[str] | None = None) -> Iterator[tuple[pd.DataFrame, SubsetRows]]:
        """Yield all rows that are in a subset, in ascending order, block by block.

        With each block come the row numbers of each subset, in the subset's own order.
        """
        every = np.sort(np.concatenate(list(self.rows.values())))
        table = self.table if columns is None else self.table[columns]
        yield table.loc[every], self.rows


@dataclass(frozen=True)
class TableOnDisk:
    """A `TableInMemory` of which only a column, or a block of rows, is in memory at a time.

    `rows` are ascending in each subset.
    """

    file: Path
    made_by: str
    rows: SubsetRows

    @cached_property
    def types(self) -> Mapping[str, Any]:
        return read_types(self.file, self.made_by)

    def column(self, name: str) -> pd.Series[Any]:
        """Return the values of the training rows, or of a sample of them."""
        is_text = pd.api.types.is_string_dtype(self.types[name])
        train = self.rows["train"]
        rows = train[evenly_spaced(len(train), FITTED_TEXTS if is_text else FITTED_ROWS)]
        blocks: list[pd.Series[Any]] = [
            block[name].iloc[rows_in_block(rows, block_range(block))]
            for block in read_blocks(self.file, self.made_by, columns=[name])
        ]
        return pd.concat(blocks, ignore_index=True).set_axis(rows)

    def training(self, values: pd.Series[Any]) -> pd.Series[Any]:
        return values

    def blocks(self, columns: list[str] | None = None) -> Iterator[tuple[pd.DataFrame, SubsetRows]]:
        for block in read_blocks(self.file, self.made_by, columns):
            numbers = block_range(block)
            places = {name: rows_in_block(rows, numbers) for name, rows in self.rows.items()}
            if sum(map(len, places.values())) < len(block):
                block = block.iloc[np.sort(np.concatenate(list(places.values())))]
            yield block, {name: place + numbers.start for name, place in places.items()}


Table = TableInMemory | TableOnDisk


def map_columns(function: Callable[[str], T], columns: Iterable[str]) -> list[T]:
    """Call a function for each column: reading and sorting, which take long, run in parallel."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(function, columns))


def block_range(block: pd.DataFrame) -> range:
    """Return the row numbers of a block of consecutive rows."""
    return range(block.index[0], block.index[0] + len(block))


def read_raw_rows(
    dataset: str, rows: NDArray[np.int64] | None, columns: list[str] | None = None
) -> pd.DataFrame:
    """Return raw rows of a table, or all of them, indexed by row number."""
    file, made_by = paths.raw(dataset) / "data.parquet", f"download@{dataset}"
    table = read_table(file, made_by, columns, rows)
    return table if rows is None else table.set_axis(rows)


def open_raw_table(schema: Schema, rows: SubsetRows) -> Table:
    """Open the raw table of a data set. Its size alone decides whether it is read into memory."""
    file, made_by = paths.raw(schema.name) / "data.parquet", f"download@{schema.name}"
    if schema.is_large:
        return TableOnDisk(file, made_by, rows)
    return TableInMemory(read_table(file, made_by), rows)
