"""Errors about settings: one line with the key, its file and the remedy."""

import inspect
import re
from collections.abc import Callable, Iterable, Mapping
from types import UnionType
from typing import Annotated, Any, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from fathom.base.errors import FathomError, did_you_mean
from fathom.messages.origins import Location, Origins

UNION_MEMBER = re.compile(r"(function-\w+|list|dict|literal|nullable|member)[\[(]")


def setting_error(
    error: ValidationError, schema: type[BaseModel], tree: Any, origins: Origins
) -> FathomError:
    """Return the first error that pydantic found in a tree of settings."""
    location = location_of(error, tree)
    return first_error(error, location, keys_at(schema, location[:-1]), origins)


def argument_error(
    error: ValidationError,
    function: Callable[..., Any],
    arguments: Any,
    place: Location,
    origins: Origins,
) -> FathomError:
    """Return the first error in the arguments of a function, which the settings hold at `place`."""
    location, parameters = location_of(error, arguments), inspect.signature(function).parameters
    siblings = list(parameters)
    if len(location) > 1:
        siblings = keys_at(parameters[str(location[0])].annotation, location[1:-1])
    return first_error(error, (*place, *location), siblings, origins)


def location_of(error: ValidationError, tree: Any) -> tuple[str | int, ...]:
    """Return the keys to the first error, without pydantic's marks for members of a union.

    A key of the tree may look like a mark: a column can be called `dict[a]`.
    """
    keys: list[str | int] = []
    node = tree
    for key in error.errors()[0]["loc"]:
        is_key = isinstance(node, Mapping) and key in node
        if is_key or isinstance(key, int) or not UNION_MEMBER.match(key):
            keys.append(key)
        node = node[key] if is_key else node
    return tuple(keys)


def first_error(
    error: ValidationError, location: Location, siblings: Iterable[str], origins: Origins
) -> FathomError:
    first: Any = error.errors()[0]
    if location[-1] == "[key]":  # pydantic's mark of a key that is no text
        return origins.error(location[:-1], "the name is not text: put it in quotes")
    file, key = origins.of(location)
    value = first["input"]
    if first["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
        prefix = key.rpartition(".")[0]
        near = did_you_mean(str(location[-1]), siblings, f"{prefix}." if prefix else "")
        return FathomError(f"{file}: {key} is not a setting{near}")
    if first["type"] in ("missing", "missing_argument", "missing_keyword_only_argument"):
        return FathomError(f"{file}: {key} is missing")
    if first["type"] in ("model_type", "dict_type"):
        return FathomError(f"{file}: {key} must be a mapping, not {value!r}")
    if first["type"] == "too_short":
        fewest = {1: "one", 2: "two"}[first["ctx"]["min_length"]]
        return FathomError(f"{file}: {key} must name at least {fewest}")
    text = first["msg"].removeprefix("Value error, ")
    if text == first["msg"]:  # pydantic's own text, which does not name the value
        text = re.sub("^(Input|String|List|Dictionary) should", "must", text)
        text += f", not {value!r}{advice(first, location)}"
    return FathomError(f"{file}: {key}: {text}")


def advice(error: Any, location: Location) -> str:
    """Return the most similar word, or how YAML writes a number as text."""
    value = error["input"]
    if error["type"] == "literal_error" and isinstance(value, str):
        near = did_you_mean(value, re.findall("'(.+?)'", error["ctx"]["expected"]))
        return near if near.startswith("; did you mean") else ""
    in_list = isinstance(location[-1], int)
    return f': write "{value}"' if in_list and error["type"] == "string_type" else ""


def keys_at(schema: Any, location: Location) -> list[str]:
    """Return the keys that the schema has at a location."""
    for key in location:
        if get_origin(schema) is dict:  # sections that the user names
            schema = get_args(schema)[1]
            continue
        section = section_type(schema)
        if section is None or key not in section.model_fields:
            return []
        schema = section.model_fields[str(key)].annotation
    section = section_type(schema)
    return [] if section is None else [f.alias or n for n, f in section.model_fields.items()]


def is_setting(tree: Any, keys: list[str]) -> bool:
    """Return whether keys lead to a setting in a tree of settings, whose values are not checked.

    None may become a mapping, and a function may take arguments that are not set yet.
    """
    node = tree
    for depth, key in enumerate(keys):
        if not isinstance(node, Mapping):
            return node is None
        if key not in node:
            return depth > 0 and (not node or "_target_" in node)
        node = node[key]
    return True


def section_type(annotation: Any) -> type[BaseModel] | None:
    """Return the section that a field holds, perhaps as a member of a union."""
    if get_origin(annotation) is Annotated:
        return section_type(get_args(annotation)[0])
    if get_origin(annotation) in (Union, UnionType):
        return next((found for a in get_args(annotation) if (found := section_type(a))), None)
    return annotation if inspect.isclass(annotation) and issubclass(annotation, BaseModel) else None
