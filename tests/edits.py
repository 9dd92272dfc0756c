"""Edits files as a user does."""

from pathlib import Path

import yaml
from ruamel.yaml import YAML


def edit(file: Path, *assignments: str) -> None:
    """Set keys of a YAML file; comments stay."""
    editor = YAML()
    tree = editor.load(file)
    for assignment in assignments:
        key, _, value = assignment.partition("=")
        *parents, name = key.split(".")
        node = tree
        for parent in parents:
            node = node[parent]
        node[name] = yaml.safe_load(value)
    editor.dump(tree, file)


def replace(file: Path, old: str, new: str) -> None:
    """Replace a text that a file has once."""
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))
