"""Tables in Parquet files of any size and number, of which a few rows are in memory at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import compute, parquet

from fathom.base.errors import FathomError
from fathom.base.files import BLOCK
from fathom.download.csv_files import check_names
from fathom.download.own_files import KINDS, check_file, error_text, file_suffix
from fathom.download.table_files import convert_column, is_index

BUFFER = 1 << 20  # bytes of a column that are read ahead
INT64 = 2**63
PARQUET = [suffix for suffix, kind in KINDS.items() if kind == "a Parquet file"]


@dataclass(frozen=True)
class ParquetTable:
    """Files with the same columns, one after the other.

    `schema` is what all of them can be read as, without an index of pandas that has no name.
    `size` is rows times columns.
    """

    files: list[Path]
    schema: pa.Schema
    rows: int

    @property
    def size(self) -> int:
        return self.rows * len(self.schema.names)

    @cached_property
    def gaps(self) -> frozenset[str]:
        """Columns of whole numbers or booleans that lack some, or have numbers beyond int64."""
        return frozenset(name for file in self.files for name in columns_with_gaps(file))

    def blocks(
        self, columns: Sequence[str] | None = None, missing: Sequence[str] = ()
    ) -> Iterator[pd.DataFrame]:
        """Return the rows as `read_table_file` does, block by block, with an index that goes on.

        Args:
            columns: names of those wanted; None for all.
            missing: texts that stand for no value.

        Raises:
            FathomError: as `read_table_file`.
        """
        names = list(self.schema.names if columns is None else columns)
        texts, first = list(missing), 0
        wanted = pa.schema([self.schema.field(name) for name in names])
        for file in self.files:
            for table in read_blocks(file, names):
                found = table.select(names).cast(wanted)
                block = pd.DataFrame(
                    {n: convert_column(file, n, found[n], texts, n in self.gaps) for n in names}
                )
                block.index = pd.RangeIndex(first, first + len(found))
                first += len(found)
                yield block

    def head(self, rows: int, missing: Sequence[str] = ()) -> pd.DataFrame:
        """Return the first rows, as `blocks` does."""
        blocks, found = [], 0
        for block in self.blocks(missing=missing):
            blocks.append(block.iloc[: rows - found])
            found += len(block)
            if found >= rows:
                break
        return pd.concat(blocks)


def parquet_table(path: Path) -> ParquetTable:
    """Open a Parquet file, or those that lie in a folder, in the order of their names.

    Raises:
        FathomError: there are none, one is damaged, or they do not have the same columns.
    """
    return joined([one_file(file) for file in parquet_files(path)])


def joined(tables: list[ParquetTable]) -> ParquetTable:
    """Put tables one after the other.

    Raises:
        FathomError: they do not have the same columns, or a column has types that do not go
            together.
    """
    first = tables[0]
    for table in tables:
        other = sorted(set(table.schema.names) ^ set(first.schema.names))
        if other:
            raise FathomError(
                f"{table.files[0]} does not have the columns of {first.files[0]}: one of them "
                f"alone has {other[0]!r}"
            )
    try:
        schema = pa.unify_schemas([t.schema for t in tables], promote_options="permissive")
    except pa.ArrowException as error:
        raise FathomError(
            f"{first.files[0]} and the files with it: a column has types that do not go together: "
            f"{error_text(error)}"
        ) from error
    files = [file for table in tables for file in table.files]
    rows = sum(table.rows for table in tables)
    return ParquetTable(files, schema, rows)


def one_file(file: Path) -> ParquetTable:
    with opened(file) as found:
        kept = [field.remove_metadata() for field in found.schema_arrow if not is_index(field.name)]
        rows = found.metadata.num_rows
    check_names(file, [field.name for field in kept])
    if not kept or not rows:
        raise FathomError(f"{file} has no {'rows' if kept else 'columns'}")
    return ParquetTable([file], pa.schema(kept), rows)


def parquet_files(path: Path) -> list[Path]:
    """Return a Parquet file, or those in a folder."""
    if not path.is_dir():
        check_file(path, PARQUET)
        return [path]
    files = sorted(file for file in path.rglob("*") if is_parquet(file))
    if not files:
        raise FathomError(f"{path} holds no files in {' or '.join(PARQUET)}")
    return files


def is_parquet(path: Path) -> bool:
    return file_suffix(path) in PARQUET


@contextmanager
def opened(file: Path) -> Iterator[parquet.ParquetFile]:
    """Open a Parquet file so that no more of it is read than is asked for.

    Raises:
        FathomError: it is not whole.
    """
    try:
        with parquet.ParquetFile(file, buffer_size=BUFFER, pre_buffer=False) as found:
            yield found
    except (pa.ArrowException, OSError, ValueError) as error:
        raise FathomError(
            f"{file} is damaged, or not a Parquet file: {error_text(error)}"
        ) from error


def read_blocks(file: Path, columns: list[str]) -> Iterator[pa.Table]:
    with opened(file) as found:
        for batch in found.iter_batches(BLOCK, columns=columns):
            yield pa.Table.from_batches([batch])


def columns_with_gaps(file: Path) -> Iterator[str]:
    """Return the columns of a file that are `gaps`, by reading those of their types.

    Others have a missing value of their own.
    """
    types = pa.types
    with opened(file) as found:
        schema = found.schema_arrow
    for field in schema:
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        if is_index(field.name) or not (types.is_integer(kind) or types.is_boolean(kind)):
            continue
        blocks = (block[field.name] for block in read_blocks(file, [field.name]))
        if any(
            block.null_count or (types.is_uint64(kind) and compute.max(block).as_py() >= INT64)
            for block in blocks
        ):
            yield field.name
