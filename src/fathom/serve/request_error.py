"""Errors that a client gets, and JSON values as text in them."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

TYPE_NAMES = {
    list: "a list",
    dict: "an object",
    str: "a string",
    int: "a number",
    float: "a number",
}


class RequestError(Exception):
    """A request that the service refuses.

    Args:
        reason: one line.
        status: of the HTTP response.
        retry: seconds after which the client may try again.
    """

    def __init__(self, reason: str, status: int = 400, retry: int | None = None) -> None:
        super().__init__(reason)
        self.status, self.reason = status, shorten(reason, 600)
        self.headers = {"WWW-Authenticate": "Bearer"} if status == 401 else {}
        if retry is not None:
            self.headers["Retry-After"] = str(retry)


def error_response(error: RequestError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the response of a refusal, with more headers."""
    content = json.dumps({"error": error.reason})  # in ASCII: a request's text may not be Unicode
    return Response(
        content, error.status, {**error.headers, **(headers or {})}, media_type="application/json"
    )


def busy(reason: str) -> RequestError:
    return RequestError(f"{reason}: try again later", 503, retry=1)


def json_type(value: Any) -> str:
    return TYPE_NAMES.get(type(value)) or json.dumps(value)


def json_text(value: Any) -> str:
    """Return a value as JSON, shortened; only the type of lists and objects."""
    if isinstance(value, list | dict):
        return json_type(value)
    return shorten(json.dumps(value, ensure_ascii=False), 60)


def shorten(text: str, length: int) -> str:
    half = length // 2
    return text if len(text) <= length else f"{text[:half]} … {text[-half:]}"
