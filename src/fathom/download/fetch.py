"""Files from the cache, a mirror or their URLs.

A file takes its name in the cache only after its size and its SHA-256 were found right. Until
then it is a `.part`, which outlives failures and is resumed.
"""

import hashlib
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from fathom.base.errors import FathomError
from fathom.download.http import Transfer, receive, tell
from fathom.download.remote_file import PlaceError, RemoteFile, check, shown


def fetch(file: RemoteFile, mirror: str | None = None) -> Path:
    """Return the path of a whole and checked copy of a file, which is not to be changed.

    It lies in the cache, `<FATHOM_CACHE>/<sha256>/<name>`, or in a folder that was looked in.
    What is not in the cache is looked for in FATHOM_MIRROR, then in `mirror`, then at the URLs.

    Args:
        file: what to fetch.
        mirror: a folder, or a URL (http, https or file) under which files lie by their names.

    Raises:
        FathomError: no place gives the right file; the line says for each place why. Or the file
            is there, but `sha256` is not given: the line names the one found.
    """
    cache = folder(os.environ.get("FATHOM_CACHE") or str(user_cache_path("fathom")))
    key = file.sha256 or hashlib.sha256(file.urls[0].encode()).hexdigest()
    kept = cache / key / file.name
    if is_right(kept, file):
        return kept
    reasons = []
    for place in places(file, mirror):
        try:
            path = local_path(place)
            if path is None:
                path, found = download(place, kept, file)
            else:
                found = check(path, file)
        except PlaceError as error:
            reasons.append(f"{shown(place)}: {error}")
            continue
        except OSError as error:
            raise FathomError(
                f"{error.filename or kept}: {error.strerror}; make room for downloads, or name "
                "another folder for them with FATHOM_CACHE"
            ) from error
        if file.sha256 is None:
            raise FathomError(
                f"{shown(place)} has SHA-256 {found} and {path.stat().st_size} bytes; "
                "check it and write it beside the URL as sha256"
            )
        return path
    raise FathomError(
        f"{file.name} cannot be had: {'; '.join(reasons)}; put the file into a folder and name "
        "the folder with mirror in params.yaml or FATHOM_MIRROR"
    )


def folder(path: str) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise FathomError(f"{path}: there is no such home folder") from error


def places(file: RemoteFile, mirror: str | None) -> list[str]:
    """Return the paths and URLs to look at, in this order."""
    mirrors = [base for base in (os.environ.get("FATHOM_MIRROR"), mirror) if base]
    named = [f"{b.rstrip('/')}/{quote(file.name) if '://' in b else file.name}" for b in mirrors]
    return list(dict.fromkeys([*named, *file.urls]))


def local_path(place: str) -> Path | None:
    """Return the path of a place, or None for one that is reached by HTTP."""
    if "://" not in place:
        return folder(place)
    try:
        scheme, host, path, *_ = urlsplit(place)
    except ValueError:
        scheme = host = path = ""
    if scheme in ("http", "https"):
        return None
    if scheme == "file" and host in ("", "localhost"):
        return Path(unquote(path))
    raise PlaceError("neither a folder nor a URL that begins with http://, https:// or file:///")


def is_right(path: Path, file: RemoteFile) -> bool:
    try:
        return check(path, file) == file.sha256
    except PlaceError:
        return False


@contextmanager
def locked(kept: Path) -> Iterator[None]:
    """Let one process at a time fetch a file."""
    kept.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(kept.with_name(f"{kept.name}.lock"))
    try:
        lock.acquire(blocking=False)
    except Timeout:
        tell(f"{kept.name}: waiting for another process that fetches it")
        lock.acquire()
    try:
        yield
    finally:
        lock.release()


def download(url: str, kept: Path, file: RemoteFile) -> tuple[Path, str]:
    """Get a file by HTTP and put it into the cache; return its path there and its SHA-256."""
    part = kept.with_name(f"{kept.name}.part")
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    hidden = not sys.stderr.isatty()
    console = Console(stderr=True)
    with locked(kept), Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        if is_right(kept, file):  # another process was quicker
            return kept, str(file.sha256)
        bar.add_task(escape(file.name))
        started = time.monotonic()
        transfer = Transfer(url, part, file, bar)
        for last in (False, True):
            receive(transfer)
            try:
                found = check(part, file)
                break
            except PlaceError:
                part.unlink(missing_ok=True)
                if last or not transfer.resumed:
                    raise
        size, seconds = part.stat().st_size, time.monotonic() - started
        kept = kept.parent.parent / found / kept.name
        kept.parent.mkdir(exist_ok=True)
        part.replace(kept)
    rate = decimal(round(transfer.received / max(seconds, 0.001)))
    print(f"{file.name}: {decimal(size)} from {shown(url)}, {seconds:.1f} s, {rate}/s", flush=True)
    return kept, found
