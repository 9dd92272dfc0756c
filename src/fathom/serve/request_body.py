"""The body of a request, parsed strictly."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from starlette.requests import Request

from fathom.serve.request_error import RequestError, json_text, json_type

# `curl -d`, which TensorFlow Serving's documentation uses, labels JSON as a form.
CONTENT_TYPES = ("", "application/json", "application/x-www-form-urlencoded")
EXAMPLE = 'an object such as {"instances": [...]} or {"inputs": ...}'


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return a request's body.

    Raises:
        RequestError: it is not JSON, or larger than `max_bytes`.
    """
    check_content_type(request)
    too_large = RequestError(
        413, f"the body is larger than {max_bytes} bytes, the most allowed: send fewer rows at once"
    )
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length) > max_bytes:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > max_bytes:
            raise too_large
    return bytes(body)


def check_content_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES and not kind.endswith("+json"):
        raise RequestError(415, f"the body must be application/json, not {json_text(kind)}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RequestError(415, f"the body must not be encoded: it is {json_text(encoding)}")


def parse_json(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises:
        RequestError: the body is not a JSON object, or it holds NaN, Infinity or a key twice.
    """
    if not body.strip():
        raise RequestError(400, f"the body is empty: send {EXAMPLE}")
    try:
        content = json.loads(
            body.decode(), object_pairs_hook=unique_keys, parse_constant=reject_constant
        )
    except UnicodeDecodeError as error:
        raise RequestError(400, f"the body is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RequestError(400, f"the body is not JSON: {error.msg}: {where}") from error
    except RecursionError as error:
        raise RequestError(400, "the body is nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise RequestError(400, "the body has a number of too many digits") from error
    if not isinstance(content, dict):
        raise RequestError(400, f"the body must be {EXAMPLE}, not {json_type(content)}")
    return content


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        names = [name for name, _ in pairs]
        double = next(name for name in names if names.count(name) > 1)
        raise RequestError(400, f"an object has the key {json_text(double)} twice")
    return content


def reject_constant(name: str) -> NoReturn:
    raise RequestError(400, f"{name} is not JSON: give null for a missing value")
