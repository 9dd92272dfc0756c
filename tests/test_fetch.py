"""A download is complete and verified, or refused with one line."""

import hashlib
import io
import os
import queue
import re
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from conftest import ROOT
from filelock import FileLock
from web import (
    CONTENT,
    NAME,
    SHA256,
    UNEXPECTED,
    WRONG,
    WRONG_SHA256,
    Handler,
    Site,
    cached_files,
    cannot,
    error_of,
    give,
    partial_file,
    remote,
    status,
)
from web import cache as cache
from web import site as site

from fathom.download import http
from fathom.download.fetch import fetch
from fathom.download.remote_file import RemoteFile

FETCH = """
import json, sys
from fathom.download.fetch import fetch
from fathom.download.remote_file import RemoteFile
print("start", flush=True)
print(fetch(RemoteFile(**json.loads(sys.argv[1]))))
"""


def start(file: RemoteFile, **settings: Any) -> subprocess.Popen[str]:
    """Start a process that fetches a file, and return when it is about to."""
    process = subprocess.Popen(
        [sys.executable, "-c", FETCH, file.model_dump_json()],
        env=os.environ | {"PYTHONPATH": str(ROOT / "src")},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        **settings,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "start\n"
    return process


def test_file_is_complete_with_one_line(
    site: Site, cache: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url = site.serve(give())
    path = fetch(remote(url, size=len(CONTENT)))
    assert path == cache / SHA256 / NAME
    assert path.read_bytes() == CONTENT
    assert not partial_file(cache).exists()
    output = capsys.readouterr()
    line = rf"{NAME}: 300\.0 kB from {url}, \d+\.\d s, \d+(\.\d)? [kM]B/s\n"
    assert re.fullmatch(line, output.out)
    assert output.err == ""
    [request] = site.requests
    assert request.headers["Accept-Encoding"] == "identity"
    assert request.headers["Range"] is None


def test_empty_and_compressed_files_remain_as_they_are(site: Site) -> None:
    url = site.serve(give(b""))
    assert fetch(remote(url, sha256=hashlib.sha256(b"").hexdigest())).read_bytes() == b""
    url = site.serve(give(Content_Encoding="gzip"))
    assert fetch(remote(url)).read_bytes() == CONTENT


def test_cached_file_is_not_downloaded_again_unless_damaged(
    site: Site, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    file = remote(site.serve(give()))
    path = fetch(file)
    capsys.readouterr()
    (tmp_path / NAME).write_bytes(CONTENT)
    assert fetch(file, str(tmp_path)) == path
    assert len(site.requests) == 1
    assert capsys.readouterr().out == ""
    path.write_bytes(WRONG)
    assert fetch(file) == path
    assert path.read_bytes() == CONTENT
    assert len(site.requests) == 2


def test_cached_file_survives_bad_places(site: Site, tmp_path: Path) -> None:
    path = fetch(remote(site.serve(give())))
    bad = site.serve(give(WRONG))
    (tmp_path / NAME).write_bytes(WRONG)
    assert fetch(remote(bad), str(tmp_path)) == path
    other = hashlib.sha256(b"other").hexdigest()
    message = error_of(remote(bad, sha256=other))
    assert f"{bad}: SHA-256 is {WRONG_SHA256}, not the expected {other}" in message
    assert path.read_bytes() == CONTENT


def test_wrong_file_names_both_checksums_and_the_next_url_is_tried(site: Site, cache: Path) -> None:
    bad = site.serve(give(WRONG), path=f"/bad/{NAME}")
    assert error_of(remote(bad)) == cannot(f"{bad}: {UNEXPECTED}")
    assert len(site.requests) == 1
    assert cached_files(cache) == []
    assert not partial_file(cache).exists()
    assert fetch(remote(bad, site.serve(give()))).read_bytes() == CONTENT


@pytest.mark.parametrize("length", [True, False])
def test_file_of_another_size_is_not_downloaded(site: Site, cache: Path, length: bool) -> None:
    finished = threading.Event()

    def endless(handler: Handler) -> None:
        handler.send_response(200)
        if length:
            handler.send_header("Content-Length", str(10**12))
        handler.end_headers()
        for _ in range(10_000):
            handler.wfile.write(CONTENT)
        finished.set()

    url = site.serve(endless)
    reason = "sends more than the expected 300,000 bytes"
    if length:
        reason = "has 1,000,000,000,000 bytes, not the expected 300,000"
    assert error_of(remote(url, size=300_000)) == cannot(f"{url}: {reason}")
    assert len(site.requests) == 1
    assert not finished.is_set()
    assert not partial_file(cache).exists()


def test_unknown_checksum_is_printed_and_the_file_kept(
    site: Site, cache: Path, tmp_path: Path
) -> None:
    url = site.serve(give(cut=100_000), give(), status(404))
    advice = (
        f"has SHA-256 {SHA256} and 300000 bytes; check the file and add its sha256 beside the URL"
    )
    assert error_of(remote(url, sha256=None)) == f"{url} {advice}"
    assert site.ranges() == [None, None]
    assert fetch(remote(url)) == cache / SHA256 / NAME
    assert len(site.requests) == 2
    (tmp_path / NAME).write_bytes(CONTENT)
    assert error_of(remote(url, sha256=None), str(tmp_path)) == f"{tmp_path}/{NAME} {advice}"


@pytest.mark.slow
def test_killed_download_is_resumed(site: Site, cache: Path) -> None:
    held = threading.Event()
    file = remote(site.serve(give(cut=200_000, stall=held), give()))
    process = start(file)
    whole_chunks = 200_000 // http.CHUNK * http.CHUNK
    while http.file_size(partial_file(cache)) < whole_chunks:
        assert process.poll() is None
        time.sleep(0.01)
    assert cached_files(cache) == []
    process.send_signal(signal.SIGKILL)
    process.communicate()
    held.set()
    assert cached_files(cache) == []
    assert fetch(file).read_bytes() == CONTENT
    assert site.ranges() == [None, f"bytes={whole_chunks}-"]


WAITING = f"{NAME}: waiting for another process that downloads it"


@pytest.mark.slow
def test_two_processes_download_once(site: Site, cache: Path) -> None:
    started, held = threading.Event(), threading.Event()

    def answer(handler: Handler) -> None:
        started.set()
        give(stall=held)(handler)

    file = remote(site.serve(answer))
    first = start(file)
    assert started.wait(20)
    second = start(file)
    assert second.stderr is not None
    assert second.stderr.readline() == f"{WAITING}\n"
    held.set()
    for process in (first, second):
        output, error = process.communicate(timeout=20)
        assert output.splitlines()[-1] == str(cache / SHA256 / NAME)
        assert error == ""
    assert len(site.requests) == 1


def test_fetch_waits_for_another(site: Site, cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lines: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr("fathom.download.fetch.print_error", lines.put)
    path = cache / SHA256 / NAME
    path.parent.mkdir(parents=True)
    with ThreadPoolExecutor(1) as pool:
        with FileLock(f"{path}.lock"):
            download = pool.submit(fetch, remote(site.serve(give())))
            assert lines.get(timeout=20) == WAITING
            assert not download.done()
            assert site.requests == []
        assert download.result(timeout=20).read_bytes() == CONTENT


NO_SPACE = "free disk space, or set another folder for downloads with FATHOM_CACHE"


def test_refuses_an_unwritable_cache(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "file"
    file.touch()
    monkeypatch.setenv("FATHOM_CACHE", str(file))
    message = error_of(remote(site.serve(give())))
    assert message == f"{file}/{SHA256}: Not a directory; {NO_SPACE}"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is full")
def test_refuses_a_full_disk(site: Site, cache: Path) -> None:
    partial_file(cache).parent.mkdir(parents=True)
    partial_file(cache).symlink_to("/dev/full")
    message = error_of(remote(site.serve(give())))
    assert message == f"{cache}/{SHA256}/{NAME}: No space left on device; {NO_SPACE}"


def test_terminal_shows_a_bar(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    terminal = Terminal()
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    monkeypatch.setattr(sys, "stderr", terminal)
    fetch(remote(site.serve(give(cut=100_000), give(), path="/%5Bb%5Dx.gz")))
    text = terminal.getvalue()
    plain = re.sub(r"\x1b\[[\d;]*m", "", text)
    assert re.search(r"\[b\]x\.gz ━+ +100% 0:00:00 300\.0/300\.0 kB", plain)
    assert text.endswith("\x1b[2K")  # the bar disappears, the line of standard output remains
