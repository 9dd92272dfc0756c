"""Downloads from a real HTTP server that fails in every way: whole and right, or one line."""

import base64
import hashlib
import io
import json
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from filelock import FileLock
from pydantic import ValidationError

from fathom.base.errors import FathomError
from fathom.download import http as module
from fathom.download.fetch import fetch
from fathom.download.remote_file import RemoteFile, shown

NAME = "images.gz"
CONTENT = hashlib.shake_256(b"right").digest(300_000)
WRONG = hashlib.shake_256(b"wrong").digest(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
WRONG_SHA256 = hashlib.sha256(WRONG).hexdigest()
UNEXPECTED = f"SHA-256 is {WRONG_SHA256}, not the expected {SHA256}"
REMEDY = (
    "put the file into a folder and name the folder with mirror in params.yaml or FATHOM_MIRROR"
)

FASHION = ROOT.parent / "shared/data/fashion-mnist"
FASHION_FILES = {
    "train-images-idx3-ubyte.gz": (
        "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84", 26421880,
    ),
    "train-labels-idx1-ubyte.gz": (
        "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845", 29515,
    ),
    "t10k-images-idx3-ubyte.gz": (
        "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073", 4422102,
    ),
    "t10k-labels-idx1-ubyte.gz": (
        "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5", 5148,
    ),
}  # fmt: skip

FETCH = """
import json, sys
from fathom.download.fetch import fetch
from fathom.download.remote_file import RemoteFile
print("asking", flush=True)
print(fetch(RemoteFile(**json.loads(sys.argv[1]))))
"""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        site: Site = self.server.site  # type: ignore[attr-defined]
        site.seen.append(self)
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
        """Say nothing of clients that hang up."""


Answer = Callable[[Handler], None]


class Site:
    """A web site: to each path the answers it gives in turn, the last one ever again."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Answer]] = {}
        self.seen: list[Handler] = []
        self.server = QuietServer(("127.0.0.1", 0), Handler)
        self.server.site = self  # type: ignore[attr-defined]
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=[0.01], daemon=True).start()

    def serve(self, *answers: Answer, path: str = f"/{NAME}") -> str:
        self.answers[path] = list(answers)
        return self.url + path

    def ranges(self) -> list[str | None]:
        return [request.headers["Range"] for request in self.seen]


def give(
    content: bytes = CONTENT,
    cut: int | None = None,
    tag: str | None = '"1"',
    ranges: bool = True,
    length: bool = True,
    shift: int = 0,
    stall: threading.Event | None = None,
    **headers: str,
) -> Answer:
    """Give a file as good servers do, save for what is asked for.

    Args:
        content: what the file holds.
        cut: hang up after this number of bytes.
        tag: its ETag.
        ranges: whether parts of it can be had.
        length: whether to tell how much comes.
        shift: start this number of bytes later than is said.
        stall: wait for this before hanging up, or before the answer without `cut`.
        headers: further headers, with _ for -.
    """

    def answer(handler: Handler) -> None:
        wanted = re.fullmatch(r"bytes=(\d+)-", handler.headers.get("Range", ""))
        same = handler.headers.get("If-Range", tag) == tag
        start = int(wanted[1]) if ranges and same and wanted else 0
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
        if tag:
            handler.send_header("ETag", tag)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(content[start + shift :][:cut])
        if stall and cut is not None:
            handler.wfile.flush()
            stall.wait(20)
        return None

    return answer


def status(code: int, **headers: str) -> Answer:
    def answer(handler: Handler) -> None:
        handler.send_response(code)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.send_header("Content-Length", "0")
        handler.end_headers()

    return answer


def silence(handler: Handler) -> None:
    """Hang up without an answer."""
    handler.close_connection = True


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.server.shutdown()
    site.server.socket.close()


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Return the cache's folder; whatever a test did, only right files have their names there."""
    folder = tmp_path / "cache"
    monkeypatch.setenv("FATHOM_CACHE", str(folder))
    monkeypatch.delenv("FATHOM_MIRROR", raising=False)
    monkeypatch.setenv("NO_PROXY", "*")
    monkeypatch.setattr(module, "FIRST_WAIT", 0.0)
    yield folder
    for file in names(folder):
        assert hashlib.sha256((folder / file).read_bytes()).hexdigest() == Path(file).parent.name


def names(folder: Path) -> list[str]:
    """Return the files in a cache that have their names."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    return [str(f.relative_to(folder)) for f in files if f.suffix not in (".part", ".lock")]


def part_of(cache: Path) -> Path:
    return cache / SHA256 / f"{NAME}.part"


def remote(*urls: str, sha256: str | None = SHA256, size: int | None = None) -> RemoteFile:
    return RemoteFile(urls=list(urls), sha256=sha256, size=size)


def error_of(file: RemoteFile, mirror: str | None = None) -> str:
    with pytest.raises(FathomError) as raised:
        fetch(file, mirror)
    message = str(raised.value)
    assert "\n" not in message
    return message


def cannot(*reasons: str) -> str:
    return f"{NAME} cannot be had: {'; '.join(reasons)}; {REMEDY}"


def closed_port() -> int:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port: int = unused.getsockname()[1]
        return port


def start(file: RemoteFile, **settings: Any) -> subprocess.Popen[str]:
    """Fetch in a process of its own, and return when it is about to."""
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, file.model_dump_json()],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "asking\n"
    return process


def test_file_comes_whole_with_one_line(
    site: Site, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = site.serve(give())
    path = fetch(remote(url, size=len(CONTENT)))
    assert path == cache / SHA256 / NAME
    assert path.read_bytes() == CONTENT
    assert not part_of(cache).exists()
    output = capsys.readouterr()
    line = rf"{NAME}: 300\.0 kB from {url}, \d+\.\d s, \d+(\.\d)? [kM]B/s\n"
    assert re.fullmatch(line, output.out)
    assert output.err == ""
    [request] = site.seen
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["Range"] is None


def test_empty_file_comes_too(site: Site) -> None:
    url = site.serve(give(b""))
    assert fetch(remote(url, sha256=hashlib.sha256(b"").hexdigest())).read_bytes() == b""


def test_what_is_in_the_cache_is_not_fetched_again(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = remote(site.serve(give()))
    path = fetch(file)
    capsys.readouterr()
    (tmp_path / NAME).write_bytes(CONTENT)
    assert fetch(file, str(tmp_path)) == path
    assert len(site.seen) == 1
    assert capsys.readouterr().out == ""


def test_damaged_file_in_the_cache_is_fetched_anew(site: Site) -> None:
    file = remote(site.serve(give()))
    path = fetch(file)
    path.write_bytes(WRONG)
    assert fetch(file) == path
    assert path.read_bytes() == CONTENT
    assert len(site.seen) == 2


def test_good_file_in_the_cache_survives_bad_places(site: Site, tmp_path: Path) -> None:
    path = fetch(remote(site.serve(give())))
    bad = site.serve(give(WRONG))
    (tmp_path / NAME).write_bytes(WRONG)
    assert fetch(remote(bad), str(tmp_path)) == path
    other = hashlib.sha256(b"other").hexdigest()
    message = error_of(remote(bad, sha256=other))
    assert f"{bad}: SHA-256 is {WRONG_SHA256}, not the expected {other}" in message
    assert path.read_bytes() == CONTENT


def test_compressed_file_is_left_compressed(site: Site) -> None:
    url = site.serve(give(Content_Encoding="gzip"))
    assert fetch(remote(url)).read_bytes() == CONTENT


@pytest.mark.parametrize("tag", ['"1"', None])
def test_cut_download_is_resumed(
    site: Site, tag: str | None, capsys: pytest.CaptureFixture[str]
) -> None:
    url = site.serve(give(cut=100_000, tag=tag), give(cut=150_000, tag=tag), give(tag=tag))
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, "bytes=100000-", "bytes=250000-"]
    assert [request.headers["If-Range"] for request in site.seen] == [None, tag, tag]
    assert capsys.readouterr().err == (
        f"{url}: cut off after 100,000 of 300,000 bytes; again in 0 s\n"
        f"{url}: cut off after 250,000 of 300,000 bytes; again in 0 s\n"
    )


def test_date_stands_in_for_a_weak_tag(site: Site) -> None:
    date = "Sat, 26 Aug 2017 12:00:00 GMT"
    bad = give(cut=100_000, tag='W/"1"', Last_Modified=date)
    assert fetch(remote(site.serve(bad, give(tag=date)))).read_bytes() == CONTENT
    assert site.ranges() == [None, "bytes=100000-"]
    assert site.seen[1].headers["If-Range"] == date


def test_cut_without_a_length_is_noticed_by_the_size(site: Site) -> None:
    url = site.serve(give(cut=100_000, length=False), give())
    assert fetch(remote(url, size=300_000)).read_bytes() == CONTENT
    assert site.ranges() == [None, "bytes=100000-"]


def test_cut_without_a_length_is_noticed_by_the_checksum(site: Site, cache: Path) -> None:
    url = site.serve(give(cut=100_000, length=False))
    found = hashlib.sha256(CONTENT[:100_000]).hexdigest()
    reason = f"{url}: SHA-256 is {found}, not the expected {SHA256}"
    assert error_of(remote(url)) == cannot(reason)
    assert not part_of(cache).exists()


def test_cut_in_chunks_is_noticed(site: Site) -> None:
    def chunked(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Transfer-Encoding", "chunked")
        handler.end_headers()
        handler.wfile.write(b"%x\r\n%s\r\n" % (100_000, CONTENT[:100_000]))

    url = site.serve(chunked, give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, "bytes=100000-"]


@pytest.mark.parametrize(
    ("second", "asked"),
    [
        (give(ranges=False), [None, "bytes=100000-"]),
        (status(416), [None, "bytes=100000-", None]),
        (give(shift=7), [None, "bytes=100000-", None]),
        (status(206), [None, "bytes=100000-", None]),
        (
            status(206, Content_Range="bytes 100000-299999/50000"),
            [None, "bytes=100000-", None],
        ),
    ],
)
def test_server_that_cannot_resume_starts_over(
    site: Site, second: Answer, asked: list[str | None]
) -> None:
    url = site.serve(give(cut=100_000), second, give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == asked


def test_file_changed_in_between_starts_over(site: Site) -> None:
    url = site.serve(give(WRONG, cut=100_000, tag='"old"'), give(tag='"new"'))
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert [request.headers["If-Range"] for request in site.seen] == [None, '"old"']


def test_file_changed_unnoticed_is_fetched_once_more(site: Site) -> None:
    url = site.serve(give(WRONG, cut=100_000, tag=None), give(tag=None))
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, "bytes=100000-", None]


def test_partial_file_of_an_earlier_run_is_resumed(site: Site, cache: Path) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT[:123_456])
    assert fetch(remote(site.serve(give()))).read_bytes() == CONTENT
    assert site.ranges() == ["bytes=123456-"]


def test_whole_partial_file_needs_no_server(cache: Path) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT)
    file = remote(f"http://127.0.0.1:{closed_port()}/{NAME}", size=len(CONTENT))
    assert fetch(file) == cache / SHA256 / NAME


@pytest.mark.parametrize("left", [WRONG[:100_000], WRONG, WRONG + WRONG])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_wrong_partial_file_is_thrown_away(
    site: Site, cache: Path, left: bytes, size: int | None
) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).write_bytes(left)
    assert fetch(remote(site.serve(give()), size=size)).read_bytes() == CONTENT
    assert site.ranges()[-1] is None
    assert len(site.seen) <= 2


def test_wrong_file_is_fetched_from_the_start_once(site: Site, cache: Path) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).write_bytes(CONTENT[:100_000])
    url = site.serve(give(WRONG))
    assert error_of(remote(url)) == cannot(f"{url}: {UNEXPECTED}")
    assert site.ranges() == ["bytes=100000-", None]
    assert not part_of(cache).exists()
    part_of(cache).write_bytes(CONTENT[:100_000])
    site.serve(give(WRONG, ranges=False))
    assert error_of(remote(url)) == cannot(f"{url}: {UNEXPECTED}")
    assert site.ranges()[2:] == ["bytes=100000-"]


def test_failed_download_stays_for_the_next_run(site: Site, cache: Path) -> None:
    url = site.serve(give(cut=100_000), status(404))
    assert error_of(remote(url)) == cannot(f"{url}: HTTP 404 Not Found")
    assert names(cache) == []
    assert part_of(cache).read_bytes() == CONTENT[:100_000]
    site.serve(give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges()[-1] == "bytes=100000-"


def test_next_url_resumes_what_the_first_began(site: Site) -> None:
    first = site.serve(give(cut=100_000, tag='"a"'), status(410), path=f"/a/{NAME}")
    second = site.serve(give(tag='"b"'), path=f"/b/{NAME}")
    assert fetch(remote(first, second)).read_bytes() == CONTENT
    assert site.seen[-1].headers["Range"] == "bytes=100000-"
    assert site.seen[-1].headers["If-Range"] is None


@pytest.mark.parametrize("code", [401, 403, 404, 410, 501, 299])
def test_refusals_are_told_in_full(site: Site, code: int) -> None:
    url = site.serve(status(code))
    phrases = {
        401: "401 Unauthorized", 403: "403 Forbidden", 404: "404 Not Found", 410: "410 Gone",
        501: "501 Not Implemented", 299: "299",
    }  # fmt: skip
    assert error_of(remote(url)) == cannot(f"{url}: HTTP {phrases[code]}")
    assert len(site.seen) == (module.ATTEMPTS if code == 501 else 1)


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_what_may_pass_is_asked_again(site: Site, code: int) -> None:
    url = site.serve(status(code), status(code), silence, give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert len(site.seen) == 4


def test_asking_ends(site: Site) -> None:
    url = site.serve(status(503))
    assert error_of(remote(url)) == cannot(f"{url}: HTTP 503 Service Unavailable")
    assert len(site.seen) == module.ATTEMPTS


def test_hanging_up_is_told(site: Site) -> None:
    url = site.serve(silence)
    assert error_of(remote(url)) == cannot(f"{url}: no answer")
    assert len(site.seen) == module.ATTEMPTS


def test_cuts_count_only_without_progress(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTHWHILE", 20_000)
    url = site.serve(give(cut=10_000))
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert len(site.seen) == 30


def test_cuts_at_the_same_place_end(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WORTHWHILE", 20_000)
    url = site.serve(give(cut=100_000, ranges=False))
    assert error_of(remote(url)) == cannot(f"{url}: cut off after 100,000 of 300,000 bytes")
    assert len(site.seen) == 2 * module.ATTEMPTS


@pytest.mark.parametrize(
    ("after", "shortest", "longest"),
    [
        ("7", 7, 7),
        ("86400", 60, 60),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 60, 60),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0, 0),
        ("soon", 0, 0),
        ("-5", 0, 0),
    ],
)
@pytest.mark.parametrize("code", [429, 503])
def test_server_says_when_to_ask_again(
    site: Site,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    after: str,
    shortest: float,
    longest: float,
    code: int,
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    url = site.serve(status(code, Retry_After=after), give())
    fetch(remote(url))
    [wait] = waits
    assert shortest <= wait <= longest
    assert capsys.readouterr().err.endswith(f"; again in {wait:.0f} s\n")


def test_waits_grow_and_differ(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr(module, "FIRST_WAIT", 1.0)
    for _ in range(2):
        error_of(remote(site.serve(status(500))))
    assert len(set(waits)) == 8
    for wait, shortest in zip(waits, [1, 2, 4, 8] * 2, strict=True):
        assert shortest <= wait <= shortest + 1


def test_stalled_server_times_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT", (5.0, 1.0))
    monkeypatch.setattr(module, "ATTEMPTS", 2)
    held = threading.Event()
    url = site.serve(give(cut=3 * module.CHUNK, stall=held), give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, f"bytes={3 * module.CHUNK}-"]
    before = site.serve(give(stall=held), path=f"/before/{NAME}")
    within = site.serve(give(b"x" * 300_000, cut=3 * module.CHUNK, stall=held, ranges=False),
                        path=f"/within/{NAME}")  # fmt: skip
    other = remote(before, within, sha256="0" * 64)
    reasons = f"{before}: timed out", f"{within}: timed out after 196,608 of 300,000 bytes"
    assert error_of(other) == cannot(*reasons)
    held.set()


def test_wrong_file_names_both_sums_and_the_next_url_is_asked(site: Site, cache: Path) -> None:
    bad = site.serve(give(WRONG), path=f"/bad/{NAME}")
    assert error_of(remote(bad)) == cannot(f"{bad}: {UNEXPECTED}")
    assert len(site.seen) == 1
    assert names(cache) == []
    assert not part_of(cache).exists()
    assert fetch(remote(bad, site.serve(give()))).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [True, False])
def test_file_of_another_size_is_not_taken(site: Site, cache: Path, length: bool) -> None:
    went_on = threading.Event()

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(CONTENT)
        went_on.set()

    url = site.serve(endless)
    said = "has 1,000,000,000,000 bytes, not the expected 300,000"
    sent = "sends more than the expected 300,000 bytes"
    assert error_of(remote(url, size=300_000)) == cannot(f"{url}: {said if length else sent}")
    assert len(site.seen) == 1
    assert not went_on.is_set()
    assert not part_of(cache).exists()


def test_redirects_are_followed(site: Site) -> None:
    to = site.serve(give(cut=100_000), give(), path="/there")
    url = site.serve(status(302, Location=to))
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, None, "bytes=100000-", "bytes=100000-"]


def test_redirects_that_lead_nowhere_are_told(site: Site) -> None:
    circle = site.serve(status(302, Location=f"/circle/{NAME}"), path=f"/circle/{NAME}")
    assert error_of(remote(circle)) == cannot(f"{circle}: too many redirects")
    for location in ("ftp://a/b", "file:///etc/hosts", "http://[a/b", "http://.a/b"):
        url = site.serve(status(302, Location=location))
        assert error_of(remote(url)) == cannot(f"{url}: leads to no usable URL")


def test_no_network_is_told(site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = f"http://127.0.0.1:{closed_port()}/{NAME}"
    unknown = f"https://nowhere.invalid/{NAME}"
    missing = (tmp_path / NAME).as_uri()
    assert error_of(remote(refused, unknown, missing)) == cannot(
        f"{refused}: connection refused",
        f"{unknown}: name not known",
        f"{missing}: no such file or directory",
    )
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    assert error_of(remote("http://a/images.gz")) == cannot(
        "http://a/images.gz: proxy: connection refused"
    )


def test_server_without_tls_is_told(site: Site) -> None:
    url = site.serve(give()).replace("http://", "https://")
    reason = "wrong version number|record layer failure"  # of older and newer OpenSSL
    assert re.fullmatch(cannot(f"{url}: TLS: ({reason})"), error_of(remote(url)))


def test_mirrors_come_before_urls(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path
) -> None:
    url = site.serve(give())
    monkeypatch.setenv("FATHOM_MIRROR", f"{site.url}/first/")
    with pytest.raises(FathomError) as raised:
        fetch(remote(f"{url}x"), f"{site.url}/second")
    asked = [f"/first/{NAME}x", f"/second/{NAME}x", f"/{NAME}x"]
    assert [request.path for request in site.seen] == asked
    reasons = [f"{site.url}{path}: HTTP 404 Not Found" for path in asked]
    assert str(raised.value) == f"{NAME}x cannot be had: {'; '.join(reasons)}; {REMEDY}"
    site.serve(give(), path=f"/second/{NAME}")
    assert fetch(remote(url), f"{site.url}/second") == cache / SHA256 / NAME
    assert [request.path for request in site.seen[3:]] == [f"/first/{NAME}", f"/second/{NAME}"]


def test_mirror_finds_a_name_of_any_characters(site: Site) -> None:
    site.serve(give(), path="/m/a%20%23%25%3F.gz")
    url = f"{site.url}/other/a%20%23%25%3f.gz"
    assert fetch(remote(url), f"{site.url}/m").name == "a #%?.gz"


def test_empty_variables_are_none(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fathom.download.fetch.user_cache_path", lambda name: tmp_path / "user" / name
    )
    monkeypatch.setenv("FATHOM_CACHE", "")
    monkeypatch.setenv("FATHOM_MIRROR", "")
    url = site.serve(status(404), give())
    assert error_of(remote(url), "") == cannot(f"{url}: HTTP 404 Not Found")
    assert fetch(remote(url)) == tmp_path / "user/fathom" / SHA256 / NAME


@pytest.mark.parametrize("kind", ["path", "home", "file", "localhost", "variable"])
def test_file_of_a_folder_is_used_in_place(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, kind: str
) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    (folder / "a b.gz").write_bytes(CONTENT)
    monkeypatch.setenv("HOME", str(tmp_path))
    mirror = {
        "path": str(folder),
        "home": "~/my data/",
        "file": folder.as_uri(),
        "localhost": folder.as_uri().replace("file://", "file://localhost"),
        "variable": None,
    }[kind]
    if kind == "variable":
        monkeypatch.setenv("FATHOM_MIRROR", str(folder))
    path = fetch(remote(f"{site.url}/a%20b.gz?x=1", size=len(CONTENT)), mirror)
    assert path == folder / "a b.gz"
    assert site.seen == []
    assert not cache.exists()


def test_file_url_is_used_in_place(tmp_path: Path) -> None:
    (tmp_path / "a b.gz").write_bytes(CONTENT)
    assert fetch(remote((tmp_path / "a b.gz").as_uri())) == tmp_path / "a b.gz"


def test_mirror_that_has_not_the_right_file_is_passed_over(
    site: Site, tmp_path: Path, cache: Path
) -> None:
    file = remote(site.serve(give()), size=len(CONTENT))
    assert fetch(file, str(tmp_path)) == cache / SHA256 / NAME
    for content in (WRONG, b"short"):
        (cache / SHA256 / NAME).unlink()
        (tmp_path / NAME).write_bytes(content)
        assert fetch(file, str(tmp_path)) == cache / SHA256 / NAME
        assert (tmp_path / NAME).read_bytes() == content


def test_mirrors_that_cannot_be_are_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATHOM_MIRROR", "s3://bucket/")
    (tmp_path / NAME).mkdir()
    short = tmp_path / "short"
    short.write_bytes(b"short")
    file = remote((tmp_path / NAME).as_uri(), short.as_uri(), "file://data/x", size=len(CONTENT))
    no_kind = "neither a folder nor a URL that begins with http://, https:// or file:///"
    assert error_of(file, f"{tmp_path}/none") == cannot(
        f"s3://bucket/{NAME}: {no_kind}",
        f"{tmp_path}/none/{NAME}: no such file or directory",
        f"file://{tmp_path}/{NAME}: is a directory",
        f"file://{tmp_path}/short: has 5 bytes, not the expected 300,000",
        f"file://data/x: {no_kind}",
    )
    assert error_of(file, "~nobody-of-that-name/x") == (
        f"~nobody-of-that-name/x/{NAME}: there is no such home folder"
    )


def test_unknown_checksum_is_told_and_the_file_kept(
    site: Site, cache: Path, tmp_path: Path
) -> None:
    url = site.serve(give(cut=100_000), give(), status(404))
    told = f"has SHA-256 {SHA256} and 300000 bytes; check it and write it beside the URL as sha256"
    assert error_of(remote(url, sha256=None)) == f"{url} {told}"
    assert site.ranges() == [None, None]
    assert fetch(remote(url)) == cache / SHA256 / NAME
    assert len(site.seen) == 2
    (tmp_path / NAME).write_bytes(CONTENT)
    assert error_of(remote(url, sha256=None), str(tmp_path)) == f"{tmp_path}/{NAME} {told}"


def test_passwords_and_tokens_are_used_but_never_told(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = site.serve(status(500), status(404), give(), path=f"/{NAME}?token=hidden")
    host = site.url.removeprefix("http://")
    monkeypatch.setenv("FATHOM_MIRROR", f"http://ann:hidden@{host}/m")
    file = remote(url.replace("//", "//ann:hidden@"))
    message = error_of(file)
    assert message == cannot(
        f"{site.url}/m/{NAME}: HTTP 404 Not Found", f"{site.url}/{NAME}?…: HTTP 404 Not Found"
    )
    fetch(file)
    output = capsys.readouterr()
    assert f"from {site.url}/{NAME}?…, " in output.out
    assert "hidden" not in output.out + output.err
    expected = "Basic " + base64.b64encode(b"ann:hidden").decode()
    assert {request.headers["Authorization"] for request in site.seen} == {expected}


@pytest.mark.parametrize(
    ("place", "told"),
    [
        ("http://a/x.gz", "http://a/x.gz"),
        ("http://a:8080/x@y.gz", "http://a:8080/x@y.gz"),
        ("http://u:p@a:8080/x", "http://a:8080/x"),
        ("http://u:p@p@a/x", "http://a/x"),
        ("http://u:p/p@a/x", "http://a/x"),
        ("http://u:p?p@a/x", "http://a/x"),
        ("http://token@a/x?key=k&b=c", "http://a/x?…"),
        ("/data/what?/a@b", "/data/what?/a@b"),
    ],
)
def test_places_are_shown_without_secrets(place: str, told: str) -> None:
    assert shown(place) == told


@pytest.mark.parametrize(
    "values",
    [
        {"urls": []},
        {"urls": ["ftp://ann:hidden@a/x"]},
        {"urls": ["images.gz"]},
        {"urls": ["http://a/"]},
        {"urls": ["http://a/.."]},
        {"urls": ["http://a:0/x"]},
        {"urls": ["http://a/%2e%2e"]},
        {"urls": ["http://a/x%00y"]},
        {"urls": ["http://ann:hidden/x@a/x"]},
        {"urls": ["http://[a/x"]},
        {"urls": ["http://a/x"], "sha256": SHA256.upper()},
        {"urls": ["http://a/x"], "sha256": "hidden"},
        {"urls": ["http://a/x"], "sha256": SHA256 + "\n"},
        {"urls": ["http://a/x"], "size": 0},
        {"urls": ["http://a/x"], "size": "5"},
        {"urls": ["http://a/x"], "md5": "hidden"},
    ],
)
def test_impossible_files_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError) as raised:
        RemoteFile(**values)
    assert "hidden" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("http://a/b/x.gz?c=/d#e", "x.gz"),
        ("http://a/a%20b.gz", "a b.gz"),
        ("http://a/..%2f..%2fx", "x"),
        ("file:///a/x", "x"),
    ],
)
def test_name_is_the_last_of_the_url(url: str, name: str) -> None:
    assert RemoteFile(urls=[url, "http://b/y"]).name == name


@pytest.mark.slow
def test_killed_download_is_resumed(site: Site, cache: Path) -> None:
    held = threading.Event()
    file = remote(site.serve(give(cut=200_000, stall=held), give()))
    process = start(file)
    whole_chunks = 200_000 // module.CHUNK * module.CHUNK
    while module.length(part_of(cache)) < whole_chunks:
        assert process.poll() is None
        time.sleep(0.01)
    assert names(cache) == []
    process.send_signal(signal.SIGKILL)
    process.communicate()
    held.set()
    assert names(cache) == []
    assert fetch(file).read_bytes() == CONTENT
    assert site.ranges() == [None, f"bytes={whole_chunks}-"]


@pytest.mark.slow
def test_two_processes_download_once(site: Site, cache: Path) -> None:
    asked, held = threading.Event(), threading.Event()

    def answer(handler: Handler) -> None:
        asked.set()
        give(stall=held)(handler)

    file = remote(site.serve(answer))
    first = start(file)
    assert asked.wait(20)
    second = start(file)
    assert second.stderr is not None
    waiting = f"{NAME}: waiting for another process that fetches it\n"
    assert second.stderr.readline() == waiting
    held.set()
    for process in (first, second):
        output, error = process.communicate(timeout=20)
        assert output.splitlines()[-1] == str(cache / SHA256 / NAME)
        assert error == ""
    assert len(site.seen) == 1


def test_a_fetch_waits_for_another(
    site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr("fathom.download.fetch.tell", lines.put)
    kept = cache / SHA256 / NAME
    kept.parent.mkdir(parents=True)
    with ThreadPoolExecutor(1) as pool:
        with FileLock(f"{kept}.lock"):
            fetched = pool.submit(fetch, remote(site.serve(give())))
            line = f"{NAME}: waiting for another process that fetches it"
            assert lines.get(timeout=20) == line
            assert not fetched.done()
            assert site.seen == []
        assert fetched.result(timeout=20).read_bytes() == CONTENT


def test_cache_that_cannot_be_written_is_told(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = site.serve(give())
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("FATHOM_CACHE", str(file))
    folder = "make room for downloads, or name another folder for them with FATHOM_CACHE"
    assert error_of(remote(url)) == f"{file}/{SHA256}: Not a directory; {folder}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_full_disk_is_told(site: Site, cache: Path) -> None:
    part_of(cache).parent.mkdir(parents=True)
    part_of(cache).symlink_to("/dev/full")
    assert error_of(remote(site.serve(give()))) == (
        f"{cache}/{SHA256}/{NAME}: No space left on device; "
        "make room for downloads, or name another folder for them with FATHOM_CACHE"
    )


def test_terminal_shows_a_bar(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(remote(site.serve(give(cut=100_000), give(), path="/%5Bb%5Dx.gz")))
    drawn = terminal.getvalue()
    plain = re.sub(r"\x1b\[[\d;]*m", "", drawn)
    assert re.search(r"\[b\]x\.gz ━+ +100% 0:00:00 300\.0/300\.0 kB", plain)
    assert drawn.endswith("\x1b[2K")  # the bar goes, the line of standard output stays


@pytest.fixture
def fashion() -> Path:
    if not FASHION.is_dir():
        pytest.skip(f"there is no {FASHION}")
    return FASHION


@pytest.mark.parametrize("name", FASHION_FILES)
def test_fashion_mnist_comes_whole(site: Site, cache: Path, fashion: Path, name: str) -> None:
    sha256, size = FASHION_FILES[name]
    content = (fashion / name).read_bytes()
    url = site.serve(give(content, cut=size // 3), give(content), path=f"/{name}")
    path = fetch(remote(f"{site.url}/none/{name}", url, sha256=sha256, size=size))
    assert path == cache / sha256 / name
    assert path.read_bytes() == content
    assert site.ranges() == [None, None, f"bytes={size // 3}-"]


@pytest.mark.parametrize("name", FASHION_FILES)
def test_fashion_mnist_is_used_in_place(fashion: Path, name: str) -> None:
    sha256, size = FASHION_FILES[name]
    file = remote(f"http://nowhere.invalid/{name}", sha256=sha256, size=size)
    assert fetch(file, str(fashion)) == fashion / name
    assert json.loads(file.model_dump_json()) == {
        "urls": [f"http://nowhere.invalid/{name}"],
        "sha256": sha256,
        "size": size,
    }
