"""The result of a query of a database such as PostgreSQL or MySQL."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pyarrow as pa
from sqlalchemy import URL, Connection, Engine, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from fathom.base.errors import FathomError
from fathom.download.cells import table_of_rows
from fathom.download.own_files import error_text

DRIVERS = {  # of the databases that `DB=1 make setup` installs drivers for
    "postgres": "postgresql+psycopg",
    "postgresql": "postgresql+psycopg",
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
}
ROWS = 50_000  # of the result in Python at once
TIMEOUT = 15  # seconds, for a connection
EXAMPLE = "postgresql://user:password@host:5432/database"


def query_database(url_env: str, query: str) -> pa.Table:
    """Return the result of a query, whose transaction is never committed.

    Args:
        url_env: the environment variable with the database's URL, as SQLAlchemy writes it.

    Raises:
        FathomError: there is no such variable, driver or connection, or the query is wrong. The
            line never contains a password.
    """
    url = read_url(url_env)
    engine = open_engine(url_env, url)
    try:
        with connect(url_env, url, engine) as connection:
            return fetch_result(connection, query)
    except SQLAlchemyError as error:
        raise FathomError(f"the query fails: {describe(error, url)}") from error
    finally:
        engine.dispose()


def fetch_result(connection: Connection, query: str) -> pa.Table:
    options = {"stream_results": True, "no_parameters": True}  # so that % and : mean themselves
    with connection.execution_options(**options).exec_driver_sql(query) as result:
        if not result.returns_rows:
            raise FathomError("the query returns no table: begin it with select")
        where, names = Path("the result of the query"), list(result.keys())
        tables = [table_of_rows(where, names, rows) for rows in result.partitions(ROWS)]
    if not tables:
        raise FathomError("the query returns no rows")
    try:
        return pa.concat_tables(tables, promote_options="permissive")
    except pa.ArrowException as error:
        raise FathomError(f"the query returns values of several types: {error}") from error


def read_url(url_env: str) -> URL:
    text = os.environ.get(url_env, "").strip()
    if not text:
        raise FathomError(
            f"the environment variable {url_env} is not set: set it to the URL of the database, "
            f"such as {EXAMPLE}"
        )
    try:
        url = make_url(text)
        invalid = "@" in (url.host or "")  # a part of the password
    except (ArgumentError, ValueError):
        invalid = True
    if invalid:
        raise FathomError(
            f"{url_env} is not the URL of a database, such as {EXAMPLE}: in a password, write @ "
            "as %40, : as %3A and / as %2F"
        )
    return url.set(drivername=DRIVERS.get(url.drivername, url.drivername))


def open_engine(url_env: str, url: URL) -> Engine:
    known = url.drivername in DRIVERS.values()
    arguments: dict[str, Any] = {"connect_timeout": TIMEOUT} if known else {}
    try:
        return create_engine(url, connect_args=arguments)
    except ModuleNotFoundError as error:
        remedy = "`DB=1 make setup`" if known else f"`pip install {error.name}`"
        raise FathomError(f"{url_env}: {error.name} is not installed: {remedy}") from error
    except ArgumentError as error:
        raise FathomError(
            f"{url_env}: there is no database of the kind {url.drivername!r}: begin the URL with "
            f"one of {', '.join(f'{name}://' for name in DRIVERS)}"
        ) from error


def connect(url_env: str, url: URL, engine: Engine) -> Connection:
    try:
        return engine.connect()
    except (SQLAlchemyError, RuntimeError, OSError) as error:
        raise FathomError(f"{url_env}: no connection: {describe(error, url)}") from error


def describe(error: Exception, url: URL) -> str:
    """Return an error's text in one line, without the password and the like."""
    cause: Any = getattr(error, "orig", None) or error
    primary = getattr(getattr(cause, "diag", None), "message_primary", None)  # of PostgreSQL
    text = " ".join(str(primary or cause).split())
    values = (value if isinstance(value, str) else "".join(value) for value in url.query.values())
    for secret in [str(url.password or ""), *values]:
        for form in {secret, quote(secret, safe=""), repr(secret)[1:-1]} - {""}:
            text = text.replace(form, "***")
    return error_text(Exception(text))
