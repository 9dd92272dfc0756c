"""Errors of the operating system: one line with the file, the reason and the remedy."""

import errno
from pathlib import Path

FREE = "free disk space, then run the same command again"
FILE_SIZE = "`ulimit -f` shows the limit; raise it, then run the same command again"
NO_FOLDER = "a file is where a folder is expected; move it away"
OPEN_FILES = "allow more of them with `ulimit -n 4096`, then run the same command again"
ACCESS = "you need permission to read and write it"
REMEDIES = {
    errno.ENOSPC: FREE,
    errno.EDQUOT: FREE,
    errno.EFBIG: FILE_SIZE,
    errno.EROFS: "work in a copy of the project on a file system that can be written to",
    errno.EACCES: ACCESS,
    errno.EPERM: ACCESS,
    errno.EMFILE: OPEN_FILES,
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.EISDIR: "a folder is where a file is expected; move it away",
    errno.ENOTDIR: NO_FOLDER,
    errno.EEXIST: NO_FOLDER,
}


def system_error_line(error: OSError) -> str:
    """Return the line of an error that has a reason; one without a file is of what is printed."""
    place, remedy = error.filename2 or error.filename, REMEDIES.get(error.errno or 0)
    if place is None:
        place = "standard output" if remedy in (FREE, FILE_SIZE) else "operating system"
    elif remedy == NO_FOLDER:
        place = next(
            (path for path in (Path(place), *Path(place).parents) if path.is_file()), place
        )
    return f"{place}: {error.strerror}{f': {remedy}' if remedy else ''}"
