"""Refuses values that Hydra and DVC would read differently from the same YAML file.

Hydra reads YAML 1.1 by PyYAML, but no dates; DVC reads YAML 1.2 by ruamel.yaml.
"""

import functools
import re
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from fathom.base.errors import FathomError
from fathom.messages.origins import invalid_yaml

Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
SWITCHES = {"yes", "no", "on", "off"}  # booleans of YAML 1.1
PLAIN_NUMBER = re.compile(r"[-+]?(0|[1-9][0-9_]*)|[-+]?(0|[1-9][0-9]*)\.[0-9]+")
NUMBER_OR_DATE = re.compile(r"[-+.:_ \t0-9eEtTzZ]+|[-+]?0[xob]\w+|[-+]?\.\w+")


def check_yaml(path: Path) -> None:
    """Check that Hydra and DVC read the same values from a file.

    Raises:
        FathomError: they do not, or the file is not valid. The line names the place and both ways
            to write the value.
    """
    try:
        with path.open("rb") as file:
            events = list(yaml.parse(file, Loader=Loader))
    except yaml.MarkedYAMLError as error:
        raise FathomError(invalid_yaml(error)) from error
    for event in events:
        if isinstance(event, yaml.ScalarEvent) and event.implicit[0] and event.start_mark:
            problem = find_difference(event.value)
            if problem is not None:
                line = event.start_mark.line + 1
                raise FathomError(f"{path}: line {line}: {event.value} {problem}")


def find_difference(text: str) -> str | None:
    """Return what is wrong with a scalar without quotes, and how to write it."""
    if not may_differ(text):
        return None
    try:
        hydra, dvc = readings(text)
    except (ValueError, yaml.YAMLError):
        return f'is no value: write "{text}"'
    if repr(hydra) == repr(dvc):
        return None
    ways = " or ".join(dict.fromkeys((write(text, hydra), write(text, dvc))))
    return (
        f"is {describe(hydra)} to Hydra (YAML 1.1) and {describe(dvc)} to DVC (YAML 1.2): "
        f"write {ways}"
    )


def may_differ(text: str) -> bool:
    """Return False for words and plain numbers, which both read alike."""
    if text.lower() in SWITCHES or text == "=":
        return True
    return text[:1] in tuple("+-.0123456789") and (
        bool(NUMBER_OR_DATE.fullmatch(text)) and not PLAIN_NUMBER.fullmatch(text)
    )


@functools.cache
def readings(text: str) -> tuple[Any, Any]:
    """Return what Hydra and DVC make of a scalar without quotes."""
    from omegaconf import OmegaConf  # few files need them
    from ruamel.yaml import YAML

    hydra: Any = OmegaConf.to_container(OmegaConf.create(f"- {text}"))
    return hydra[0], YAML(typ="safe").load(f"- {text}")[0]


def describe(value: Any) -> str:
    if isinstance(value, date):  # also with a time
        return "a date"
    return "text" if isinstance(value, str) else yaml_of(value)


def write(text: str, value: Any) -> str:
    """Return how to write a value so that both read it."""
    return as_text(text) if isinstance(value, str | date) else yaml_of(value)


def as_text(text: str) -> str:
    """Return how to write a scalar as text.

    DVC writes a file again, without the quotes that only YAML 1.1 needs; it keeps tags.
    """
    return f'!!str "{text}"' if isinstance(readings(text)[1], str) else f'"{text}"'


def yaml_of(value: float) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)
