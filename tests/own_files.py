"""Helpers for tests of readers of a user's files."""

import random
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from fathom.base.errors import FathomError


def write(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def refusal(read: Callable[..., Any], path: Path, *arguments: Any, **settings: Any) -> str:
    """Return the one line with which a reader refuses a file, without its folder."""
    with pytest.raises(FathomError) as caught:
        read(path, *arguments, **settings)
    message = str(caught.value)
    assert "\n" not in message
    return message.replace(f"{path.parent}/", "")


def damaged_copies(content: bytes, cut: bool = False) -> Iterator[bytes]:
    """Yield 150 copies of a file with some bytes replaced; with `cut`, half of them are cut."""
    rng = random.Random(42)
    for _ in range(150):
        damaged = bytearray(content)
        for _ in range(rng.choice([1, 1, 3, 20])):
            damaged[rng.randrange(len(damaged))] = rng.randrange(256)
        end = rng.choice([len(damaged), rng.randrange(len(damaged))]) if cut else len(damaged)
        yield bytes(damaged[:end])


def check_damaged_copies(read: Callable[[Path], Any], path: Path) -> None:
    """Check that what a reader refuses among damaged copies of a file gets a line that names it."""
    messages = []
    for damaged in damaged_copies(path.read_bytes(), cut=True):
        try:
            read(write(path, damaged))
        except FathomError as error:
            messages.append(str(error))
    assert len(messages) > 20
    assert [m for m in messages if not re.fullmatch(rf"{re.escape(str(path))}[,: ][^\n]*", m)] == []
