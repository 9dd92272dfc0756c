"""Comments of YAML files, by the key that they explain."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import yaml


class Entry(NamedTuple):
    """A key of a file: its value, and the comment above it or behind it."""

    key: tuple[str, ...]
    value: object
    comment: str


def read_entries(path: Path) -> dict[tuple[str, ...], Entry]:
    """Return every key of a file; sections before their keys."""
    text = path.read_text()
    root = yaml.compose(text)
    return {entry.key: entry for entry in walk(root, text.splitlines(), ())}


def walk(node: object, lines: list[str], parents: tuple[str, ...]) -> Iterator[Entry]:
    for key_node, value_node in node.value if isinstance(node, yaml.MappingNode) else ():
        key = (*parents, str(key_node.value))
        value = yaml.safe_load(yaml.serialize(value_node))
        block = key_node.start_mark.column == len(lines[key_node.start_mark.line]) - len(
            lines[key_node.start_mark.line].lstrip()
        )
        comment = comment_of(lines, key_node.start_mark.line) if block else ""
        yield Entry(key, value, comment)
        yield from walk(value_node, lines, key)


def comment_of(lines: list[str], line: int) -> str:
    """Return the lines of comment directly above a key, and the comment behind it."""
    above: list[str] = []
    for text in reversed(lines[:line]):
        if not text.lstrip().startswith("# "):
            break
        above.insert(0, text.strip()[2:])
    _, _, behind = lines[line].partition("  # ")
    return " ".join([*above, *filter(None, [behind])])


def markdown(text: str) -> str:
    """Return a comment as Markdown: what is not between backticks stands for itself."""
    parts = re.split(r"(`[^`]*`)", text)
    return "".join(p if p.startswith("`") else re.sub(r"([*_<|\[\]])", r"\\\1", p) for p in parts)
