"""Checks of a user's files: they exist, can be read, and hold what their suffixes say."""

import difflib
import os
import shlex
from collections.abc import Sequence
from pathlib import Path

import psutil  # type: ignore[import-untyped]

from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.base.system_errors import find_system_error
from fathom.download.compression import NAMES, open_bytes

DELIMITERS = {  # defaults for text files
    ".csv": ",", ".tsv": "\t", ".tab": "\t", ".txt": ",", ".data": ",", ".dat": ",",
}  # fmt: skip
KINDS = dict.fromkeys((".parquet", ".pq"), "a Parquet file") | dict.fromkeys(
    (".feather", ".arrow"), "an Arrow file"
)
TEXTS = (*DELIMITERS, ".json", ".jsonl", ".ndjson", ".arff")  # may be compressed
WORKBOOKS = (".xlsx", ".xlsm", ".xlsb", ".xls", ".ods")
DATABASES = (".sqlite", ".sqlite3", ".db", ".duckdb")
SUFFIXES = (
    *TEXTS,
    *(text + suffix for text in TEXTS for suffix in NAMES),
    *KINDS,
    *WORKBOOKS,
    *DATABASES,
)
OTHERS = {  # what pandas reads
    ".dta": "read_stata('{}')",
    ".sas7bdat": "read_sas('{}', encoding='infer')",
}
SIGNATURES = {  # first bytes of files that are often given a wrong suffix
    b"PAR1\x15": "a Parquet file",
    b"ARROW1\0": "an Arrow file",
    b"FEA1": "a Feather file of version 1",
    b"SQLite format 3\0": "a SQLite file",
    b"\x1f\x8b": "gzip-compressed",
    b"\x28\xb5\x2f\xfd": "zstd-compressed",
    b"BZh91AY&SY": "bzip2-compressed",
    b"\xfd7zXZ\0": "xz-compressed",
    b"PK\x03\x04": "a zip archive or an Excel workbook",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook",
    b"version https://git-lfs": "a pointer of Git LFS",
    b"<!DOCTYPE": "a web page",
    b"<!doctype": "a web page",
    b"<html": "a web page",
}


def path_in_own(file: Path) -> Path | None:
    """Return a path in data/own/ relative to the working folder, None for one elsewhere.

    A file there may be a link, such as DVC's into its cache (`cache.type symlink`), and a file
    elsewhere a link to one there.
    """
    own = paths.OWN.resolve()
    for path in (Path(os.path.normpath(file.absolute())), file.resolve()):
        for folder in (path, *path.parents):
            if folder.resolve() == own:
                return paths.OWN / path.relative_to(folder)
    return None


def pointer(data: Path) -> Path:
    """Return the file that tells DVC about the data."""
    return data.with_name(f"{data.name}.dvc")


def check_pulled(path: Path) -> None:
    """Raise a FathomError if a path in data/own/ is missing, but DVC knows it."""
    if path.exists():
        return
    for data in (path, *path.parents):
        if data.is_relative_to(paths.OWN) and pointer(data).is_file():
            command = shlex.join(["dvc", "pull", pointer(data).as_posix()])
            raise FathomError(f"{path} is missing: `{command}` brings it")


def check_suffix(path: Path) -> str:
    """Return the suffix of an existing table file, in lower case and without .gz or the like."""
    check_file(path, SUFFIXES)
    suffix = file_suffix(path)
    if suffix in OTHERS:
        read = OTHERS[suffix].format(path)
        raise FathomError(
            f"{path} is read by pandas alone; to convert it: "
            f"python -c \"import pandas; pandas.{read}.to_parquet('{path.stem}.parquet')\""
        )
    if suffix in NAMES:
        raise FathomError(
            f"{path}: rename it by what it contains, such as {path.stem}.csv{suffix}, or unpack it"
        )
    if suffix not in SUFFIXES:
        raise FathomError(
            f"{path}: the suffix of a table must be one of {', '.join(TEXTS)}, optionally with "
            f"{', '.join(NAMES)}, or one of {', '.join([*KINDS, *WORKBOOKS, *DATABASES])}"
        )
    return Path(suffix).stem


def check_file(path: Path, suffixes: Sequence[str] = ()) -> None:
    """Raise a FathomError if a file is missing; it suggests similar names with the same suffix."""
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


def check_name(path: Path) -> None:
    """Refuse a name that is no UTF-8, which no table can hold and Arrow cannot open."""
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        name = os.fsencode(path.name)
        raise FathomError(f"{path.parent}: the name {name!r} is not UTF-8: rename it") from error


def file_suffix(path: Path) -> str:
    """Return the suffix in lower case; of a compressed file the last two, such as .csv.gz."""
    suffix = path.suffix.lower()
    return Path(path.stem).suffix.lower() + suffix if suffix in NAMES else suffix


def read_bytes(path: Path, limit: int = -1) -> bytes:
    """Read a file, or its first `limit` bytes; decompress it if its suffix says so.

    Raises:
        FathomError: it cannot be read, or is far larger than memory once it is decompressed.
    """
    with open_bytes(path) as file:
        if limit >= 0 or path.suffix.lower() not in NAMES:
            return file.read(limit)
        most = psutil.virtual_memory().available // 4  # readers make copies
        content = file.read(most)
        if file.read(1):
            raise FathomError(
                f"{path} has more than {most >> 20:,} MiB of content, a quarter of the free "
                "memory: save it as Parquet, which is read in parts"
            )
        return content


def check_start(path: Path, content: bytes, kind: str = "") -> None:
    """Raise a FathomError if a file starts like one of another kind."""
    for signature, other in SIGNATURES.items():
        if other != kind and content[:64].lstrip().startswith(signature):
            raise FathomError(f"{path} is {other}, despite its suffix: rename or replace it")


def damage(path: Path | str, error: Exception, text: str) -> FathomError:
    """Return the error of a file that cannot be read: `text`, unless the system refuses it."""
    if isinstance(error, MemoryError):
        return FathomError(f"{path} does not fit into memory: {error_text(error)}")
    refusal = find_system_error(error)
    if refusal is not None:
        return FathomError(f"{path} cannot be read: {refusal.strerror}")
    return FathomError(text)


def error_text(error: Exception) -> str:
    """Return the message of a library's error in one line of at most 200 characters."""
    return shorten(" ".join(str(error).split()), 200)


def shorten(text: str, length: int = 40) -> str:
    return text if len(text) <= length else text[: length - 1] + "…"
