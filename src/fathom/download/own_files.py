"""Files of a user's own: there, readable, and of the kind that their names say, or refused."""

from __future__ import annotations

import difflib
import gzip
import zlib
from collections.abc import Sequence
from pathlib import Path

from fathom.base.errors import FathomError, did_you_mean

DELIMITERS = {".csv": ",", ".tsv": "\t", ".txt": ","}  # of files that are text, unless told
KINDS = {  # what files that are no text hold
    ".parquet": "a Parquet file",
    ".pq": "a Parquet file",
    ".feather": "an Arrow file",
    ".arrow": "an Arrow file",
}
SUFFIXES = [*DELIMITERS, *(f"{suffix}.gz" for suffix in DELIMITERS), *KINDS]
STARTS = {  # how files begin that are not what their suffix says
    b"PAR1\x15": "a Parquet file",
    b"ARROW1\0": "an Arrow file",
    b"FEA1": "a Feather file of version 1",
    b"\x1f\x8b": "gzip-compressed",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}


def check_suffix(path: Path) -> str:
    """Return a table file's suffix, in lower case and without .gz, having found the file."""
    check_file(path, SUFFIXES)
    suffix = file_suffix(path)
    if suffix not in SUFFIXES:
        raise FathomError(f"{path}: tables are read from files in {', '.join(SUFFIXES)}")
    return suffix.removesuffix(".gz")


def check_file(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Refuse a file that is not there, naming the nearest of those with the same suffixes."""
    try:
        if path.is_dir():
            raise FathomError(f"{path} is a folder: name one file; join several into one first")
        if not path.exists():
            if not path.parent.is_dir():
                raise FathomError(f"{path} is missing: there is no folder {path.parent}")
            files = [file for file in path.parent.iterdir() if file.is_file()]
            names = [f.name for f in files if not suffixes or file_suffix(f) in suffixes]
            nearest = difflib.get_close_matches(path.name, names, n=10, cutoff=0)
            raise FathomError(f"{path} is missing{did_you_mean(path.name, nearest)}")
    except OSError as error:
        raise FathomError(f"{path} cannot be read: {error.strerror}") from error


def file_suffix(path: Path) -> str:
    gz = ".gz" if path.suffix.lower() == ".gz" else ""
    return (Path(path.stem).suffix if gz else path.suffix).lower() + gz


def read_bytes(path: Path, limit: int = -1) -> bytes:
    """Read a file, or its first bytes, unpacked if its suffix is .gz.

    Raises:
        FathomError: it cannot be read or unpacked.
    """
    packed = path.suffix.lower() == ".gz"
    try:
        with path.open("rb") as file:
            if packed and file.peek(2)[:2] not in (b"\x1f\x8b", b""):
                raise FathomError(f"{path} is not gzip-compressed: rename it without .gz")
            return (gzip.GzipFile(fileobj=file) if packed else file).read(limit)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise FathomError(f"{path} is damaged gzip ({error}): fetch or pack it anew") from error
    except OSError as error:
        raise FathomError(f"{path} cannot be read: {error.strerror}") from error


def check_start(path: Path, content: bytes, own: str = "") -> None:
    """Refuse a file that begins as one of another kind."""
    for start, kind in STARTS.items():
        if content[:64].lstrip().startswith(start) and kind != own:
            raise FathomError(
                f"{path} is {kind}, not what its suffix says: rename it, or get what was meant"
            )


def error_text(error: Exception) -> str:
    """Return what a library says, in one line."""
    return shortened(" ".join(str(error).split()), 200, quote=False)


def shortened(text: str, length: int = 40, quote: bool = True) -> str:
    """Return the beginning of a text, quoted."""
    text = text if len(text) <= length else text[: length - 1] + "…"
    return repr(text) if quote else text
