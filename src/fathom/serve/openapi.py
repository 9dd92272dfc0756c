"""Schemas of requests and responses for OpenAPI 3.1, from a network's signature."""

from collections.abc import Mapping
from typing import Any

from fathom.artifacts.problem import Output
from fathom.artifacts.signature import IMAGE, ImageInput, InputColumn, Signature
from fathom.predict.prediction_columns import UNUSUAL, format_limit, prediction_names
from fathom.serve.requests import SIGNATURE_NAME

Json = dict[str, Any]

ACCESS = {401: "The token is missing or wrong.", 421: "The service has no such host name."}
ERRORS = ACCESS | {
    400: "The request is not valid.",
    408: "The request did not arrive in time.",
    413: "The request has too many rows or bytes.",
    415: "The body is not plain JSON.",
    422: "A prediction is not a finite number.",
    503: "Too many requests, bytes or connections: try again later.",
}


def schemas(signature: Signature, max_rows: int) -> Json:
    """Return JSON Schemas by name: `Request`, `Response`, `Error` and their components."""
    row, columns = input_schemas(signature, max_rows)
    name = {"signature_name": {"const": SIGNATURE_NAME}}
    values = output_schemas(signature)
    by_column = {column: {"type": "array", "items": schema} for column, schema in values.items()}
    marks = {"type": "array", "items": {"type": ["string", "null"]}}
    predictions = {
        "type": "array",
        "items": object_schema(values, {UNUSUAL: {"type": "string"}}),
    }
    return {
        "Request": {"oneOf": [reference("Rows"), reference("Columns")]},
        "Rows": object_schema({"instances": array_schema(row, max_rows)}, name),
        "Columns": object_schema({"inputs": columns}, name),
        "Response": {"oneOf": [reference("Predictions"), reference("Outputs")]},
        "Predictions": object_schema({"predictions": predictions}),
        "Outputs": object_schema({"outputs": object_schema(by_column, {UNUSUAL: marks})}),
        "Error": object_schema({"error": {"type": "string"}}),
    }


def input_schemas(signature: Signature, max_rows: int) -> tuple[Json, Json]:
    """Return the schema of one row, and that of all rows by column."""
    if signature.image is None:
        row = {column.name: column_schema(column) for column in signature.columns}
        columns = {name: array_schema(value, max_rows) for name, value in row.items()}
        return object_schema(row), object_schema(columns)
    content = {"type": "string", "contentEncoding": "base64", "description": "PNG or JPEG"}
    image = {"anyOf": [image_schema(signature.image), object_schema({"b64": content})]}
    any_image = {"anyOf": [*image["anyOf"], object_schema({IMAGE: image})]}
    images = array_schema(any_image, max_rows)
    return any_image, {"anyOf": [images, object_schema({IMAGE: images})]}


def array_schema(items: Json, max_rows: int) -> Json:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": max_rows}


def column_schema(column: InputColumn) -> Json:
    declared = column.declaration
    if declared.kind == "ordinal":
        return {"enum": [*(declared.order or []), None]}
    if column.kind == "text":
        is_boolean = declared.kind == "boolean"
        other = ["boolean"] if is_boolean else ["integer"] if column.has_codes else []
        return {"type": ["string", *other, "null"], "examples": (column.categories or [])[:5]}
    limits = ""
    if column.low is not None and column.high is not None:
        low, high = (format_limit(limit, column) for limit in (column.low, column.high))
        limits = f"from {low} to {high} in the training set"
    if column.kind == "number":
        unit = f"in {declared.value_unit}, " if declared.value_unit else ""
        kind = "integer" if declared.kind == "integer" else "number"
        return {"type": [kind, "null"], "description": unit + limits}
    language = f" (language: {declared.language})" if declared.language else ""
    zone = f" on the clock of {declared.zone}" if declared.zone else ""
    description = f"a date of the format {declared.format or 'ISO8601'}{language}{zone}, {limits}"
    return {"type": ["string", "integer", "null"], "description": description}


def image_schema(image: ImageInput) -> Json:
    """Return the schema of an image as nested lists."""
    whole = image.type.startswith(("int", "uint"))
    schema: Json = {"type": "integer" if whole else "number"}
    if image.type == "uint8":
        schema |= {"minimum": 0, "maximum": 255}
    for length in reversed(image.shape):
        schema = {"type": "array", "items": schema, "minItems": length, "maxItems": length}
    return schema


def output_schemas(signature: Signature) -> Json:
    """Return the schema of a value of each predicted column."""
    outputs = {"predicted": signature.main}
    if "aux_output" in signature.outputs:
        outputs["aux_predicted"] = signature.outputs["aux_output"]
    schemas = {name: output_schema(outputs.get(name)) for name in prediction_names(signature)}
    if "predicted_set" in schemas:
        description = "classes, joined by semicolons"
        schemas["predicted_set"] = {"type": "string", "description": description}
    return schemas


def output_schema(output: Output | None) -> Json:
    if output is None or output.classes is None:
        return {"type": "number"}
    return {"type": "string", "enum": output.classes}


def object_schema(required: Json, optional: Json | None = None) -> Json:
    """Return the schema of an object with these keys and no others."""
    return {
        "type": "object",
        "properties": required | (optional or {}),
        "required": list(required),
        "additionalProperties": False,
    }


def reference(name: str) -> Json:
    return {"$ref": f"#/components/schemas/{name}"}


def json_response(schema: Json, description: str) -> Json:
    return {"description": description, "content": {"application/json": {"schema": schema}}}


def error_responses(errors: Mapping[int, str] = ERRORS) -> dict[int | str, Json]:
    """Return the response for each status of a refused request."""
    return {
        status: json_response(reference("Error"), description)
        for status, description in errors.items()
    }
