"""The lists of params.yaml that decide what the pipeline trains."""

import re
from typing import Any

import yaml

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import write_text
from fathom.settings.yaml_text import to_yaml

KEYS = ("datasets", "models", "experiment")

Lists = dict[str, Any]


def read_lists() -> Lists:
    params = yaml.safe_load(paths.PARAMS.read_text(encoding="utf-8"))
    return {key: params[key] for key in KEYS}


def write_lists(lists: Lists) -> None:
    """Replace these settings in params.yaml, and nothing else of the file.

    Raises:
        FathomError: they are not each on lines of their own.
    """
    before = paths.PARAMS.read_text(encoding="utf-8")
    text = before
    for key, value in lists.items():
        # The key, and the lines of its value if it goes on
        own = re.compile(rf"^{key}:.*\n(?:(?:[ \t]+\S.*|- .*)\n)*", re.MULTILINE)
        line = f"{key}: {to_yaml(value)}\n"
        text = own.sub(line.replace("\\", r"\\"), text, count=1)
    old, new = yaml.safe_load(before), yaml.safe_load(text)
    if new != old | lists:
        raise FathomError(
            f"{paths.PARAMS}: {', '.join(lists)} are not on lines of their own: write them so, "
            "such as `datasets: [digits]`"
        )
    if text != before:
        write_text(paths.PARAMS, text)


def as_text(lists: Lists) -> str:
    return ", ".join(f"{key}: {to_yaml(value)}" for key, value in lists.items())
