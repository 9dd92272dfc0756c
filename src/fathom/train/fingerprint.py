"""The fingerprint of a training, which tells whether a checkpoint belongs to it."""

import hashlib
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from fathom.base import paths
from fathom.settings.config import NetworkConfig
from fathom.train.devices import device_names

# Settings that do not change the result; a training also resumes on another Ray cluster.
WITHOUT_EFFECT = {"at_once", "checkpoint", "tensorboard", "ray"}
MESSAGES = "fathom/messages"  # code that only returns text


def fingerprint(config: NetworkConfig) -> str:
    """Return the digest of a training's settings, code, data, versions and devices.

    To be called when all code of the training is imported.
    """
    settings = {
        "dataset": config.dataset.name,
        "model": config.model.model_dump(by_alias=True),
        "train": config.train.model_dump(by_alias=True, exclude=WITHOUT_EFFECT),
        "seed": config.seed,
        "versions": [platform.python_version(), version("tensorflow"), version("keras")],
        "devices": device_names(),
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
    source = Path(__file__).resolve().parents[2]
    names = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    files = [Path(name) for name in names if name]
    # Few of thousands of modules are the project's: resolve their folders first.
    folders = {folder: folder.resolve() for folder in {file.parent for file in files}}
    code = {file.resolve() for file in files if folders[file.parent].is_relative_to(source)}
    messages = source / MESSAGES
    return sorted(f for f in code if source in f.parents and messages not in f.parents)
