"""Files come from the cache, a mirror or their URLs; errors name each place without secrets."""

import base64
import re
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from web import (
    CONTENT,
    NAME,
    SHA256,
    WRONG,
    Site,
    cannot,
    closed_port,
    error_of,
    give,
    remote,
    status,
)
from web import cache as cache
from web import site as site

from fathom.download.fetch import fetch
from fathom.download.remote_file import RemoteFile, redact


def test_redirects(site: Site) -> None:
    target = site.serve(give(cut=100_000), give(), path="/there")
    url = site.serve(status(302, Location=target))
    assert fetch(remote(url)).read_bytes() == CONTENT
    assert site.ranges() == [None, None, "bytes=100000-", "bytes=100000-"]
    circle = site.serve(status(302, Location=f"/circle/{NAME}"), path=f"/circle/{NAME}")
    other = "0" * 64
    assert error_of(remote(circle, sha256=other)) == cannot(f"{circle}: too many redirects")
    for location in ("ftp://a/b", "file:///etc/hosts", "http://[a/b", "http://.a/b"):
        url = site.serve(status(302, Location=location))
        reason = f"{url}: invalid URL, perhaps after a redirect"
        assert error_of(remote(url, sha256=other)) == cannot(reason)


def test_reasons_without_a_network(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refused = f"http://127.0.0.1:{closed_port()}/{NAME}"
    unknown = f"https://nowhere.invalid/{NAME}"
    missing = (tmp_path / NAME).as_uri()
    assert error_of(remote(refused, unknown, missing)) == cannot(
        f"{refused}: connection refused",
        f"{unknown}: unknown host",
        f"{missing}: no such file or directory",
    )
    monkeypatch.delenv("NO_PROXY")
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{closed_port()}")
    reason = "http://a/images.gz: proxy: connection refused"
    assert error_of(remote("http://a/images.gz")) == cannot(reason)


def test_server_without_tls(site: Site) -> None:
    url = site.serve(give()).replace("http://", "https://")
    reason = "wrong version number|record layer failure"  # of older and newer OpenSSL
    assert re.fullmatch(cannot(f"{url}: TLS: ({reason})"), error_of(remote(url)))


def test_mirrors_come_before_urls(site: Site, monkeypatch: pytest.MonkeyPatch, cache: Path) -> None:
    url = site.serve(give())
    monkeypatch.setenv("FATHOM_MIRROR", f"{site.url}/first/")
    message = error_of(remote(f"{url}x"), f"{site.url}/second")
    paths = [f"/first/{NAME}x", f"/second/{NAME}x", f"/{NAME}x"]
    assert site.paths() == paths
    reasons = [f"{site.url}{path}: HTTP 404 Not Found" for path in paths]
    assert message == cannot(*reasons, name=f"{NAME}x")
    site.serve(give(), path=f"/second/{NAME}")
    assert fetch(remote(url), f"{site.url}/second") == cache / SHA256 / NAME
    assert site.paths()[3:] == [f"/first/{NAME}", f"/second/{NAME}"]


def test_mirror_has_a_name_of_any_characters(site: Site) -> None:
    site.serve(give(), path="/m/a%20%23%25%3F.gz")
    url = f"{site.url}/other/a%20%23%25%3f.gz"
    assert fetch(remote(url), f"{site.url}/m").name == "a #%?.gz"


def test_empty_variables_are_ignored(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "fathom.base.environment.user_cache_path", lambda name: tmp_path / "user" / name
    )
    monkeypatch.setenv("FATHOM_CACHE", "")
    monkeypatch.setenv("FATHOM_MIRROR", "")
    url = site.serve(status(404), give())
    assert error_of(remote(url), "") == cannot(f"{url}: HTTP 404 Not Found")
    assert fetch(remote(url)) == tmp_path / "user/fathom" / SHA256 / NAME


@pytest.mark.parametrize("kind", ["path", "home", "file", "localhost", "variable"])
def test_file_in_a_folder_is_used_in_place(
    site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cache: Path, kind: str
) -> None:
    folder = tmp_path / "my data"
    folder.mkdir()
    path = folder / "a b.gz"
    path.write_bytes(CONTENT)
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
    assert fetch(remote(f"{site.url}/a%20b.gz?x=1", size=len(CONTENT)), mirror) == path
    assert fetch(remote(path.as_uri())) == path
    assert site.requests == []
    assert not cache.exists()


def test_mirror_without_the_right_file_is_skipped(site: Site, tmp_path: Path, cache: Path) -> None:
    file = remote(site.serve(give()), size=len(CONTENT))
    assert fetch(file, str(tmp_path)) == cache / SHA256 / NAME
    for content in (WRONG, b"short"):
        (cache / SHA256 / NAME).unlink()
        (tmp_path / NAME).write_bytes(content)
        assert fetch(file, str(tmp_path)) == cache / SHA256 / NAME
        assert (tmp_path / NAME).read_bytes() == content


def test_refuses_impossible_mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FATHOM_MIRROR", "s3://bucket/")
    (tmp_path / NAME).mkdir()
    short = tmp_path / "short"
    short.write_bytes(b"short")
    file = remote((tmp_path / NAME).as_uri(), short.as_uri(), "file://data/x", size=len(CONTENT))
    unsupported = "neither a folder nor a URL that begins with http://, https:// or file:///"
    assert error_of(file, f"{tmp_path}/none") == cannot(
        f"s3://bucket/{NAME}: {unsupported}",
        f"{tmp_path}/none/{NAME}: no such file or directory",
        f"file://{tmp_path}/{NAME}: is a directory",
        f"file://{tmp_path}/short: has 5 bytes, not the expected 300,000",
        f"file://data/x: {unsupported}",
    )
    assert error_of(file, "~nobody-of-that-name/x") == (
        f"~nobody-of-that-name/x/{NAME}: there is no such home folder"
    )


def test_passwords_and_tokens_are_used_but_not_printed(
    site: Site, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    url = site.serve(status(500), status(404), give(), path=f"/{NAME}?token=hidden")
    host = site.url.removeprefix("http://")
    monkeypatch.setenv("FATHOM_MIRROR", f"http://ann:hidden@{host}/m")
    file = remote(url.replace("//", "//ann:hidden@"))
    assert error_of(file) == cannot(
        f"{site.url}/m/{NAME}: HTTP 404 Not Found", f"{site.url}/{NAME}?…: HTTP 404 Not Found"
    )
    fetch(file)
    output = capsys.readouterr()
    assert f"from {site.url}/{NAME}?…, " in output.out
    assert "hidden" not in output.out + output.err
    expected = "Basic " + base64.b64encode(b"ann:hidden").decode()
    assert {request.headers["Authorization"] for request in site.requests} == {expected}


@pytest.mark.parametrize(
    ("place", "redacted"),
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
def test_places_without_secrets(place: str, redacted: str) -> None:
    assert redact(place) == redacted


GOOD = "http://a/x"


@pytest.mark.parametrize(
    "values",
    [
        {"urls": []},
        *({"urls": [url]} for url in [
            "ftp://ann:hidden@a/x", "images.gz", "http://a/", "http://a/..", "http://a:0/x",
            "http://a/%2e%2e", "http://a/x%00y", "http://ann:hidden/x@a/x", "http://[a/x",
        ]),
        *({"urls": [GOOD], "sha256": value} for value in [SHA256.upper(), "hidden", SHA256 + "\n"]),
        *({"urls": [GOOD], "size": value} for value in [0, "5"]),
        {"urls": [GOOD], "md5": "hidden"},
    ],
)  # fmt: skip
def test_refuses_impossible_files(values: dict[str, Any]) -> None:
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
