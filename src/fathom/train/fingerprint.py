"""What tells whether a checkpoint belongs to a training: all that its result depends on."""

import hashlib
import json
import platform
import sys
from importlib.metadata import version
from pathlib import Path

from fathom.base import paths
from fathom.settings.config import NetworkConfig
from fathom.train.devices import device_names

# What only says how a training is watched and kept.
# Another cluster or number of workers goes on, too.
WITHOUT_EFFECT = {"at_once", "checkpoint", "tensorboard", "ray"}


def fingerprint(config: NetworkConfig) -> str:
    """Return the digest of a training's settings, code, data, versions and devices.

    To be taken when all code is imported that trains.
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


def digest_of(several: list[Path]) -> bytes:
    """Return the digest of files' names and contents."""
    digest = hashlib.sha256()
    for file in several:
        digest.update(file.name.encode())
        with file.open("rb") as opened:
            digest.update(hashlib.file_digest(opened, "sha256").digest())
    return digest.digest()


def imported_code() -> list[Path]:
    """Return the project's files that this process has imported."""
    source = Path(__file__).resolve().parents[2]
    named = (getattr(module, "__file__", None) for module in list(sys.modules.values()))
    files = [Path(file) for file in named if file]
    # Of thousands of modules, in a tenth as many folders, few are the project's.
    folders = {folder: folder.resolve() for folder in {file.parent for file in files}}
    found = {file.resolve() for file in files if folders[file.parent].is_relative_to(source)}
    return sorted(file for file in found if source in file.parents)
