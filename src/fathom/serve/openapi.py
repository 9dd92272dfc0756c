"""What requests and replies look like, for OpenAPI 3.1, made from a network's signature."""

from __future__ import annotations

from typing import Any

from fathom.artifacts.problem import Output
from fathom.artifacts.signature import IMAGE, ImageInput, InputColumn, Signature
from fathom.predict.model_inputs import BOOLEANS
from fathom.predict.prediction_columns import prediction_names
from fathom.predict.unusual import UNUSUAL, format_limit
from fathom.serve.options import Settings
from fathom.serve.requests import SIGNATURE_NAME

Json = dict[str, Any]

ERRORS = {
    400: "The request is not as it must be.",
    408: "The request did not arrive in time.",
    413: "There are too many rows or bytes.",
    415: "The body is something else than plain JSON.",
    422: "The network gives no finite number for a row.",
    503: "Too many requests wait: try again later.",
}


def schemas(signature: Signature, settings: Settings) -> Json:
    """Return JSON Schemas by their names: `Request`, `Reply`, `Error` and parts of these."""
    row, columns = forms(signature, settings)
    name = {"signature_name": {"const": SIGNATURE_NAME}}
    return {
        "Request": {"oneOf": [reference("Rows"), reference("Columns")]},
        "Rows": closed({"instances": listed(row, settings)}, name),
        "Columns": closed({"inputs": columns}, name),
        "Reply": {"oneOf": [reference("Predictions"), reference("Outputs")]},
        "Predictions": closed({"predictions": {"type": "array", "items": prediction(signature)}}),
        "Outputs": closed({"outputs": outputs(signature)}),
        "Error": closed({"error": {"type": "string"}}),
    }


def forms(signature: Signature, settings: Settings) -> tuple[Json, Json]:
    """Return what a row is, and what all rows are by column."""
    if signature.image is None:
        columns = {column.name: of_column(column) for column in signature.columns}
        by_name = {name: listed(values, settings) for name, values in columns.items()}
        return closed(columns), closed(by_name)
    image = {"anyOf": [nested(signature.image), file()]}
    row = {"anyOf": [*image["anyOf"], closed({IMAGE: image})]}
    images = listed(row, settings)
    return row, {"anyOf": [images, closed({IMAGE: images})]}


def listed(items: Json, settings: Settings) -> Json:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": settings.max_rows}


def of_column(column: InputColumn) -> Json:
    """Return what a value of a column is."""
    if column.kind == "text":
        known = column.categories or []
        boolean = set(known) <= BOOLEANS
        kinds = ["string", "boolean", "null"] if boolean else ["string", "null"]
        return {"type": kinds, "examples": known[:5]}
    if column.low is None or column.high is None:
        seen = ""
    else:
        low, high = (format_limit(limit, column) for limit in (column.low, column.high))
        seen = f"in training from {low} to {high}"
    if column.kind == "number":
        return {"type": ["number", "null"], "description": seen}
    described = f"dates of the form {column.form}, {seen}"
    return {"type": ["string", "integer", "null"], "description": described}


def nested(image: ImageInput) -> Json:
    """Return what an image as nested lists is."""
    whole = image.type.startswith(("int", "uint"))
    pixel: Json = {"type": "integer" if whole else "number"}
    if image.type == "uint8":
        pixel |= {"minimum": 0, "maximum": 255}
    for length in reversed(image.shape):
        pixel = {"type": "array", "items": pixel, "minItems": length, "maxItems": length}
    return pixel


def file() -> Json:
    """Return what an image as a file is."""
    content = {"type": "string", "contentEncoding": "base64", "description": "PNG or JPEG"}
    return closed({"b64": content})


def prediction(signature: Signature) -> Json:
    """Return what is predicted for a row."""
    return closed(answer_schemas(signature), {UNUSUAL: {"type": "string"}})


def outputs(signature: Signature) -> Json:
    """Return what is predicted for all rows, by column."""
    columns = {
        name: {"type": "array", "items": items} for name, items in answer_schemas(signature).items()
    }
    marks = {"type": "array", "items": {"type": ["string", "null"]}}
    return closed(columns, {UNUSUAL: marks})


def answer_schemas(signature: Signature) -> Json:
    """Return what the values of each predicted column are."""
    named = {"predicted": signature.main}
    if "aux_output" in signature.outputs:
        named["aux_predicted"] = signature.outputs["aux_output"]
    return {name: of_answer(named.get(name)) for name in prediction_names(signature)}


def of_answer(output: Output | None) -> Json:
    if output is None or output.classes is None:
        return {"type": "number"}
    return {"type": "string", "enum": output.classes}


def closed(required: Json, optional: Json | None = None) -> Json:
    """Return an object of these keys and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def reply(schema: Json, description: str) -> Json:
    """Return a reply of JSON."""
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def refusals() -> dict[int | str, Json]:
    """Return the reply of each status that a request for predictions may be refused with."""
    return {status: reply(reference("Error"), told) for status, told in ERRORS.items()}
