"""Requests in the two forms of TensorFlow Serving's REST API, version 1: by rows or by columns.

https://www.tensorflow.org/tfx/serving/api_rest
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from fathom.artifacts.signature import IMAGE, Signature
from fathom.base.errors import did_you_mean
from fathom.predict.model_inputs import Inputs
from fathom.serve.errors import RefusedError, kind_of, shown
from fathom.serve.json_columns import columns_of_rows, named_columns, table_inputs
from fathom.serve.json_images import image_inputs
from fathom.serve.request_body import parsed

SIGNATURE_NAME = "serving_default"
KEYS = ("instances", "inputs", "signature_name")

Form = Literal["instances", "inputs"]


@dataclass(frozen=True)
class Asked:
    """What a request asks to be predicted: arrays of shape (rows, ...), as the model takes them,
    and the form of the request, in which the reply will be.
    """

    inputs: Inputs
    rows: int
    form: Form


def asked(body: bytes, signature: Signature, max_rows: int) -> Asked:
    """Return what a request asks for.

    Args:
        body: JSON text.
        signature: of the model.
        max_rows: how many rows it may have.

    Raises:
        RefusedError: it is not of either form, or a value is not of its column's kind.
    """
    request = parsed(body)
    form = form_of(request)
    given = request[form]
    if signature.image is not None:
        images = only_images(given) if form == "inputs" else rows_of(given, form)
        check_rows(len(images), form, max_rows)
        return Asked(image_inputs(images, signature.image), len(images), form)
    if form == "instances":
        rows = rows_of(given, form)
        check_rows(len(rows), form, max_rows)
        return Asked(table_inputs(columns_of_rows(rows, signature), signature), len(rows), form)
    columns = named_columns(given, signature)
    count = len(next(iter(columns.values())))
    check_rows(count, form, max_rows)
    return Asked(table_inputs(columns, signature), count, form)


def form_of(request: dict[str, Any]) -> Form:
    """Tell the form of a request by its keys."""
    for key in request:
        if key not in KEYS:
            near = did_you_mean(key[:100], KEYS)
            raise RefusedError(400, f"the body must not have the key {shown(key)}{near}")
    name = request.get("signature_name", SIGNATURE_NAME)
    if name != SIGNATURE_NAME:
        raise RefusedError(400, f'signature_name must be "{SIGNATURE_NAME}", not {shown(name)}')
    if ("instances" in request) == ("inputs" in request):
        raise RefusedError(400, "the body must have either instances (rows) or inputs (columns)")
    return "instances" if "instances" in request else "inputs"


def rows_of(given: Any, form: Form) -> list[Any]:
    if not isinstance(given, list):
        raise RefusedError(400, f"{form} must be a list of one value a row, not {kind_of(given)}")
    return given


def only_images(given: Any) -> list[Any]:
    """Return the one column that images are."""
    if not isinstance(given, dict):
        return rows_of(given, "inputs")
    for name in given:
        if name != IMAGE:
            raise RefusedError(400, f'inputs: the model takes "{IMAGE}" alone, not {shown(name)}')
    if not given:
        raise RefusedError(400, f'inputs: "{IMAGE}" is missing')
    return rows_of(given[IMAGE], "inputs")


def check_rows(rows: int, form: Form, max_rows: int) -> None:
    """Refuse no rows and too many."""
    if not rows:
        raise RefusedError(400, f"{form} is empty: give one row or more")
    if rows > max_rows:
        raise RefusedError(
            413, f"{form} has {rows} rows, more than the {max_rows} of a request: send several"
        )
