"""Types of settings in words, from the JSON schema of pydantic."""

from typing import Any

Schema = dict[str, Any]
BOUNDS = {
    "exclusiveMinimum": "above {}",
    "minimum": "at least {}",
    "exclusiveMaximum": "below {}",
    "maximum": "at most {}",
}
NAMES = {
    "integer": "whole number",
    "number": "number",
    "string": "text",
    "boolean": "true or false",
}


def describe(schema: Schema, definitions: Schema) -> str:
    """Return a type in words, such as: whole number above 0, or `auto`."""
    if "anyOf" in schema:
        return ", or ".join(describe(option, definitions) for option in schema["anyOf"])
    if "const" in schema:
        return f"`{schema['const']}`"
    if "enum" in schema:
        *first, last = (f"`{value}`" for value in schema["enum"])
        return f"{', '.join(first)} or {last}" if first else last
    kind = schema.get("type")
    if kind == "null":
        return "`null`"
    if kind == "array":
        return (
            f"list (each: {describe(schema['items'], definitions)})" if schema["items"] else "list"
        )
    if "$ref" in schema or kind == "object":
        return describe_mapping(schema, definitions)
    bounds = [text.format(f"{schema[key]:,}") for key, text in BOUNDS.items() if key in schema]
    return f"{NAMES.get(str(kind), 'any value')} {' and '.join(bounds)}".strip()


def describe_mapping(schema: Schema, definitions: Schema) -> str:
    found = resolve(schema, definitions)
    if "_target_" in found.get("properties", {}):
        return "`_target_` and its arguments"
    values = found.get("additionalProperties")
    if isinstance(values, dict):
        return f"mapping (for each name: {describe(values, definitions)})"
    keys = found.get("properties", {})
    return f"mapping with {', '.join(f'`{key}`' for key in keys)}" if keys else "mapping"


def resolve(schema: Schema, definitions: Schema) -> Schema:
    """Return what a schema refers to."""
    name = schema.get("$ref", "").rpartition("/")[2]
    return (
        {**definitions[name], **{k: v for k, v in schema.items() if k != "$ref"}}
        if name
        else schema
    )


def section(schema: Schema, definitions: Schema) -> Schema | None:
    """Return the mapping with fixed keys that a setting may be, without functions."""
    for option in schema.get("anyOf", [schema]):
        found = resolve(option, definitions)
        values = found.get("additionalProperties")
        if isinstance(values, dict):
            found = resolve(values, definitions)
        if found.get("properties") and "_target_" not in found["properties"]:
            return found
    return None
