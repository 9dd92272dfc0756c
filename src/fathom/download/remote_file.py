"""A file at other places, and how the right one is told."""

import hashlib
import os
import re
from pathlib import Path, PurePosixPath
from typing import Annotated
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PositiveInt


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
