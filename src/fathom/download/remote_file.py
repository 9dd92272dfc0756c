"""A file to download: its URLs, its checksum and its size."""

import hashlib
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Discriminator, Field, PositiveInt, Tag


class PlaceError(Exception):
    """A URL or a folder does not provide the file, for the reason in the message."""


class TransientError(PlaceError):
    """A URL may provide the file if it is requested again after `wait` seconds."""

    def __init__(self, reason: str, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.wait = wait


def redact(place: str) -> str:
    """Return a path or URL without user, password and query, which may be secret."""
    if "://" not in place:
        return place
    place = re.sub(r"(?<=://)([^/]*|[^/]*:(?!\d*/).*)@", "", place)
    return re.sub(r"\?.*", "?…", place)


def file_name(url: str) -> str:
    return PurePosixPath(unquote(urlsplit(url).path)).name


def check_url(url: str) -> str:
    try:
        scheme, port, name = urlsplit(url).scheme, urlsplit(url).port, file_name(url)
        usable = scheme == "file" or (scheme in ("http", "https") and port != 0)
        usable = usable and name not in ("", "..") and name.isprintable()
    except ValueError:
        usable = False
    if not usable:
        raise ValueError(
            f"must be an http, https or file URL that ends in a file's name, not {redact(url)!r}"
        )
    return url


class RemoteFile(BaseModel):
    """A file by the URLs that provide it, with its expected checksum and size."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, hide_input_in_errors=True)

    urls: list[Annotated[str, AfterValidator(check_url)]] = Field(min_length=1)
    sha256: str | None = Field(default=None, pattern="^[0-9a-f]{64}$")
    size: PositiveInt | None = None

    @property
    def name(self) -> str:
        return file_name(self.urls[0])

    def verify(self, path: Path) -> str:
        """Return the SHA-256 of a copy; raise a PlaceError if the copy is not the file."""
        try:
            with path.open("rb") as content:
                self.check_size(os.fstat(content.fileno()).st_size)
                sha256 = hashlib.file_digest(content, "sha256").hexdigest()
        except OSError as error:
            raise PlaceError(str(error.strerror).lower()) from error
        if self.sha256 not in (None, sha256):
            raise PlaceError(f"SHA-256 is {sha256}, not the expected {self.sha256}")
        return sha256

    def check_size(self, size: int | None) -> None:
        if None not in (size, self.size) and size != self.size:
            raise PlaceError(f"has {size:,} bytes, not the expected {self.size:,}")


def kind_of_file(value: object) -> str:
    return "member[remote]" if isinstance(value, (Mapping, RemoteFile)) else "member[path]"


# A path, or a mapping whose errors are those of a remote file alone.
File = Annotated[
    Annotated[str, Tag("member[path]")] | Annotated[RemoteFile, Tag("member[remote]")],
    Discriminator(kind_of_file),
]
