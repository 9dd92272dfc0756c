"""Tables in one or more Parquet files of any size, read block by block."""

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
from pyarrow import compute, parquet

from fathom.base.errors import FathomError
from fathom.base.tables import BLOCK
from fathom.download.own_files import KINDS, check_file, file_suffix
from fathom.download.table_files import (
    check_columns,
    convert_column,
    incompatible_types,
    open_arrow,
)

INT64 = 2**63
PARQUET = [suffix for suffix, kind in KINDS.items() if kind == "a Parquet file"]


@dataclass(frozen=True)
class ParquetTable:
    """Parquet files whose columns, without an unnamed pandas index, fit one schema."""

    files: list[Path]
    schema: pa.Schema
    rows: int

    @property
    def size(self) -> int:
        return self.rows * len(self.schema.names)

    @cached_property
    def gaps(self) -> frozenset[str]:
        """Columns of integers or booleans with missing values, or with numbers beyond int64."""
        return frozenset(name for file in self.files for name in find_gaps(file, self.schema.names))

    def blocks(
        self,
        columns: Sequence[str] | None = None,
        missing: Sequence[str] = (),
        declared: Container[str] = (),
    ) -> Iterator[pd.DataFrame]:
        """Yield the rows block by block, as `read_table_file` returns them, with their numbers as
        index. Texts in `missing` stand for a missing value, except in declared columns.
        """
        names = list(self.schema.names if columns is None else columns)
        schema = pa.schema([self.schema.field(name) for name in names])
        gaps, start = self.gaps, 0
        markers = {name: [] if name in declared else list(missing) for name in names}
        for file in self.files:
            with open_arrow(file, BLOCK, names) as (_, batches):
                for batch in batches:
                    table = pa.Table.from_batches([batch]).select(names).cast(schema)
                    values = {
                        n: convert_column(file, n, table[n], markers[n], n in gaps) for n in names
                    }
                    block = pd.DataFrame(values)
                    block.index = pd.RangeIndex(start, start + len(table))
                    start += len(table)
                    yield block

    def head(self, rows: int, missing: Sequence[str] = ()) -> pd.DataFrame:
        blocks, count = [], 0
        for block in self.blocks(missing=missing):
            blocks.append(block)
            count += len(block)
            if count >= rows:
                break
        return pd.concat(blocks).iloc[:rows]


def parquet_table(path: Path) -> ParquetTable:
    """Open a Parquet file, or those in a folder, sorted by name."""
    if path.is_dir():
        files = sorted(file for file in path.rglob("*") if is_parquet(file))
        if not files:
            raise FathomError(f"{path} contains no {' or '.join(PARQUET)} files")
    else:
        check_file(path, PARQUET)
        files = [path]
    return concatenate([open_one(file) for file in files])


def open_one(file: Path) -> ParquetTable:
    with open_arrow(file, BLOCK) as (fields, _):
        rows = parquet.read_metadata(file).num_rows
    names = check_columns(file, [field.name for field in fields], rows)
    schema = pa.schema([field.remove_metadata() for field in fields if field.name in names])
    return ParquetTable([file], schema, rows)


def concatenate(tables: list[ParquetTable]) -> ParquetTable:
    """Concatenate the rows of tables with the same columns."""
    first = tables[0]
    for table in tables:
        different = sorted(set(table.schema.names) ^ set(first.schema.names))
        if different:
            raise FathomError(
                f"{table.files[0]} and {first.files[0]} have different columns: only one of them "
                f"has {different[0]!r}"
            )
    try:
        schema = pa.unify_schemas([t.schema for t in tables], promote_options="permissive")
    except pa.ArrowException as error:
        raise incompatible_types(first.files[0], error) from error
    files = [file for table in tables for file in table.files]
    return ParquetTable(files, schema, sum(table.rows for table in tables))


def is_parquet(path: Path) -> bool:
    return file_suffix(path) in PARQUET


def find_gaps(file: Path, columns: list[str]) -> Iterator[str]:
    """Yield the columns of a file that belong to `gaps`, after reading those of such types."""
    schema = parquet.read_schema(file)
    for name in columns:
        kind = schema.field(name).type
        kind = kind.value_type if pa.types.is_dictionary(kind) else kind
        if not (pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
            continue
        is_uint64 = pa.types.is_uint64(kind)
        with open_arrow(file, BLOCK, [name]) as (_, blocks):
            arrays = (block[name] for block in blocks)
            if any(a.null_count or (is_uint64 and compute.max(a).as_py() >= INT64) for a in arrays):
                yield name
