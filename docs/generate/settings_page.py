"""The page of all settings: their types from the pydantic classes, their defaults and meanings from
the commented files, and the stages that read them from dvc.yaml.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from json_schema import Schema, describe, section
from yaml_comments import Entry, markdown, read_entries

from fathom.settings.config import SearchConfig

ROOT = Path(__file__).parents[2]
SCHEMA: Schema = SearchConfig.model_json_schema(by_alias=True)
DEFINITIONS: Schema = SCHEMA["$defs"]
CHOSEN = {"model", "dataset"}  # groups with a file for each choice
FROM_FILES = {"search.name", "search.sampler", "search.space"}  # conf/search/ has them
HEAD = """# Settings

`params.yaml` and the files of `conf/` hold all settings. This page is made from these files, from
the classes that check them (`src/fathom/settings/`) and from `dvc.yaml`: a change of a setting
runs only the stages that read it. [How to change settings](../settings.md). `python src/train.py
dataset=digits model=mlp --settings` prints all values that a stage gets.
"""
DATASET = """
A file `conf/dataset/NAME.yaml` sets these, below `dataset:`. It may also replace any setting
above. NAME stands for the name of a column.
"""


def settings_page() -> str:
    """Return the page in Markdown."""
    params = read_entries(ROOT / "params.yaml")
    dataset = read_entries(ROOT / "docs/reference/dataset.yaml")
    parts = [HEAD]
    for name in SCHEMA["properties"]:
        if name not in CHOSEN:
            parts += [f"\n## {name}\n", *settings((name,), params)]
    return "\n".join([*parts, "\n## dataset\n", DATASET, *settings(("dataset",), dataset)])


def setting_keys(top: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Schema]]:
    """Yield each setting of a section, with its schema. `*` stands for a name of the user's."""
    schema: Schema = SCHEMA
    for part in top:
        schema = section(schema, DEFINITIONS) or {}
        schema = schema["properties"][part]
    yield top, schema
    yield from below(top, schema)


def below(key: tuple[str, ...], schema: Schema) -> Iterator[tuple[tuple[str, ...], Schema]]:
    mapping = section(schema, DEFINITIONS)
    named = "additionalProperties" in schema
    for name, child in (mapping or {}).get("properties", {}).items():
        path = (*key, "*", name) if named else (*key, name)
        if ".".join(path) not in FROM_FILES and path != ("dataset", "name"):
            yield path, child
            yield from below(path, child)


def settings(top: tuple[str, ...], entries: dict[tuple[str, ...], Entry]) -> Iterator[str]:
    """Yield a paragraph for each setting of a section."""
    for key, schema in setting_keys(top):
        entry = find(key, entries)
        if len(key) > 1:
            yield f"\n### {'.'.join(key)}\n".replace("*", "NAME")
        facts = [f"Type: {describe(schema, DEFINITIONS)}", *default(key, schema, entry)]
        if key == top or top[0] not in CHOSEN:
            facts.append(f"read by: {readers(key)}")
        yield "; ".join(facts) + ".\n"
        yield markdown(meaning(key, entries)) + "\n"


def default(key: tuple[str, ...], schema: Schema, entry: Entry | None) -> Iterator[str]:
    """Yield the default of a setting, and an example if it has none."""
    if section(schema, DEFINITIONS):
        return
    if "*" not in key and key[0] not in CHOSEN and entry is not None:
        yield f"default: `{show(entry.value)}`"
    elif "default" in schema:
        yield f"default: `{show(schema['default'])}`"
    if key[0] in CHOSEN and entry is not None and entry.value != schema.get("default"):
        yield f"for example `{show(entry.value)}`"


def meaning(key: tuple[str, ...], entries: dict[tuple[str, ...], Entry]) -> str:
    """Return the comment of a setting, or that of its section, which explains its keys, too."""
    for length in range(len(key), 1, -1):
        entry = find(key[:length], entries)
        if entry is not None and entry.comment:
            return entry.comment
    entry = find(key[:1], entries)
    return entry.comment if entry is not None else ""


def find(key: tuple[str, ...], entries: dict[tuple[str, ...], Entry]) -> Entry | None:
    """Return the entry of a key, in which `*` is any name."""
    return next((e for k, e in entries.items() if matches(key, k)), None)


def matches(key: tuple[str, ...], other: tuple[str, ...]) -> bool:
    return len(key) == len(other) and all(a in ("*", b) for a, b in zip(key, other, strict=True))


def show(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)


def readers(key: tuple[str, ...]) -> str:
    """Return the stages that read a setting, by dvc.yaml."""
    top = key[0]
    if top == "search":
        return "`fathom search`"
    if top == "mirror":
        return "download; a change runs no stage again, as it does not change the files"
    stages: dict[str, Any] = yaml.safe_load((ROOT / "dvc.yaml").read_text())["stages"]
    found = [name for name, stage in stages.items() if reads(stage, key)]
    return ", ".join(found)


def reads(stage: dict[str, Any], key: tuple[str, ...]) -> bool:
    """Return whether a stage has a setting among its params, or a file that holds it."""
    top, dotted = key[0], ".".join(key)
    if top in CHOSEN:
        return any(f"conf/{top}/" in str(param) for param in stage["params"])
    if top == "experiment":
        return "${experiment}" in stage["cmd"]
    if top in ("datasets", "models"):
        return f"${{{top}}}" in str(stage.get("matrix")) or top in stage["params"]
    own = [param for param in stage["params"] if isinstance(param, str)]
    return any(dotted == p or dotted.startswith(f"{p}.") or p.startswith(f"{dotted}.") for p in own)
