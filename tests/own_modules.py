"""Modules of a user's own that a test writes and imports."""

import sys
from collections.abc import Collection, Iterator
from pathlib import Path

import pytest
from stages import shared_folder

KNOWN: set[str] = set()  # modules that are no test's own; there are thousands


def forget_modules(folder: Path, among: Collection[str] | None = None) -> None:
    """Make this process as one that has imported nothing of a folder, among modules or at all.

    Keras, where it is imported, forgets the classes and functions of these modules, too.
    """
    inside = f"{folder}/"
    names = list(sys.modules) if among is None else among
    own = {name for name in names if is_inside(inside, sys.modules.get(name))}
    for name in own:
        del sys.modules[name]
    if own and "keras" in sys.modules:
        registered = sys.modules["keras"].saving.get_custom_objects()
        for name in [name for name, known in registered.items() if known.__module__ in own]:
            del registered[name]


def is_inside(folder: str, module: object) -> bool:
    return str(getattr(module, "__file__", None) or "").startswith(folder)


@pytest.fixture(autouse=True)
def own_modules(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Let the next test import modules of the same names from its own folder."""
    yield
    new = sys.modules.keys() - KNOWN
    forget_modules(shared_folder(tmp_path_factory), new)
    KNOWN.update(new & sys.modules.keys())
