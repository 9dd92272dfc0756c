"""Interrupted downloads resume, and failed requests are repeated."""

import hashlib
import threading
import time
from pathlib import Path

import pytest
from web import (
    CONTENT,
    NAME,
    SHA256,
    UNEXPECTED,
    WRONG,
    Answer,
    Handler,
    Site,
    cached_files,
    cannot,
    closed_port,
    error_of,
    give,
    partial_file,
    remote,
    send_headers,
    silence,
    status,
)
from web import cache as cache
from web import site as site

from fathom.download import http
from fathom.download.fetch import fetch


def test_cut_download_is_resumed(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    url = site.serve(give(cut=100_000), give(cut=150_000), give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, "bytes=100000-", "bytes=250000-"]
    assert capsys.readouterr().err == (
        f"{url}: cut off after 100,000 of 300,000 bytes; retry in 0 s\n"
        f"{url}: cut off after 250,000 of 300,000 bytes; retry in 0 s\n"
    )


def test_cut_without_a_length_is_noticed_by_the_checksum(site: Site, cache: Path) -> None:
    url = site.serve(give(cut=100_000, length=False))
    sha256 = hashlib.sha256(CONTENT[:100_000]).hexdigest()
    reason = f"{url}: SHA-256 is {sha256}, not the expected {SHA256}"
    assert error_of(remote(url)) == cannot(reason)
    assert not partial_file(cache).exists()


def cut_chunks(handler: Handler) -> None:
    handler.send_response(200)
    send_headers(handler, {"Transfer-Encoding": "chunked"})
    handler.wfile.write(b"%x\r\n%s\r\n" % (100_000, CONTENT[:100_000]))


CUT, RESUMED, AGAIN = give(cut=100_000), [None, "bytes=100000-"], [None, "bytes=100000-", None]


@pytest.mark.parametrize(
    ("answers", "size", "ranges"),
    [
        ([give(cut=100_000, length=False)], 300_000, RESUMED),
        ([cut_chunks], None, RESUMED),
        ([CUT, give(ranges=False)], None, RESUMED),
        ([CUT, status(416)], None, AGAIN),
        ([CUT, give(shift=7)], None, AGAIN),
        ([CUT, status(206)], None, AGAIN),
        ([CUT, status(206, Content_Range="bytes 100000-299999/50000")], None, AGAIN),
        ([give(WRONG, cut=100_000)], None, AGAIN),  # the file changes
    ],
)
def test_cut_download_resumes_or_starts_over(
    site: Site, answers: list[Answer], size: int | None, ranges: list[str | None]
) -> None:
    url = site.serve(*answers, give())
    assert fetch(remote(url, size=size)).read_bytes() == CONTENT
    assert site.ranges() == ranges


def test_partial_file_of_an_earlier_run(site: Site, cache: Path) -> None:
    partial_file(cache, CONTENT[:123_456])
    path = fetch(remote(site.serve(give())))
    assert path.read_bytes() == CONTENT
    assert site.ranges() == ["bytes=123456-"]
    path.rename(partial_file(cache))  # complete: needs no server
    file = remote(f"http://127.0.0.1:{closed_port()}/{NAME}", size=len(CONTENT))
    assert fetch(file) == cache / SHA256 / NAME


@pytest.mark.parametrize("content", [WRONG[:100_000], WRONG, WRONG + WRONG])
@pytest.mark.parametrize("size", [None, len(CONTENT)])
def test_wrong_partial_file_is_replaced(
    site: Site, cache: Path, content: bytes, size: int | None
) -> None:
    partial_file(cache, content)
    assert fetch(remote(site.serve(give()), size=size)).read_bytes() == CONTENT
    assert site.ranges()[-1] is None
    assert len(site.requests) <= 2


def test_wrong_file_is_downloaded_from_the_start_once(site: Site, cache: Path) -> None:
    for ranges, expected in ((True, ["bytes=100000-", None]), (False, ["bytes=100000-"])):
        partial_file(cache, CONTENT[:100_000])
        site.requests.clear()
        url = site.serve(give(WRONG, ranges=ranges))
        assert error_of(remote(url)) == cannot(f"{url}: {UNEXPECTED}")
        assert site.ranges() == expected
        assert not partial_file(cache).exists()


def test_failed_download_stays_for_the_next_run(site: Site, cache: Path) -> None:
    url = site.serve(give(cut=100_000), status(404))
    assert error_of(remote(url)) == cannot(f"{url}: HTTP 404 Not Found")
    assert cached_files(cache) == []
    assert partial_file(cache).read_bytes() == CONTENT[:100_000]
    site.serve(give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges()[-1] == "bytes=100000-"


def test_next_url_resumes_the_download_of_the_first(site: Site) -> None:
    first = site.serve(give(cut=100_000), status(410), path=f"/a/{NAME}")
    second = site.serve(give(), path=f"/b/{NAME}")
    assert fetch(remote(first, second)).read_bytes() == CONTENT
    assert site.ranges()[-1] == "bytes=100000-"


@pytest.mark.parametrize(
    ("answer", "reason", "attempts"),
    [
        (status(401), "HTTP 401 Unauthorized", 1),
        (status(403), "HTTP 403 Forbidden", 1),
        (status(404), "HTTP 404 Not Found", 1),
        (status(410), "HTTP 410 Gone", 1),
        (status(299), "HTTP 299", 1),
        (status(501), "HTTP 501 Not Implemented", http.ATTEMPTS),
        (status(503), "HTTP 503 Service Unavailable", http.ATTEMPTS),
        (silence, "no response", http.ATTEMPTS),
    ],
)
def test_reasons_and_attempts(site: Site, answer: Answer, reason: str, attempts: int) -> None:
    url = site.serve(answer)
    assert error_of(remote(url)) == cannot(f"{url}: {reason}")
    assert len(site.requests) == attempts


@pytest.mark.parametrize("code", [408, 425, 429, 500, 502, 503, 504])
def test_transient_errors_are_retried(site: Site, code: int) -> None:
    url = site.serve(status(code), status(code), silence, give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert len(site.requests) == 4


def test_cuts_count_only_without_progress(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MIN_PROGRESS", 20_000)
    url = site.serve(give(cut=10_000))
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert len(site.requests) == 30
    url = site.serve(give(b"x" * 300_000, cut=100_000, ranges=False))
    reason = f"{url}: cut off after 100,000 of 300,000 bytes"
    assert error_of(remote(url, sha256="0" * 64)) == cannot(reason)
    assert len(site.requests) == 30 + 2 * http.ATTEMPTS


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
def test_server_sets_the_wait(
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
    fetch(remote(site.serve(status(code, Retry_After=after), give())))
    [wait] = waits
    assert shortest <= wait <= longest
    assert capsys.readouterr().err.endswith(f"; retry in {wait:.0f} s\n")


def test_waits_grow_and_differ(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: list[float] = []
    monkeypatch.setattr(time, "sleep", waits.append)
    monkeypatch.setattr(http, "FIRST_WAIT", 1.0)
    for _ in range(2):
        error_of(remote(site.serve(status(500))))
    assert len(set(waits)) == 8
    for wait, shortest in zip(waits, [1, 2, 4, 8] * 2, strict=True):
        assert shortest <= wait <= shortest + 1


def test_stalled_server_times_out(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "TIMEOUT", (5.0, 0.7))
    monkeypatch.setattr(http, "ATTEMPTS", 2)
    held = threading.Event()
    cut = 3 * http.CHUNK
    url = site.serve(give(cut=cut, stall=held), give())
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, f"bytes={cut}-"]
    monkeypatch.setattr(http, "ATTEMPTS", 1)
    before = site.serve(give(stall=held), path=f"/before/{NAME}")
    endless = give(b"x" * 300_000, cut=cut, stall=held, ranges=False)
    within = site.serve(endless, path=f"/within/{NAME}")
    reasons = f"{before}: timed out", f"{within}: timed out after 196,608 of 300,000 bytes"
    assert error_of(remote(before, within, sha256="0" * 64)) == cannot(*reasons)
    held.set()
