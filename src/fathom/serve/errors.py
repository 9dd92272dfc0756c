"""Why a request is refused."""

from __future__ import annotations

import json
from typing import Any

NAMES = {list: "a list", dict: "an object", str: "a text", int: "a number", float: "a number"}


class RefusedError(Exception):
    """A request that is not answered: its HTTP status, and a line that says why.

    `retry` is after how many seconds it may be tried again.
    """

    def __init__(self, status: int, reason: str, retry: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason, self.retry = status, cut(reason, 600), retry


def kind_of(value: Any) -> str:
    """Say what a value is, in JSON's words."""
    return NAMES.get(type(value)) or json.dumps(value)


def shown(value: Any) -> str:
    """Return a value as it stands in JSON, cut if it is long."""
    if isinstance(value, list | dict):
        return kind_of(value)
    return cut(json.dumps(value, ensure_ascii=False), 60)


def cut(text: str, length: int) -> str:
    """Return a text, or its beginning and end if it is longer."""
    half = length // 2
    return text if len(text) <= length else f"{text[:half]} … {text[-half:]}"
