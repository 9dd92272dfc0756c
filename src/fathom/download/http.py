"""Download of one file by HTTP: interrupted transfers resume, failed requests are repeated."""

import re
import socket
import ssl
import sys
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import requests
from rich.progress import Progress
from tenacity import RetryCallState, Retrying, stop_after_attempt
from tenacity import retry_if_exception_type as retry_if
from tenacity import wait_exponential_jitter as backoff
from urllib3 import Retry
from urllib3.exceptions import HTTPError, InvalidHeader
from urllib3.exceptions import TimeoutError as StalledError

from fathom.download.remote_file import PlaceError, RemoteFile, TransientError, redact

CHUNK = 2**16
TIMEOUT = (10.0, 60.0)  # seconds to connect, and between two bytes
ATTEMPTS = 5  # before the download fails, unless they bring MIN_PROGRESS bytes
MIN_PROGRESS = 2**20
FIRST_WAIT = 1.0  # seconds, doubled with each attempt
LONGEST_WAIT = 60.0  # also if the server requests more
RETRY_STATUSES = (408, 425, 429)  # in addition to 500 and above


@dataclass
class Transfer:
    """A download from one URL over all its attempts."""

    url: str
    partial: Path
    file: RemoteFile
    bar: Progress
    resumed: bool = False  # part of the partial file came with an earlier response
    received: int = 0


def receive(transfer: Transfer) -> None:
    """Complete the partial file, with new attempts as long as they make progress."""
    growing = backoff(multiplier=FIRST_WAIT, max=LONGEST_WAIT, jitter=FIRST_WAIT)
    retrying = Retrying(
        retry=retry_if(TransientError),
        stop=stop_after_attempt(ATTEMPTS),
        wait=lambda state: max(growing(state), min(error_of(state).wait, LONGEST_WAIT)),
        before_sleep=lambda state: print_error(
            f"{redact(transfer.url)}: {error_of(state)}; retry in {state.upcoming_sleep:.0f} s"
        ),
        reraise=True,
    )
    while True:
        before = file_size(transfer.partial)
        try:
            return retrying(request, transfer)
        except TransientError:
            if file_size(transfer.partial) < before + MIN_PROGRESS:
                raise


def error_of(state: RetryCallState) -> Any:
    return state.outcome and state.outcome.exception()


def file_size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0


def request(transfer: Transfer) -> None:
    """Request the missing rest of the file once, and append it to the partial file."""
    file, partial = transfer.file, transfer.partial
    offset = file_size(partial) if file.sha256 else 0  # without a checksum, the rest may not fit
    transfer.resumed = offset > 0
    if offset == file.size:
        return
    headers = {"Accept-Encoding": "identity"}
    if offset:
        headers["Range"] = f"bytes={offset}-"
    try:
        response = requests.get(transfer.url, headers=headers, stream=True, timeout=TIMEOUT)
    except (requests.RequestException, ValueError) as error:
        raise connection_error(error) from error
    with response:
        content_range = response.headers.get("Content-Range", "")
        rest = re.fullmatch(rf"bytes {offset}-\d+/(\d{{1,18}})", content_range)
        if response.status_code == 206 and rest and int(rest[1]) > offset:
            total: int | None = int(rest[1])
        elif response.status_code == 200:
            offset, total = 0, response.raw.length_remaining
        elif offset and response.status_code in (206, 416):
            partial.unlink()
            raise TransientError("does not resume")
        else:
            raise status_error(response)
        file.check_size(total)
        transfer.resumed = offset > 0
        save_body(response, offset, file.size if total is None else total, transfer)


def save_body(
    response: requests.Response, offset: int, total: int | None, transfer: Transfer
) -> None:
    """Write the body of a response to the partial file, from `offset` on."""
    size, failure = offset, "" if total is None else "cut off"
    [task] = transfer.bar.task_ids
    transfer.bar.reset(task, total=total, completed=size)
    with transfer.partial.open("ab" if offset else "wb") as partial:
        try:
            for chunk in response.raw.stream(CHUNK, decode_content=False):
                size += len(chunk)
                transfer.received += len(chunk)
                if total is not None and size > total:
                    transfer.partial.unlink()
                    raise PlaceError(f"sends more than the expected {total:,} bytes")
                partial.write(chunk)
                transfer.bar.advance(task, len(chunk))
        except HTTPError as error:
            failure = "timed out" if isinstance(error, StalledError) else "cut off"
    if failure and size != total:
        of_total = "" if total is None else f" of {total:,}"
        raise TransientError(f"{failure} after {size:,}{of_total} bytes")


def status_error(response: requests.Response) -> PlaceError:
    status = response.status_code
    phrase = HTTPStatus(status).phrase if status in list(HTTPStatus) else ""
    text = f"HTTP {status} {phrase}".rstrip()
    if status not in RETRY_STATUSES and status < 500:
        return PlaceError(text)
    try:
        wait = Retry().parse_retry_after(response.headers.get("Retry-After", ""))
    except InvalidHeader:
        wait = 0.0
    return TransientError(text, wait)


def connection_error(error: BaseException) -> PlaceError:
    proxy = "proxy: " if isinstance(error, requests.exceptions.ProxyError) else ""
    cause: BaseException | None = error
    while cause is not None:
        match cause:
            case requests.TooManyRedirects():
                return PlaceError("too many redirects")
            case ssl.SSLCertVerificationError():
                return PlaceError(f"{proxy}invalid certificate: {cause.verify_message}")
            case ssl.SSLError():
                reason = str(cause.reason).replace("_", " ").lower()
                return TransientError(f"{proxy}TLS: {reason}")
            case socket.gaierror(errno=socket.EAI_AGAIN):
                return TransientError(f"{proxy}unknown host")
            case socket.gaierror():
                return PlaceError(f"{proxy}unknown host")
            case TimeoutError():
                return TransientError(f"{proxy}timed out")
            case OSError(strerror=str(reason)) if reason:
                return TransientError(f"{proxy}{reason.lower()}")
        cause = cause.__cause__ or cause.__context__
    if isinstance(error, ValueError):
        return PlaceError("invalid URL, perhaps after a redirect")
    return TransientError(f"{proxy}no response")


def print_error(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
