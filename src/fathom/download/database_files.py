"""Tables and queries of SQLite and DuckDB files."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.cells import table_of_rows
from fathom.download.csv_files import check_names
from fathom.download.own_files import error_text, read_bytes

SQLITE_TABLES = (
    "select name from sqlite_master where type in ('table', 'view') and name not like 'sqlite_%' "
    "order by name"
)
DUCKDB_TABLES = (
    "select table_name from information_schema.tables where table_schema = 'main' "
    "order by table_name"
)
DUCKDB_SETTINGS: Any = {
    "threads": 1,  # in one order of rows
    "enable_external_access": False,  # to files that DVC does not know of
    "autoinstall_known_extensions": False,
}
NO_TABLE = "dataset.source.query returns no table: begin it with select"


def read_database_file(path: Path, table: str | None = None, query: str | None = None) -> pa.Table:
    """Read a table, by default the only one, or the result of a query.

    What a file holds decides whether it is one of SQLite or of DuckDB, not its suffix.

    Raises:
        FathomError: it is neither, no table or several can be meant, or the query is wrong.
    """
    if table is not None and query is not None:
        raise FathomError("dataset.source: set table or query, not both")
    start = read_bytes(path, 16)
    if start == b"SQLite format 3\0":
        return read_sqlite(path, table, query)
    if start[8:12] == b"DUCK":
        return read_duckdb(path, table, query)
    if not start:
        raise FathomError(f"{path} is empty")
    raise FathomError(f"{path} is damaged, or not a file of SQLite or DuckDB")


def read_sqlite(path: Path, table: str | None, query: str | None) -> pa.Table:
    journal = path.with_name(f"{path.name}-wal")
    if journal.exists() and journal.stat().st_size:
        raise FathomError(
            f"{path} is in use: close the program that writes to it, so that {journal.name} goes"
        )
    address = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    try:
        connection = sqlite3.connect(address, uri=True)
        try:
            names = [name for (name,) in connection.execute(SQLITE_TABLES)]
            cursor = connection.execute(choose_query(path, names, table, query))
            rows = cursor.fetchall()
        finally:
            connection.close()
    except (sqlite3.Error, sqlite3.Warning, UnicodeDecodeError) as error:
        raise refusal(path, error, query) from error
    if cursor.description is None:
        raise FathomError(f"{path}: {NO_TABLE}")
    return table_of_rows(path, [column[0] for column in cursor.description], rows)


def read_duckdb(path: Path, table: str | None, query: str | None) -> pa.Table:
    try:
        import duckdb
    except ModuleNotFoundError as error:
        raise FathomError(f"{path}: duckdb is not installed: `DB=1 make setup`") from error
    try:
        with duckdb.connect(str(path), read_only=True, config=DUCKDB_SETTINGS) as connection:
            names = [name for (name,) in connection.execute(DUCKDB_TABLES).fetchall()]
            relation = connection.sql(choose_query(path, names, table, query))
            result = None if relation is None else relation.to_arrow_table()
    except duckdb.Error as error:
        raise refusal(path, error, query) from error
    if result is None:
        raise FathomError(f"{path}: {NO_TABLE}")
    check_names(path, result.column_names)
    if not result.num_rows:
        raise FathomError(f"{path} has no rows")
    return result


def choose_query(path: Path, names: list[str], table: str | None, query: str | None) -> str:
    """Return the query of a table, or the one that the settings name."""
    if query is not None:
        return query
    if not names:
        raise FathomError(f"{path} has no tables")
    if table is None:
        if len(names) > 1:
            raise FathomError(
                f"{path} has the tables {', '.join(map(repr, names))}: name one with "
                "dataset.source.table (--table), or set dataset.source.query (--query)"
            )
        table = names[0]
    if table not in names:
        raise FathomError(f"{path} has no table {table!r}{did_you_mean(table, names)}")
    return 'select * from "{}"'.format(table.replace('"', '""'))  # noqa: S608 - a known table


def refusal(path: Path, error: Exception, query: str | None) -> FathomError:
    what = " cannot be read" if query is None else ": dataset.source.query"
    return FathomError(f"{path}{what}: {error_text(error)}")
