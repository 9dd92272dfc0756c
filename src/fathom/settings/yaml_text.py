"""Values as YAML in one line, from which OmegaConf reads these very values."""

import re
from typing import Any

import yaml

from fathom.settings.column_settings import ColumnSettings
from fathom.settings.yaml_values import find_difference

PLAIN = re.compile(r"[^\W\d][\w./-]*( \w[\w-]*)*")  # needs no quotes, unless it is yes or null


def to_yaml(value: Any) -> str:
    """Return a value as YAML in one line, from which OmegaConf reads this very value."""
    if isinstance(value, list):
        return f"[{', '.join(map(to_yaml, value))}]"
    if isinstance(value, dict):
        return f"{{{', '.join(f'{quote(k)}: {to_yaml(item)}' for k, item in value.items())}}}"
    if not isinstance(value, str):
        return "null" if value is None else str(value).lower()
    return quote(re.sub(r"(\\*)\$\{", r"\1\1\\${", value))  # no interpolation


def quote(text: str) -> str:
    """Return a text as YAML, in quotes if it needs them."""
    if PLAIN.fullmatch(text) and yaml.safe_load(text) == text:
        return text
    tag = "!!str " if find_difference(text) else ""  # DVC keeps it, but not all quotes
    quoted = yaml.safe_dump(text, default_style='"', allow_unicode=True, width=10**9).strip("\n")
    return tag + quoted


def column_entry(name: str, declaration: ColumnSettings) -> str:
    """Return the entry of a column in `dataset.columns`: `price: {kind: number, unit: "$"}`."""
    return f"{quote(name)}: {column_mapping(declaration)}"


def column_mapping(declaration: ColumnSettings) -> str:
    return to_yaml(declaration.model_dump(exclude_defaults=True))


def exclude_advice(name: object) -> str:
    entry = column_entry(str(name), ColumnSettings(use=False))
    return f"exclude it with `{entry}` in dataset.columns"
