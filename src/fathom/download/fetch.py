"""Files from the cache, a mirror or their URLs.

A download is a `.part` file until its size and SHA-256 are verified; a failed download leaves this
file, and the next one resumes it.
"""

import hashlib
import os
import sys
import time
from pathlib import Path
from urllib.parse import quote, unquote, urlsplit

from filelock import AcquireReturnProxy, FileLock, Timeout
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn

from fathom.base.environment import cache_folder, expand_home
from fathom.base.errors import FathomError
from fathom.download.http import Transfer, print_error, receive
from fathom.download.remote_file import PlaceError, RemoteFile, redact


def fetch(file: RemoteFile, mirror: str | None = None) -> Path:
    """Return the path of a verified copy of a file, which must not be changed.

    The copy is in the cache, `<FATHOM_CACHE>/<sha256>/<name>`, or in a folder that serves as
    mirror. Places are tried in this order: the cache, FATHOM_MIRROR, `mirror`, the URLs.

    A mirror is a folder, or a URL (http, https or file) that has files by their names.

    Raises:
        FathomError: no place provides the file, with the reason for each place; or `sha256` is
            not set, with the SHA-256 of the file.
    """
    cache = cache_folder()
    key = file.sha256 or hashlib.sha256(file.urls[0].encode()).hexdigest()
    cached = cache / key / file.name
    if is_valid(cached, file):
        return cached
    reasons = []
    for place in list_places(file, mirror):
        try:
            path = local_path(place)
            if path is None:
                path, sha256 = download_file(place, cached, file)
            else:
                sha256 = file.verify(path)
        except PlaceError as error:
            reasons.append(f"{redact(place)}: {error}")
            continue
        except OSError as error:
            raise FathomError(
                f"{error.filename or cached}: {error.strerror}; free disk space, or set another "
                "folder for downloads with FATHOM_CACHE"
            ) from error
        if file.sha256 is None:
            raise FathomError(
                f"{redact(place)} has SHA-256 {sha256} and {path.stat().st_size} bytes; check the "
                "file and add its sha256 beside the URL"
            )
        return path
    raise FathomError(
        f"{file.name} cannot be downloaded: {'; '.join(reasons)}; put the file into a folder and "
        "set the folder as mirror in params.yaml or as FATHOM_MIRROR"
    )


def list_places(file: RemoteFile, mirror: str | None) -> list[str]:
    mirrors = [base for base in (os.environ.get("FATHOM_MIRROR"), mirror) if base]
    copies = [f"{b.rstrip('/')}/{quote(file.name) if '://' in b else file.name}" for b in mirrors]
    return list(dict.fromkeys([*copies, *file.urls]))


def local_path(place: str) -> Path | None:
    """Return the path of a local place, or None for an HTTP URL."""
    if "://" not in place:
        return expand_home(place)
    try:
        scheme, host, path, *_ = urlsplit(place)
    except ValueError:
        scheme = host = path = ""
    if scheme in ("http", "https"):
        return None
    if scheme == "file" and host in ("", "localhost"):
        return Path(unquote(path))
    raise PlaceError("neither a folder nor a URL that begins with http://, https:// or file:///")


def is_valid(path: Path, file: RemoteFile) -> bool:
    try:
        return file.verify(path) == file.sha256
    except PlaceError:
        return False


def acquire_lock(cached: Path) -> AcquireReturnProxy[FileLock]:
    """Wait until no other process downloads the file, and lock it."""
    cached.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(cached.with_name(f"{cached.name}.lock"))
    try:
        return lock.acquire(blocking=False)
    except Timeout:
        print_error(f"{cached.name}: waiting for another process that downloads it")
        return lock.acquire()


def download_file(url: str, cached: Path, file: RemoteFile) -> tuple[Path, str]:
    """Download a file into the cache; return its path and its SHA-256."""
    partial = cached.with_name(f"{cached.name}.part")
    columns = (*Progress.get_default_columns(), DownloadColumn(), TransferSpeedColumn())
    bar = Progress(
        *columns, console=Console(stderr=True), transient=True, disable=not sys.stderr.isatty()
    )
    with acquire_lock(cached), bar:
        if is_valid(cached, file):  # another process was quicker
            return cached, str(file.sha256)
        bar.add_task(escape(file.name))
        start = time.monotonic()
        transfer = Transfer(url, partial, file, bar)
        for is_last in (False, True):
            receive(transfer)
            try:
                sha256 = file.verify(partial)
                break
            except PlaceError:
                partial.unlink(missing_ok=True)
                if is_last or not transfer.resumed:
                    raise
        size, seconds = partial.stat().st_size, time.monotonic() - start
        cached = cached.parent.parent / sha256 / cached.name
        cached.parent.mkdir(exist_ok=True)
        partial.replace(cached)
    rate = decimal(round(transfer.received / max(seconds, 0.001)))
    print(f"{file.name}: {decimal(size)} from {redact(url)}, {seconds:.1f} s, {rate}/s", flush=True)
    return cached, sha256
