"""From pydantic's errors to one line that names the key, the file it stands in, and the remedy."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import Location, Origins


def setting_error(error: ValidationError, schema: type[BaseModel], origins: Origins) -> FathomError:
    """Turn the first error that pydantic found in the configuration into a line."""
    first = error.errors()[0]
    location = tuple(part for part in first["loc"] if is_key(part))
    siblings = keys_at(schema, location[:-1])
    return line(first, location, siblings, origins)


def argument_error(
    error: ValidationError, function: Callable[..., Any], place: Location, origins: Origins
) -> FathomError:
    """Do the same for a function that checks its own arguments, which stand at `place`."""
    first = error.errors()[0]
    location = tuple(part for part in first["loc"] if is_key(part))
    parameters = inspect.signature(function).parameters
    siblings = list(parameters)
    if len(location) > 1:
        siblings = keys_at(parameters[str(location[0])].annotation, location[1:-1])
    return line(first, (*place, *location), siblings, origins)


def line(error: Any, location: Location, siblings: Iterable[str], origins: Origins) -> FathomError:
    file, key = origins.of(location)
    if error["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        prefix = key.rpartition(".")[0]
        near = did_you_mean(str(location[-1]), siblings, f"{prefix}." if prefix else "")
        return FathomError(f"{file}: {key} is not a setting{near}")
    if error["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return FathomError(f"{file}: {key} is missing")
    if error["type"] in ("model_type", "dict_type"):
        return FathomError(f"{file}: {key} must be a mapping, not {error['input']!r}")
    if error["type"] == "too_short":
        fewest = {1: "one", 2: "two"}[error["ctx"]["min_length"]]
        return FathomError(f"{file}: {key} must name at least {fewest}")
    own = error["msg"].startswith("Value error, ")
    text = error["msg"].removeprefix("Value error, ")
    text = re.sub("^(Input|String|List|Dictionary) should", "must", text)
    text += "" if own else f", not {error['input']!r}"
    return FathomError(f"{file}: {key}: {text}")


def is_key(part: str | int) -> bool:
    """Tell keys from the marks that pydantic adds for the members of a union."""
    return isinstance(part, int) or not any(mark in part for mark in "[](")


def keys_at(schema: Any, location: Location) -> list[str]:
    """Return the keys that the schema knows at a place."""
    for part in location:
        if get_origin(schema) is dict:  # sections by names of the user's own
            schema = get_args(schema)[1]
            continue
        schema = section_type(schema)
        if schema is None or part not in schema.model_fields:
            return []
        schema = schema.model_fields[part].annotation
    schema = section_type(schema)
    return [] if schema is None else [f.alias or n for n, f in schema.model_fields.items()]


def is_setting(tree: Any, parts: list[str]) -> bool:
    """Tell whether a key leads to a setting, as far as can be told without checking its value.

    What is None may become a mapping, and a function may take arguments that are not set yet.

    Args:
        tree: all settings.
        parts: the key, part by part.
    """
    node = tree
    for depth, part in enumerate(parts):
        if not isinstance(node, Mapping):
            return node is None
        if part not in node:
            return depth > 0 and (not node or "_target_" in node)
        node = node[part]
    return True


def section_type(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field holds, perhaps beside None."""
    if get_origin(annotation) in (Union, UnionType):
        return next((found for a in get_args(annotation) if (found := section_type(a))), None)
    return annotation if inspect.isclass(annotation) and issubclass(annotation, BaseModel) else None
