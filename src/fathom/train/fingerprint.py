"""The fingerprint of a training, which tells whether a checkpoint belongs to it."""

import functools
import hashlib
import json
import os
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from fathom.base import paths
from fathom.base.environment import given_bits
from fathom.settings.config import NetworkConfig
from fathom.train.devices import device_names
from fathom.train.feeds import Feed

# Settings that do not change the result of a run; a training also resumes on another Ray cluster.
# How much of `memory` and `memory_limit` the rows take changes it: their order follows from it.
WITHOUT_EFFECT = {
    "at_once", "checkpoint", "ensemble", "memory", "ray", "repeats", "tensorboard",
}  # fmt: skip
SOURCE = Path(__file__).resolve().parents[2]
MESSAGES = "fathom/messages"  # code that only returns text


def fingerprint(config: NetworkConfig, feeds: list[Feed], folds: int | None) -> str:
    """Return the digest of a training's settings, code, data, windows of rows, versions, devices
    and environment variables.

    To be called when all code of the training is imported. `folds` is their number.
    """
    settings = {
        "dataset": config.dataset.name,
        "model": config.model.model_dump(by_alias=True),
        "train": config.train.model_dump(by_alias=True, exclude=WITHOUT_EFFECT),
        "seed": config.seed,
        "split": config.split.model_dump(),
        "folds": folds,
        "windows": [[type(feed).__name__, feed.window_rows] for feed in feeds],
        "versions": [platform.python_version(), version("tensorflow"), version("keras")],
        "devices": device_names(),
        "environment": given_bits(),
    }
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode())
    data = sorted(paths.scaled(config.dataset.name).iterdir())
    digest.update(digest_of([*imported_code(), paths.problem(config.dataset.name), *data]))
    return digest.hexdigest()[:16]


def digest_of(files: list[Path]) -> bytes:
    """Return the digest of the names and contents of files."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.name.encode())
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.digest()


def imported_code() -> list[Path]:
    """Return the project's files that this process has imported, without texts of messages."""
    names = {getattr(module, "__file__", None) for module in list(sys.modules.values())}
    own = [Path(name) for name in names if name and is_source(name.rpartition(os.sep)[0])]
    files = {file.resolve() for file in own}
    return sorted(f for f in files if SOURCE in f.parents and SOURCE / MESSAGES not in f.parents)


@functools.cache  # few of thousands of modules are the project's
def is_source(folder: str) -> bool:
    return Path(folder).resolve().is_relative_to(SOURCE)
