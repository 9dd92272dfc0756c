"""Downloads that can be trusted: whole, checked, and kept for the next time.

A file takes its name in the cache only after its size and its SHA-256 were found right. Until
then it is a `.part`, which outlives failures and is resumed.
"""

import hashlib
import os
import re
import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote, unquote, urlsplit

import requests
from filelock import FileLock, Timeout
from platformdirs import user_cache_path
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt
from rich.console import Console
from rich.filesize import decimal
from rich.markup import escape
from rich.progress import DownloadColumn, Progress, TransferSpeedColumn
from tenacity import RetryCallState, Retrying, stop_after_attempt
from tenacity import retry_if_exception_type as retry_if
from tenacity import wait_exponential_jitter as backoff
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as StalledError

from fathom.errors import FathomError

CHUNK = 2**16
TIMEOUT = (10.0, 60.0)  # seconds until the connection stands, and without a byte
ATTEMPTS = 5  # that together bring less than WORTHWHILE bytes
WORTHWHILE = 2**20
FIRST_WAIT = 1.0  # seconds, doubled with each attempt
LONGEST_WAIT = 60.0  # also where the server asks for more
NOT_NOW = (408, 425, 429)  # as all from 500 on


class PlaceError(Exception):
    """A place does not give the file. The message is the reason in a few words."""


class TransientError(PlaceError):
    """The place may give the file if asked again, after `wait` seconds or more."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def shown(place: str) -> str:
    """Return a path or URL for a message, without what may be a password or token in it."""
    if "://" not in place:
        return place
    place = re.sub(r"(?<=://)([^/]*|[^/]*:(?!\d*/).*)@", "", place)
    return re.sub(r"\?.*", "?…", place)


def name_in(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name


def parse_url(url: str) -> str:
    try:
        scheme, port, name = urlsplit(url).scheme, urlsplit(url).port, name_in(url)
        usable = scheme == "file" or (scheme in ("http", "https") and port != 0)
        usable = usable and name not in ("", "..") and name.isprintable()
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            f"must be an http, https or file URL that ends in a file's name, not {shown(url)!r}"
        )
    return url


class RemoteFile(BaseModel):
    """A file by the URLs that have it, and what tells that it is the right one."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    urls: list[Annotated[str, AfterValidator(parse_url)]] = Field(min_length=1)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    size: PositiveInt | None = None

    @property
    def name(self) -> str:
        return name_in(self.urls[0])


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


def check(path: Path, file: RemoteFile) -> str:
    """Return the SHA-256 of a file.

    Raises:
        PlaceError: it cannot be read, or its size or its SHA-256 is not the expected one.
    """
    try:
        with path.open("rb") as content:
            check_size(os.fstat(content.fileno()).st_size, file)
            found = hashlib.file_digest(content, "sha256").hexdigest()
    except OSError as error:
        raise PlaceError(str(error.strerror).lower()) from error
    if file.sha256 not in (None, found):
        raise PlaceError(f"SHA-256 is {found}, not the expected {file.sha256}")
    return found


def check_size(size: int | None, file: RemoteFile) -> None:
    if None not in (size, file.size) and size != file.size:
        raise PlaceError(f"has {size:,} bytes, not the expected {file.size:,}")


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


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


@dataclass
class Transfer:
    """A download from one URL, over all its attempts.

    `version` is what the server calls the version of the file; `resumed` tells that the partial
    file did not all come with the last answer.
    """

    url: str
    part: Path
    file: RemoteFile
    bar: Progress
    version: str | None = None
    resumed: bool = False
    received: int = 0


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


def receive(transfer: Transfer) -> None:
    """Get what is missing of a file, asking again as long as that brings it on.

    Raises:
        PlaceError: the server refuses it, or failed too often.
    """
    growing = backoff(multiplier=FIRST_WAIT, max=LONGEST_WAIT, jitter=FIRST_WAIT)
    retrying = Retrying(
        retry=retry_if(TransientError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=lambda state: max(growing(state), min(error_of(state).wait, LONGEST_WAIT)),
        before_sleep=lambda state: tell(
            f"{shown(transfer.url)}: {error_of(state)}; again in {state.upcoming_sleep:.0f} s"
        ),
        reraise=True,
    )
    while True:
        before = length(transfer.part)
        try:
            return retrying(attempt, transfer)
        except TransientError:
            if length(transfer.part) < before + WORTHWHILE:
                raise


def error_of(state: RetryCallState) -> Any:
    return state.outcome and state.outcome.exception()


def length(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def attempt(transfer: Transfer) -> None:
    """Ask once for what is missing of a file, and append it to the partial one.

    Raises:
        PlaceError: the server refuses it, has a file of another size, or the answer is cut.
    """
    file, part = transfer.file, transfer.part
    offset = length(part) if file.sha256 else 0  # else nothing would tell whether the rest fits
    transfer.resumed = offset > 0
    if offset == file.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    if offset and transfer.version:
        headers["If-Range"] = transfer.version
    try:
        answer = requests.get(transfer.url, headers=headers, stream=True, timeout=TIMEOUT)
    except (requests.RequestException, ValueError) as error:
        raise reason_of(error) from error
    with answer:
        content_range = answer.headers.get("Content-Range", "")
        rest = re.fullmatch(rf"bytes {offset}-\d+/(\d{{1,18}})", content_range)
        if answer.status_code == 206 and rest and int(rest[1]) > offset:
            total: int | None = int(rest[1])
        elif answer.status_code == 200:
            offset, total = 0, answer.raw.length_remaining
        elif offset and answer.status_code in (206, 416):
            part.unlink()
            raise TransientError("does not resume")
        else:
            raise refusal(answer)
        check_size(total, file)
        transfer.resumed = offset > 0
        tag = answer.headers.get("ETag", "")  # one of a weak kind is of no use here
        transfer.version = tag if tag.startswith('"') else answer.headers.get("Last-Modified")
        save(answer, offset, file.size if total is None else total, transfer)


def save(answer: requests.Response, offset: int, total: int | None, transfer: Transfer) -> None:
    """Write the body of an answer to the partial file, from `offset` on."""
    done, cut = offset, "cut off" if total is not None else ""
    [task] = transfer.bar.task_ids
    transfer.bar.reset(task, total=total, completed=done)
    with transfer.part.open("ab" if offset else "wb") as part:
        try:
            for chunk in answer.raw.stream(CHUNK, decode_content=False):
                done += len(chunk)
                transfer.received += len(chunk)
                if total is not None and done > total:
                    transfer.part.unlink()
                    raise PlaceError(f"sends more than the expected {total:,} bytes")
                part.write(chunk)
                transfer.bar.advance(task, len(chunk))
        except HTTPError as error:
            cut = "timed out" if isinstance(error, StalledError) else "cut off"
    if cut and done != total:
        of_total = "" if total is None else f" of {total:,}"
        raise TransientError(f"{cut} after {done:,}{of_total} bytes")


def refusal(answer: requests.Response) -> PlaceError:
    """Say with what status a server refused, and whether it is worth asking again."""
    status = answer.status_code
    phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else ""
    words = f"HTTP {status} {phrase}".rstrip()
    if status not in NOT_NOW and status < 500:
        return PlaceError(words)
    after = answer.headers.get("Retry-After", "")
    try:
        wait = (parsedate_to_datetime(after) - datetime.now(UTC)).total_seconds()
    except (TypeError, ValueError):
        wait = float(after) if after.isdecimal() else 0.0
    return TransientError(words, wait)


def reason_of(error: BaseException) -> PlaceError:
    """Say in a few words why there was no answer, and whether it is worth asking again."""
    proxy = "proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, requests.TooManyRedirects):
            return PlaceError("too many redirects")
        if isinstance(cause, ssl.SSLCertVerificationError):
            return PlaceError(f"{proxy}certificate refused: {cause.verify_message}")
        if isinstance(cause, ssl.SSLError):
            problem = str(cause.reason).replace("_", " ").lower()
            return TransientError(f"{proxy}TLS: {problem}")
        if isinstance(cause, socket.gaierror):
            again = cause.errno == socket.EAI_AGAIN
            return (TransientError if again else PlaceError)(f"{proxy}name not known")
        if isinstance(cause, TimeoutError):
            return TransientError(f"{proxy}timed out")
        if isinstance(cause, OSError) and cause.strerror:
            return TransientError(f"{proxy}{cause.strerror.lower()}")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, ValueError):
        return PlaceError("leads to no usable URL")
    return TransientError(f"{proxy}no answer")
