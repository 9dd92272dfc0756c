"""Raw tables, in memory or larger than that, as what is learned of their columns asks for them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol, TypeVar

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.blocks import evenly_spaced, rows_in_block
from fathom.base.files import read_blocks, read_table, read_types

T = TypeVar("T")
SubsetRows = dict[str, NDArray[np.int64]]  # raw row numbers by part

# Training rows that are learned from, drawn evenly where there are more: so many numbers of one
# column take 128 MiB, and some copies of that.
LEARNED_ROWS = 2**24
LEARNED_TEXTS = 2**22
AT_ONCE = 2  # columns in memory


class Table(Protocol):
    """The columns of a raw table.

    `types` are pandas' types by column, `rows` the numbers of the raw rows by part.
    """

    @property
    def types(self) -> Mapping[str, Any]: ...

    @property
    def rows(self) -> SubsetRows: ...

    def column(self, name: str) -> pd.Series[Any]:
        """Return the values of a column that are at hand, by the numbers of their rows: those of
        the training rows, and maybe others.
        """

    def training(self, values: pd.Series[Any]) -> pd.Series[Any]:
        """Return of values at hand those of the training rows."""

    def blocks(self, columns: list[str] | None = None) -> Iterator[tuple[pd.DataFrame, SubsetRows]]:
        """Return all rows of all parts, ascending, block by block, and the numbers of each part's
        rows in the part's own order; all columns, or some.
        """


@dataclass(frozen=True)
class TableInMemory:
    """A table whose index numbers its rows from 0."""

    table: pd.DataFrame
    rows: SubsetRows

    @property
    def types(self) -> Mapping[str, Any]:
        return {str(name): kind for name, kind in self.table.dtypes.items()}

    def column(self, name: str) -> pd.Series[Any]:
        return self.table[name]

    def training(self, values: pd.Series[Any]) -> pd.Series[Any]:
        return values.iloc[self.rows["train"]]

    def blocks(self, columns: list[str] | None = None) -> Iterator[tuple[pd.DataFrame, SubsetRows]]:
        every = np.sort(np.concatenate(list(self.rows.values())))
        table = self.table if columns is None else self.table[columns]
        yield table.loc[every], self.rows


@dataclass(frozen=True)
class TableOnDisk:
    """A table of which one column or one block of rows is in memory at a time.

    Args:
        file: as the stage `download` writes it.
        made_by: the name of the stage that made it.
        rows: ascending.
    """

    file: Path
    made_by: str
    rows: SubsetRows

    @cached_property
    def types(self) -> Mapping[str, Any]:
        return read_types(self.file, self.made_by)

    def column(self, name: str) -> pd.Series[Any]:
        """Return the values of the training rows, or of as many as are learned from."""
        is_text = pd.api.types.is_string_dtype(self.types[name])
        wanted = self.learned_texts if is_text else self.learned_rows
        pieces: list[pd.Series[Any]] = [
            block[name].iloc[rows_in_block(wanted, numbers(block))]
            for block in read_blocks(self.file, self.made_by, columns=[name])
        ]
        return pd.concat(pieces, ignore_index=True).set_axis(wanted)

    @cached_property
    def learned_rows(self) -> NDArray[np.int64]:
        return self.some(LEARNED_ROWS)

    @cached_property
    def learned_texts(self) -> NDArray[np.int64]:
        return self.some(LEARNED_TEXTS)

    def some(self, most: int) -> NDArray[np.int64]:
        """Return the numbers of at most so many training rows."""
        train = self.rows["train"]
        return train if len(train) <= most else train[evenly_spaced(len(train), most)]

    def training(self, values: pd.Series[Any]) -> pd.Series[Any]:
        return values

    def blocks(self, columns: list[str] | None = None) -> Iterator[tuple[pd.DataFrame, SubsetRows]]:
        for block in read_blocks(self.file, self.made_by, columns):
            at = numbers(block)
            places = {part: rows_in_block(of_part, at) for part, of_part in self.rows.items()}
            if sum(map(len, places.values())) < len(block):
                block = block.iloc[np.sort(np.concatenate(list(places.values())))]
            yield block, {part: found + at.start for part, found in places.items()}


def map_columns(learn: Callable[[str], T], columns: Iterable[str]) -> list[T]:
    """Return what is learned of each column, of two at a time: most of it is reading and sorting,
    which leaves other threads at work.
    """
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(learn, columns))


def numbers(block: pd.DataFrame) -> range:
    """Return the numbers of the rows of a block, which follow one another."""
    return range(block.index[0], block.index[0] + len(block))


def read_raw_rows(
    dataset: str, rows: NDArray[np.int64], columns: list[str] | None = None
) -> pd.DataFrame:
    """Return raw rows of a table by their numbers, with these as index."""
    file, made_by = paths.raw(dataset) / "data.parquet", f"download@{dataset}"
    return read_table(file, made_by, columns, rows).set_axis(rows)


def open_raw_table(schema: Schema, rows: SubsetRows) -> Table:
    """Open the raw table of a data set; how depends on its size alone, not on the machine.

    Args:
        rows: the numbers of the raw rows by part.
    """
    file, made_by = paths.raw(schema.name) / "data.parquet", f"download@{schema.name}"
    if schema.is_large:
        return TableOnDisk(file, made_by, rows)
    return TableInMemory(read_table(file, made_by), rows)
