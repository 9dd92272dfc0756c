"""Files that are decompressed as they are read: .gz, .zip, .zst, .bz2 and .xz."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import pyarrow as pa

from fathom.base.errors import FathomError

NAMES = {".gz": "gzip", ".zip": "zip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz"}
SIGNATURES = {  # first bytes
    ".gz": b"\x1f\x8b",
    ".zip": b"PK",
    ".zst": b"\x28\xb5\x2f\xfd",
    ".bz2": b"BZh",
    ".xz": b"\xfd7zXZ\0",
}
DAMAGE = (EOFError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)


@contextmanager
def open_bytes(path: Path) -> Iterator[IO[bytes]]:
    """Open a file to read it, and decompress it if its suffix is one of `NAMES`.

    Raises:
        FathomError: the system refuses it, it is damaged, or it is an archive of several files.
    """
    suffix = path.suffix.lower()
    try:
        with path.open("rb") as file:
            if suffix not in NAMES:
                yield file
                return
            start = file.peek(len(SIGNATURES[suffix]))
            if not start:
                yield file
            elif not start.startswith(SIGNATURES[suffix]):
                raise FathomError(
                    f"{path} is not {NAMES[suffix]}-compressed: rename it without {suffix}"
                )
            else:
                with decompress(path, suffix, file) as content:
                    yield content
    except DAMAGE as error:
        raise damaged(path, suffix, error) from error
    except OSError as error:
        if error.errno is None:  # of gzip, bz2 and pyarrow, not of the system
            raise damaged(path, suffix, error) from error
        raise FathomError(f"{path} cannot be read: {error.strerror}") from error


def damaged(path: Path, suffix: str, error: Exception) -> FathomError:
    return FathomError(
        f"{path} is damaged {NAMES.get(suffix, suffix)} ({error}): download or compress it again"
    )


def decompress(path: Path, suffix: str, file: IO[bytes]) -> Any:
    if suffix == ".zip":
        return open_member(path, file)
    if suffix == ".zst":
        return pa.CompressedInputStream(pa.PythonFile(file, "r"), "zstd")
    if suffix == ".gz":
        return gzip.GzipFile(fileobj=file)
    return bz2.BZ2File(file) if suffix == ".bz2" else lzma.LZMAFile(file)


def open_member(path: Path, file: IO[bytes]) -> IO[bytes]:
    """Open the only file in a zip archive, beside those that macOS adds."""
    try:
        archive = zipfile.ZipFile(file)
        names = [
            name
            for name in archive.namelist()
            if not name.endswith("/") and not name.startswith("__MACOSX/")
        ]
        if len(names) != 1:
            raise FathomError(
                f"{path} contains {', '.join(names)}: unzip it and name one file"
                if names
                else f"{path} contains no file"
            )
        return archive.open(names[0])
    except RuntimeError as error:  # a password, or a method such as Deflate64
        raise FathomError(f"{path} cannot be read ({error}): unzip it") from error
