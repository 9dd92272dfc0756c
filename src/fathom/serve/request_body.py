"""The body of a request: read as far as is allowed, and parsed strictly."""

from __future__ import annotations

import json
from typing import Any, NoReturn

from starlette.requests import Request

from fathom.serve.errors import RefusedError, kind_of, shown

# curl -d, as TensorFlow Serving's documentation has it, says that JSON is a form.
TYPES = ("", "application/json", "application/x-www-form-urlencoded")
EXAMPLE = 'an object such as {"instances": [...]} or {"inputs": ...}'


async def read_body(request: Request, max_bytes: int) -> bytes:
    """Return a request's body.

    Raises:
        RefusedError: it is of another type than JSON, or too large, whether it says so or not.
    """
    check_type(request)
    too_large = RefusedError(
        413,
        f"the body is larger than the {max_bytes} bytes that a request may have: send fewer rows "
        "at once",
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


def check_type(request: Request) -> None:
    """Refuse a body that says it is something else than plain JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in TYPES and not kind.endswith("+json"):
        raise RefusedError(415, f"the body must be application/json, not {shown(kind)}")
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RefusedError(415, f"the body must be plain, not of the encoding {shown(encoding)}")


def parsed(body: bytes) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises:
        RefusedError: there is none, or it has the same key twice, NaN or Infinity.
    """
    if not body.strip():
        raise RefusedError(400, f"the body is empty: send {EXAMPLE}")
    try:
        found = json.loads(body.decode(), object_pairs_hook=once, parse_constant=no_number)
    except UnicodeDecodeError as error:
        raise RefusedError(400, f"the body is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        where = f"in line {error.lineno}, column {error.colno}"
        raise RefusedError(400, f"the body is no JSON: {error.msg} {where}") from error
    except RecursionError as error:
        raise RefusedError(400, "the body is nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise RefusedError(400, "the body has a number of too many digits") from error
    if not isinstance(found, dict):
        raise RefusedError(400, f"the body must be {EXAMPLE}, not {kind_of(found)}")
    return found


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return an object, of whose keys none may be lost."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise RefusedError(400, f"an object has the key {shown(twice)} twice")
    return found


def no_number(name: str) -> NoReturn:
    raise RefusedError(400, f"{name} is no JSON: give null for a value that is not known")
