"""The two forms of a request in TensorFlow Serving's REST API, version 1: rows and columns."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fathom.artifacts.signature import IMAGE, Signature
from fathom.base.errors import did_you_mean
from fathom.predict.model_inputs import Inputs
from fathom.serve.json_columns import check_columns, rows_to_columns, table_inputs
from fathom.serve.json_images import image_inputs
from fathom.serve.request_body import parse_json
from fathom.serve.request_error import RequestError, json_text, json_type

SIGNATURE_NAME = "serving_default"
KEYS = ("instances", "inputs", "signature_name")

Form = Literal["instances", "inputs"]


@dataclass(frozen=True)
class PredictRequest:
    """Inputs of the model, arrays of shape (rows, ...), and the form of the request."""

    inputs: Inputs
    rows: int
    form: Form


def parse_request(body: bytes, signature: Signature, max_rows: int) -> PredictRequest:
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


def find_form(request: dict[str, Any]) -> Form:
    for key in request:
        if key not in KEYS:
            near = did_you_mean(key[:100], KEYS)
            raise RequestError(400, f"the body must not have the key {json_text(key)}{near}")
    name = request.get("signature_name", SIGNATURE_NAME)
    if name != SIGNATURE_NAME:
        raise RequestError(400, f'signature_name must be "{SIGNATURE_NAME}", not {json_text(name)}')
    if ("instances" in request) == ("inputs" in request):
        raise RequestError(400, "the body must have either instances (rows) or inputs (columns)")
    return "instances" if "instances" in request else "inputs"


def check_list(content: Any, form: Form) -> list[Any]:
    if not isinstance(content, list):
        raise RequestError(
            400, f"{form} must be a list with one entry per row, not {json_type(content)}"
        )
    return content


def image_list(content: Any) -> list[Any]:
    """Return the images of a request by columns."""
    if not isinstance(content, dict):
        return check_list(content, "inputs")
    for name in content:
        if name != IMAGE:
            raise RequestError(
                400, f'inputs: the model takes only "{IMAGE}", not {json_text(name)}'
            )
    if not content:
        raise RequestError(400, f'inputs: "{IMAGE}" is missing')
    return check_list(content[IMAGE], "inputs")


def check_row_count(rows: int, form: Form, max_rows: int) -> None:
    if not rows:
        raise RequestError(400, f"{form} is empty: send at least one row")
    if rows > max_rows:
        raise RequestError(
            413, f"{form} has {rows} rows, more than the {max_rows} allowed: send several requests"
        )
