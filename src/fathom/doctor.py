"""`fathom doctor`: checks versions, devices, settings and DVC's cache."""

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import click

from fathom.base.errors import FathomError
from fathom.base.machine import cores, machine_memory

PYTHONS = ((3, 11), (3, 14))  # from, up to
REQUIREMENTS = Path("requirements.txt")
MIN_DISK = 5 * 2**30  # bytes
MAIN_PACKAGES = (
    "tensorflow", "keras", "dvc", "hydra-core", "numpy", "pandas", "scikit-learn", "shapiq",
)  # fmt: skip
OK, WARNING, WRONG = "ok     ", "warning", "WRONG  "

Finding = tuple[str, str]  # OK, WARNING or WRONG, and a sentence


def run_checks() -> bool:
    """Print all findings. Return whether nothing is wrong."""
    sound = True
    for check in (check_packages, check_machine, check_settings, check_cache):
        for state, sentence in check():
            click.echo(f"{state}  {sentence}")
            sound = sound and state != WRONG
    return sound


def check_packages() -> Iterator[Finding]:
    low, high = PYTHONS
    python = f"Python {platform.python_version()}"
    if low <= sys.version_info[:2] < high:
        yield OK, python
    else:
        yield WRONG, f"{python}, but Fathom needs {low[0]}.{low[1]} to {high[0]}.{high[1] - 1}"
    yield OK, ", ".join(f"{name} {get_version(name) or 'missing'}" for name in MAIN_PACKAGES)
    if not REQUIREMENTS.is_file():
        yield WARNING, f"there is no {REQUIREMENTS} to compare the packages with"
        return
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", REQUIREMENTS.read_text(), re.M))
    versions = {name: get_version(name) for name in pins}
    missing = [name for name in (*MAIN_PACKAGES, "click") if name in pins and not versions[name]]
    others = [f"{n} {v}, not {pins[n]}" for n, v in versions.items() if v and v != pins[n]]
    if missing:
        yield WRONG, f"not installed: {', '.join(missing)}; run `make setup`"
    if others:
        yield WARNING, f"not as pinned: {'; '.join(others)}; run `make setup`"
    if not missing and not others:
        yield OK, f"packages have the versions of {REQUIREMENTS}"


def get_version(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def check_machine() -> Iterator[Finding]:
    from fathom.train.devices import device_names, import_quietly

    yield OK, f"{cores()} cores, {machine_memory():,.1f} GiB of memory"
    free = shutil.disk_usage(Path.cwd()).free
    yield (OK if free > MIN_DISK else WARNING), f"{gibibytes(free)} of disk free in this folder"
    try:
        import_quietly()
    except ImportError as error:
        yield WRONG, f"TensorFlow cannot be imported: {' '.join(str(error).split())}"
        return
    devices = device_names()
    no_gpu = "TensorFlow finds no GPU: networks train on the CPU"
    yield OK, no_gpu if devices == ["CPU"] else f"GPUs: {', '.join(devices)}"


def check_settings() -> Iterator[Finding]:
    """Compose the settings of every network on every data set."""
    from fathom.settings.compose import compose
    from fathom.settings.config import Config, NetworkConfig

    try:
        config = compose([], Config)
        for dataset in config.datasets:
            for model in config.models:
                compose([f"dataset={dataset}", f"model={model}"], NetworkConfig)
    except FathomError as error:
        yield WRONG, str(error)
        return
    yield OK, f"settings: {', '.join(config.datasets)}, each with {', '.join(config.models)}"


def check_cache() -> Iterator[Finding]:
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        with Repo() as repo:
            cache = Path(repo.cache.local.path)
    except NotDvcRepoError:
        yield WRONG, "this folder is no DVC repository: run `dvc init`, or clone it again"
        return
    sizes = [file.stat().st_size for file in cache.rglob("*") if file.is_file()]
    place = cache.relative_to(Path.cwd()) if cache.is_relative_to(Path.cwd()) else cache
    yield OK, f"cache: {len(sizes):,} files, {gibibytes(sum(sizes))}, in {place}"


def gibibytes(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB"
