"""Errors of the operating system, which libraries hide: their reason and the file.

For example, Keras reports a full disk as an error of HDF5, and Python as one without a file.
"""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fathom.base.errors import FathomError

CODES = (
    errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO,
    errno.EMFILE, errno.ENFILE, errno.ENAMETOOLONG, errno.EISDIR, errno.ENOTDIR, errno.EEXIST,
)  # fmt: skip
TEXTS = {os.strerror(code): code for code in CODES} | {
    "database or disk is full": errno.ENOSPC,  # SQLite
    "attempt to write a readonly database": errno.EACCES,
    "disk I/O error": errno.EIO,
}


def find_system_error(error: BaseException) -> OSError | None:
    """Return the error of the system from which an error follows, or None: the
    innermost one, if possible with its file.
    """
    chain: list[BaseException] = []
    cause: BaseException | None = error
    while cause is not None:
        chain.append(cause)
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    found = [link for link in reversed(chain) if isinstance(link, OSError) and link.errno in CODES]
    texts = "\n".join(str(link) for link in reversed(chain))
    found += [OSError(code, os.strerror(code)) for text, code in TEXTS.items() if text in texts]
    return next((link for link in found if link.filename), found[0] if found else None)


@contextmanager
def name_file(path: Path, temporary: Path | None = None) -> Iterator[None]:
    """Have errors of the system in the block name their file: `path`, unless they name another.

    Args:
        temporary: a file or folder that will be `path`; an error names its later place.
    """
    try:
        yield
    except FathomError:
        raise
    except Exception as error:
        cause = find_system_error(error)
        if cause is None:
            raise
        place = str(cause.filename2 or cause.filename or path)
        if temporary is not None:
            place = place.replace(str(temporary), str(path))
        raise OSError(cause.errno, os.strerror(cause.errno or 0), place) from error
