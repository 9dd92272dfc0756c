"""A table from a source, and the conversion of its declared columns."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Self

import pandas as pd

from fathom.download.declaration_error import DeclarationError
from fathom.download.declared_columns import convert_table
from fathom.download.parquet_files import ParquetTable
from fathom.settings.column_settings import ColumnSettings


@dataclass(frozen=True)
class RawTable:
    """A table, one row an example, with features and target.

    `origin` says where it comes from. The last `test_rows` rows are the data's own test set.
    `columns` are to be converted by `convert_table`, with `decimal` and `missing`, texts that stand
    for a missing value. `inferred` lists the columns whose types follow from all their texts.
    `files` names the file of the training rows, and that of the test rows if they have their own.
    """

    table: pd.DataFrame | ParquetTable
    origin: str
    sha256: str
    test_rows: int = 0
    decimal: str = "."
    missing: Sequence[str] = ()
    columns: Mapping[str, ColumnSettings] = field(default_factory=dict)
    inferred: Sequence[str] = ()
    files: Sequence[str] = ()

    def declare(self, columns: Mapping[str, ColumnSettings]) -> Self:
        """Return the table with its columns as they are declared."""
        if isinstance(self.table, ParquetTable):
            return replace(self, columns=columns)
        return replace(self, table=self.convert(self.table, columns))

    def convert(self, rows: pd.DataFrame, columns: Mapping[str, ColumnSettings]) -> pd.DataFrame:
        try:
            return convert_table(rows, columns, self.origin, self.decimal, self.missing)
        except DeclarationError as error:
            if len(self.files) < 2:
                raise
            total = self.table.rows if isinstance(self.table, ParquetTable) else len(rows)
            training = total - self.test_rows
            is_test = error.row >= training
            where = error.where.replace(self.origin, self.files[is_test], 1)
            raise error.replace(where=where, row=error.row - training * is_test) from error

    def blocks(self, columns: list[str] | None = None) -> Iterator[pd.DataFrame]:
        if isinstance(self.table, ParquetTable):
            blocks = self.table.blocks(columns, self.missing, self.columns)
            return (self.convert(block, self.columns) for block in blocks)
        return iter([self.table if columns is None else self.table[columns]])
