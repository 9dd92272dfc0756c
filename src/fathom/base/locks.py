"""Locks, so that two processes do not write the same output at once."""

import errno
import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from datetime import datetime
from fcntl import LOCK_EX, LOCK_NB, flock
from pathlib import Path
from typing import IO

from fathom.base.errors import FathomError
from fathom.base.system_errors import name_file

WITHOUT_LOCKS = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP, errno.EINVAL)


@contextmanager
def only_process(file: Path, work: str, wait: bool = False) -> Iterator[None]:
    """Hold a lock in the block; the system releases it when this process ends, however it ends.

    On a file system without locks, a line says so, and the block runs.

    Args:
        file: says which process has the lock; it stays.
        work: what the lock is for, such as "train@digits-mlp".
        wait: for another process that has the lock, with a line.

    Raises:
        FathomError: another process has it, and `wait` is false.
    """
    with open_lock(file) as opened:
        if opened is not None:
            take(file, opened, work, wait)
        yield


def open_lock(file: Path) -> AbstractContextManager[IO[bytes] | None]:
    """Open the file of a lock. In a read-only project there is none, and nothing to write."""
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        return file.open("ab", buffering=0)
    except OSError as error:
        if error.errno != errno.EROFS:
            raise
    return nullcontext()


def take(file: Path, opened: IO[bytes], work: str, wait: bool) -> None:
    """Take a lock, and write which process has it."""
    try:
        flock(opened, LOCK_EX | LOCK_NB)
    except BlockingIOError as error:
        holder, remedy = describe_holder(file)
        line = f"{work} runs already: in {holder}"
        if not wait:
            raise FathomError(f"{line}; {remedy}") from error
        print(f"{line}; waits until it ends", flush=True)
        flock(opened, LOCK_EX)
    except OSError as error:
        if error.errno not in WITHOUT_LOCKS:
            raise OSError(error.errno, error.strerror, str(file)) from error
        reason = f"the file system of {file.parent} has no locks ({error.strerror})"
        print(f"{reason}: do not start {work} twice at once", file=sys.stderr, flush=True)
    now = datetime.now().astimezone().isoformat(" ", "seconds")
    owner = {"pid": os.getpid(), "host": socket.gethostname(), "since": now}
    with name_file(file):
        opened.truncate(0)
        opened.write(json.dumps(owner).encode())


def describe_holder(file: Path) -> tuple[str, str]:
    """Return which process has a lock, as far as the file says, and what to do."""
    try:
        owner = json.loads(file.read_text(encoding="utf-8"))
    except ValueError:  # it has the lock, but has not written yet
        return "another process", "wait until it ends"
    pid, host, since = owner["pid"], owner["host"], owner["since"]
    if host != socket.gethostname():
        return f"process {pid} on {host}, since {since}", "wait until it ends"
    return f"process {pid}, since {since}", f"wait until it ends, or stop it with `kill {pid}`"
