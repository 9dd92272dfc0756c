"""Finds the files of src/own/ that the training of each network imports."""

import hashlib
import os
from collections.abc import Iterator
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import atomic_write, write_json
from fathom.messages.origins import read_settings
from fathom.settings.config import Config
from fathom.settings.selection import check_named_files

FUNCTIONS = {"callbacks", "loss", "optimizer", "schedule"}  # settings of `train` with a `_target_`
PACKAGE = paths.OWN_CODE.name


def collect(config: Config) -> dict[str, dict[str, str]]:
    """Write `data/code/<model>.json`: the SHA-256 of each own file that a training imports.

    A training starts in the functions that its settings name by `_target_`. Imports within
    functions count, too.

    Raises:
        FathomError: a file is not valid Python, or one of conf/ no valid YAML.
    """
    check_named_files(config)
    functions = config.train.model_dump(by_alias=True, include=FUNCTIONS)
    experiment = config.origins.file("experiment")
    shared = {*targets(functions), *targets(experiment and read_settings(experiment))}
    for name in config.datasets:
        dataset = read_settings(paths.CONF / "dataset" / f"{name}.yaml")
        shared |= {*targets(dataset.get("train"))}
    collected = {}
    with atomic_write(paths.CODE) as folder:
        folder.mkdir()
        for name in config.models:
            model = read_settings(paths.CONF / "model" / f"{name}.yaml")
            files = own_files(shared | set(targets(model)))
            collected[name] = {str(f): hashlib.sha256(f.read_bytes()).hexdigest() for f in files}
            write_json(folder / f"{name}.json", collected[name])
    return collected


def targets(tree: Any) -> Iterator[str]:
    """Yield every `_target_` in a tree of settings."""
    if isinstance(tree, dict):
        if "_target_" in tree:
            yield str(tree["_target_"])
        for value in tree.values():
            yield from targets(value)


def own_files(functions: set[str]) -> list[Path]:
    """Return the own files with these functions, and the own files that those import."""
    finder = ModuleFinder([str(paths.OWN_CODE.parent)], excludes=["fathom"])
    for function in sorted(functions):
        module = function.rpartition(".")[0]
        if module.partition(".")[0] == PACKAGE:
            try:
                finder.import_hook(module)
            except SyntaxError as error:
                file = os.path.relpath(str(error.filename))
                raise FathomError(f"{file}: line {error.lineno}: {error.msg}") from error
            except ImportError:  # the stage `train` refuses it
                continue
    files = (getattr(module, "__file__", None) for module in finder.modules.values())
    return sorted(Path(os.path.relpath(file)) for file in files if file)
