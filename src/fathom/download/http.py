"""One file from one URL by HTTP: resumed where it was cut, and asked for again."""

import re
import socket
import ssl
import sys
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from rich.progress import Progress
from tenacity import RetryCallState, Retrying, stop_after_attempt
from tenacity import retry_if_exception_type as retry_if
from tenacity import wait_exponential_jitter as backoff
from urllib3.exceptions import HTTPError
from urllib3.exceptions import TimeoutError as StalledError

from fathom.download.remote_file import PlaceError, RemoteFile, TransientError, check_size, shown

CHUNK = 2**16
TIMEOUT = (10.0, 60.0)  # seconds until the connection stands, and without a byte
ATTEMPTS = 5  # that together bring less than WORTHWHILE bytes
WORTHWHILE = 2**20
FIRST_WAIT = 1.0  # seconds, doubled with each attempt
LONGEST_WAIT = 60.0  # also where the server asks for more
NOT_NOW = (408, 425, 429)  # as all from 500 on


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


def tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
