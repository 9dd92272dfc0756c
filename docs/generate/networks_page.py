"""The page of the networks and searches in conf/: their arguments, with types from the functions
that build them and meanings from the commented files.
"""

import importlib
import inspect
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Any

from json_schema import Schema, describe
from pydantic import create_model
from settings_page import DEFINITIONS, ROOT, show
from yaml_comments import markdown, read_entries

HEAD = """# Networks and searches

This page is made from the commented files in `conf/model/` and `conf/search/`. `models` in
`params.yaml` lists the networks to train; an experiment changes one by `-S
'conf/model/mlp.yaml:units=[64]'`. [Your own network](../networks.md) has a file there, too.
"""
SEARCHES = """
## Methods of search

`fathom search … search=NAME` reads `conf/search/NAME.yaml`: the sampler of Optuna and its
arguments.
"""
SPACES = """
## Search spaces

`fathom search model=NAME` reads `conf/search/space/NAME.yaml`; `space=` chooses another file.
Each dimension of a space names a setting, and has these keys, exactly one of the first four:
"""


def networks_page() -> str:
    """Return the page in Markdown."""
    parts = [HEAD]
    for file in sorted((ROOT / "conf/model").glob("*.yaml")):
        parts += [f"\n## {file.stem}\n", intro(file), "", *arguments(file)]
    parts.append(SEARCHES)
    parts += [f"- `{f.stem}`: {intro(f)}" for f in sorted((ROOT / "conf/search").glob("*.yaml"))]
    parts += [SPACES, *dimensions()]
    parts += ["", "The files:", ""]
    for file in sorted((ROOT / "conf/search/space").glob("*.yaml")):
        parts.append(
            f"- `{file.stem}`: {', '.join(f'`{k[0]}`' for k in read_entries(file) if len(k) == 1)}"
        )
    return "\n".join(parts) + "\n"


def intro(file: Path) -> str:
    """Return the first paragraph at the top of a file, without commands."""
    lines = (line.removeprefix("#").strip() for line in file.read_text().splitlines())
    text = " ".join(
        takewhile(lambda line: line and "dvc exp" not in line and "_target_:" not in line, lines)
    )
    return text.partition(": {choice")[0].rstrip(":").partition(" sampler:")[0]


def arguments(file: Path) -> Iterator[str]:
    """Yield a table of the arguments of a network."""
    entries = read_entries(file)
    types = argument_types(str(entries["_target_",].value))
    common = {e.key[-1]: e.comment for e in read_entries(ROOT / "conf/model/mlp.yaml").values()}
    yield "| setting | type | value | meaning |"
    yield "|---|---|---|---|"
    for key, entry in entries.items():
        if key == ("_target_",):
            yield f"| `_target_` | function | `{entry.value}` | builds the network |"
            continue
        name = ".".join(key)
        text = markdown(entry.comment or common.get(key[-1], ""))
        has_rows = any(other.startswith(f"{name}.") for other in types) and entry.value
        value = "" if has_rows else f"`{show(entry.value)}`"
        if name in types and (value or text):
            yield f"| `model.{name}` | {types[name]} | {value} | {text} |"


def argument_types(target: str) -> dict[str, str]:
    """Return the types of the settings that a function takes, by their dotted keys."""
    module, _, name = target.rpartition(".")
    function = getattr(importlib.import_module(module), name)
    parameters = inspect.signature(function).parameters.values()
    fields: dict[str, Any] = {
        p.name: (p.annotation, ...) for p in parameters if p.name != "problem"
    }
    schema = create_model("Arguments", **fields).model_json_schema()
    model = {k: v for k, v in SCHEMA_OF_MODEL.items() if k not in ("_target_", "name")}
    own = flatten(schema["properties"], schema.get("$defs", {}), "")
    return flatten(model, DEFINITIONS, "") | own


SCHEMA_OF_MODEL: Schema = DEFINITIONS["ModelSettings"]["properties"]


def flatten(properties: Schema, definitions: Schema, prefix: str) -> dict[str, str]:
    """Return the types of settings and of those below them."""
    found = {}
    for name, schema in properties.items():
        found[prefix + name] = describe(schema, definitions).replace("|", "\\|")
        for option in schema.get("anyOf", [schema]):
            inner = definitions.get(option.get("$ref", "").rpartition("/")[2], {})
            found |= flatten(inner.get("properties", {}), definitions, f"{prefix}{name}.")
    return found


def dimensions() -> Iterator[str]:
    yield "| key | type |"
    yield "|---|---|"
    for key, schema in DEFINITIONS["Dimension"]["properties"].items():
        yield f"| `{key}` | {describe(schema, DEFINITIONS)} |"
    yield ""
    yield DEFINITIONS["Dimension"]["description"].partition("\n\n")[2].replace("\n", " ")
