"""One at a time, where several processes share a storage of trials."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

import filelock
import sqlalchemy
from sqlalchemy.pool import NullPool

from fathom.base.errors import FathomError

KEY = 0xFA7403  # of the lock in PostgreSQL


def turn(address: str) -> AbstractContextManager[Any]:
    """Return a lock that one thread of all processes holds, until it lets go of it or is killed.

    Optuna begins trials without one: two processes could take the same point of a grid, or begin
    more trials than are to end.

    Args:
        address: of the storage: SQLite, which is locked by a file beside it, or PostgreSQL.

    Raises:
        FathomError: it is of another kind.
    """
    url = sqlalchemy.make_url(address)
    kind = url.get_backend_name()
    if kind == "sqlite":
        return filelock.FileLock(f"{url.database}.lock") if url.database else nullcontext()
    if kind == "postgresql":
        return advisory(url)
    raise FathomError(f"{kind} is neither sqlite nor postgresql")


@contextmanager
def advisory(url: sqlalchemy.URL) -> Iterator[None]:
    """Hold a lock of PostgreSQL's, which ends with the connection."""
    engine = sqlalchemy.create_engine(url, poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(sqlalchemy.text("SELECT pg_advisory_lock(:key)"), {"key": KEY})
        yield
