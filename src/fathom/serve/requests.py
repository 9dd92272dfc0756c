"""The content of a request: strict JSON in one of two forms, rows or columns.

They are those of TensorFlow Serving's REST API, version 1.
"""

import contextlib
import json
from collections import Counter
from dataclasses import dataclass
from typing import Any, Literal, NoReturn

import orjson

from fathom.artifacts.signature import IMAGE, Signature
from fathom.base.errors import did_you_mean
from fathom.predict.model_inputs import Inputs
from fathom.serve.json_columns import check_columns, rows_to_columns, table_inputs
from fathom.serve.json_images import image_inputs
from fathom.serve.request_error import RequestError, json_text, json_type

SIGNATURE_NAME = "serving_default"
EXAMPLE = 'an object such as {"instances": [...]} or {"inputs": ...}'
KEYS = ("instances", "inputs", "signature_name")

Form = Literal["instances", "inputs"]


@dataclass(frozen=True)
class PredictRequest:
    """Inputs of the model, arrays of shape (rows, ...), and the form of the request."""

    inputs: Inputs
    rows: int
    form: Form


def parse_request(body: bytes | bytearray, signature: Signature, max_rows: int) -> PredictRequest:
    """Parse the JSON of a request with at most `max_rows` rows.

    Raises:
        RequestError: the body has neither form, or a value is not of its column's type.
    """
    request = parse_json(body)
    form = find_form(request)
    content = request[form]
    if signature.image is not None:
        images = image_list(content) if form == "inputs" else check_list(content, form)
        check_row_count(len(images), form, max_rows)
        return PredictRequest(image_inputs(images, signature.image), len(images), form)
    if form == "instances":
        rows = len(check_list(content, form))
        check_row_count(rows, form, max_rows)
        columns = rows_to_columns(content, signature)
    else:
        columns = check_columns(content, signature)
        rows = len(next(iter(columns.values())))
        check_row_count(rows, form, max_rows)
    return PredictRequest(table_inputs(columns, signature), rows, form)


def parse_json(body: bytes | bytearray) -> dict[str, Any]:
    """Return the JSON object in a body.

    Raises:
        RequestError: the body is not a JSON object, or it holds NaN, Infinity or a key twice.
    """
    if not body.strip():
        raise RequestError(f"the body is empty: send {EXAMPLE}")
    with contextlib.suppress(orjson.JSONDecodeError):
        content = orjson.loads(body)
        # A string may have colons, too: then the slower parser looks for keys that are double.
        if isinstance(content, dict) and body.count(b":") == count_keys(content):
            return content
    return parse_strictly(body)


def count_keys(content: dict[str, Any]) -> int:
    """Return how many keys an object and the objects in it have, but none further down."""
    values = [content.get("inputs"), *as_list(content.get("instances"))]
    return len(content) + sum(len(value) for value in values if isinstance(value, dict))


def as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def parse_strictly(body: bytes | bytearray) -> dict[str, Any]:
    """Return the JSON object in a body, with the errors of `parse_json`."""
    try:
        content = json.loads(
            body.decode(), object_pairs_hook=unique_keys, parse_constant=reject_constant
        )
    except UnicodeDecodeError as error:
        raise RequestError(f"the body is not UTF-8 at byte {error.start}") from error
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise RequestError(f"the body is not JSON: {error.msg}: {where}") from error
    except RecursionError as error:
        raise RequestError("the body is nested too deeply") from error
    except ValueError as error:  # an integer of thousands of digits
        raise RequestError("the body has a number of too many digits") from error
    if not isinstance(content, dict):
        raise RequestError(f"the body must be {EXAMPLE}, not {json_type(content)}")
    return content


def unique_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        counts = Counter(name for name, _ in pairs)
        double = next(name for name, count in counts.items() if count > 1)
        raise RequestError(f"an object has the key {json_text(double)} twice")
    return content


def reject_constant(name: str) -> NoReturn:
    raise RequestError(f"{name} is not JSON: give null for a missing value")


def find_form(request: dict[str, Any]) -> Form:
    for key in request:
        if key not in KEYS:
            near = did_you_mean(key[:100], KEYS)
            raise RequestError(f"the body must not have the key {json_text(key)}{near}")
    name = request.get("signature_name", SIGNATURE_NAME)
    if name != SIGNATURE_NAME:
        raise RequestError(f'signature_name must be "{SIGNATURE_NAME}", not {json_text(name)}')
    if ("instances" in request) == ("inputs" in request):
        raise RequestError("the body must have either instances (rows) or inputs (columns)")
    return "instances" if "instances" in request else "inputs"


def check_list(content: Any, form: Form) -> list[Any]:
    if not isinstance(content, list):
        raise RequestError(
            f"{form} must be a list with one entry per row, not {json_type(content)}"
        )
    return content


def image_list(content: Any) -> list[Any]:
    """Return the images of a request by columns."""
    if not isinstance(content, dict):
        return check_list(content, "inputs")
    for name in content:
        if name != IMAGE:
            raise RequestError(f'inputs: the model takes only "{IMAGE}", not {json_text(name)}')
    if not content:
        raise RequestError(f'inputs: "{IMAGE}" is missing')
    return check_list(content[IMAGE], "inputs")


def check_row_count(rows: int, form: Form, max_rows: int) -> None:
    if not rows:
        raise RequestError(f"{form} is empty: send at least one row")
    if rows > max_rows:
        raise RequestError(
            f"{form} has {rows} rows, more than the {max_rows} allowed: send several requests", 413
        )
