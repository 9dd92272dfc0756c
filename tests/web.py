"""A real HTTP server that fails in every way, and what tests of downloads expect of it."""

import hashlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from fathom.base.errors import FathomError
from fathom.download import http
from fathom.download.fetch import fetch
from fathom.download.remote_file import RemoteFile

NAME = "images.gz"
CONTENT = hashlib.shake_256(b"right").digest(300_000)
WRONG = hashlib.shake_256(b"wrong").digest(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG_SHA256 = hashlib.sha256(WRONG).hexdigest()
UNEXPECTED = f"SHA-256 is {WRONG_SHA256}, not the expected {SHA256}"


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        site.requests.append(self)
        answers = site.answers.get(self.path, [status(404)])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        answer(self)

    def end_headers(self) -> None:
        self.send_header("Connection", "close")
        super().end_headers()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        pass


class QuietServer(ThreadingHTTPServer):
    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing about clients that hang up."""


Answer = Callable[[Handler], None]


class Site:
    """A web site with a list of answers for each path; the last one is repeated."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.requests: list[Handler] = []
        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.server.site = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def serve(self, *answers: Answer, path: str = f"/{NAME}") -> str:
        self.answers[path] = list(answers)
        return self.url + path

    def ranges(self) -> list[str | None]:
        return [request.headers["Range"] for request in self.requests]

    def paths(self) -> list[str]:
        return [request.path for request in self.requests]


def give(
    content: bytes = CONTENT,
    cut: int | None = None,
    ranges: bool = True,
    length: bool = True,
    shift: int = 0,
    stall: threading.Event | None = None,
    **headers: str,
) -> Answer:
    """Send a file, with faults on demand.

    The server hangs up after `cut` bytes, and starts `shift` bytes later than its header says. It
    waits for `stall` before it hangs up, or before its response without `cut`.
    """

    def answer(handler: Handler) -> None:
        requested = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        start = int(requested[1]) if ranges and requested else 0
        if stall and cut is None:
            stall.wait(20)
        if start >= len(content) > 0:
            return status(416)(handler)
        handler.send_response(206 if start else 200)
        if start:
            last = len(content) - 1
            handler.send_header("Content-Range", f"bytes {start + shift}-{last}/{len(content)}")
        if length:
            handler.send_header("Content-Length", str(len(content) - start - shift))
        send_headers(handler, headers)
        handler.wfile.write(content[start + shift :][:cut])
        if stall and cut is not None:
            handler.wfile.flush()
            stall.wait(20)
        return None

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        send_headers(handler, {"Content-Length": "0"} | headers)

    return answer


def send_headers(handler: Handler, headers: dict[str, str]) -> None:
    for name, value in headers.items():
        handler.send_header(name.replace("_", "-"), value)
    handler.end_headers()


def silence(handler: Handler) -> None:
    """Hang up without a response."""
    handler.close_connection = True


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.socket.close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the folder of the cache; after each test it has only valid files."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("FATHOM_CACHE", str(folder))
    monkeypatch.delenv("FATHOM_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(http, "FIRST_WAIT", 0.0)
    yield folder
    for file in cached_files(folder):
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == Path(file).parent.name


def cached_files(folder: Path) -> list[str]:
    """Return the completed files in a cache."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(f.relative_to(folder)) for f in files if f.suffix not in (".part", ".lock")]


def partial_file(cache: Path, content: bytes | None = None) -> Path:
    """Return the path of the partial file, after writing content to it."""
    path = cache / SHA256 / f"{NAME}.part"
    if content is not None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path


def remote(*urls: str, sha256: str | None = SHA256, size: int | None = None) -> RemoteFile:
    return RemoteFile(urls=list(urls), sha256=sha256, size=size)


def error_of(file: RemoteFile, mirror: str | None = None) -> str:
    with pytest.raises(FathomError) as raised:
        fetch(file, mirror)
    message = str(raised.value)
    assert "\n" not in message
    return message


def cannot(*reasons: str, name: str = NAME) -> str:
    return (
        f"{name} cannot be downloaded: {'; '.join(reasons)}; put the file into a folder and set "
        "the folder as mirror in params.yaml or as FATHOM_MIRROR"
    )


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port
