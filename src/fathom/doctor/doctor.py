"""`fathom doctor`: whether all is there that Fathom needs, and whether the cache is sound."""

from __future__ import annotations

import platform
import re
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from itertools import chain
from pathlib import Path

import click
import yaml

from fathom.base.errors import FathomError
from fathom.doctor.finding import Finding, counted, shown
from fathom.doctor.remote import look_at_remote, look_at_setting
from fathom.doctor.storage import files_of_cache, look_at_cache

PYTHONS = ((3, 11), (3, 14))  # from, up to
REQUIREMENTS = Path("requirements.txt")
LOCK = Path("dvc.lock")
SCARCE = 5 * 2**30  # bytes of disk
SHOWN = ("tensorflow", "keras", "dvc", "hydra-core", "numpy", "pandas", "scikit-learn", "shapiq")


def doctor(deep: bool, remote: bool, mend: bool) -> bool:
    """Print what was found; return whether nothing is wrong.

    Args:
        deep: read every file of the cache, to find damaged ones.
        remote: read what the default remote has of the outputs.
        mend: put right what these two find.
    """
    sound = True
    for finding in chain(environment(), machine(), project(), kept_by_dvc(deep, remote, mend)):
        mark = {"ok": "ok     ", "warning": "warning", "wrong": "WRONG  "}[finding.state]
        click.echo(f"{mark}  {finding.what}")
        sound = sound and finding.state != "wrong"
    return sound


def environment() -> Iterator[Finding]:
    """Look at Python and the packages."""
    low, high = PYTHONS
    fits = low <= sys.version_info[:2] < high
    said = f"Python {platform.python_version()}"
    wanted = f", but Fathom needs {low[0]}.{low[1]} to {high[0]}.{high[1] - 1}"
    yield Finding("ok" if fits else "wrong", said + ("" if fits else wanted))
    yield Finding("ok", ", ".join(f"{name} {installed(name) or 'missing'}" for name in SHOWN))
    if not REQUIREMENTS.is_file():
        yield Finding("warning", f"there is no {REQUIREMENTS} to compare the packages with")
        return
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ \\;]+)", REQUIREMENTS.read_text(), re.M))
    found = {name: installed(name) for name in pins}
    missing = [name for name in (*SHOWN, "click") if name in pins and not found[name]]
    others = [f"{n} {v}, not {pins[n]}" for n, v in found.items() if v and v != pins[n]]
    if missing:
        yield Finding("wrong", f"not installed: {', '.join(missing)}; run `make setup`")
    if others:
        yield Finding("warning", f"not as pinned: {'; '.join(others)}; run `make setup`")
    if not missing and not others:
        yield Finding("ok", f"packages are those that {REQUIREMENTS} pins")


def installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def machine() -> Iterator[Finding]:
    """Look at the processor, memory, disk and GPUs."""
    from fathom.train.devices import cores, device_names, import_quietly, machine_memory

    yield Finding("ok", f"{cores()} cores, {machine_memory():,.1f} GiB of memory")
    free = shutil.disk_usage(Path.cwd()).free
    yield Finding(
        "ok" if free > SCARCE else "warning", f"{gigabytes(free)} of disk left in this folder"
    )
    try:
        import_quietly()
    except ImportError as error:
        yield Finding("wrong", f"TensorFlow cannot be imported: {' '.join(str(error).split())}")
        return
    devices = device_names()
    what = "no GPU that TensorFlow finds: networks are trained on the CPU"
    yield Finding("ok", what if devices == ["CPU"] else f"GPUs: {', '.join(devices)}")


def project() -> Iterator[Finding]:
    """Look at the settings."""
    from fathom.settings.compose import compose
    from fathom.settings.config import Config, NetworkConfig

    try:
        config = compose([], Config)
        for dataset in config.datasets:
            for model in config.models:
                compose([f"dataset={dataset}", f"model={model}"], NetworkConfig)
    except FathomError as error:
        yield Finding("wrong", str(error))
        return
    yield Finding(
        "ok", f"settings: {', '.join(config.datasets)}, each with {', '.join(config.models)}"
    )


def kept_by_dvc(deep: bool, remote: bool, mend: bool) -> Iterator[Finding]:
    """Look at DVC's cache, and at its default remote."""
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo

    try:
        repo = Repo()
    except NotDvcRepoError:
        yield Finding("wrong", "this folder is no DVC repository: `dvc init`, or clone it anew")
        return
    with repo:
        folder = Path(repo.cache.local.path)
        files = files_of_cache(repo)
        size = sum(file.stat().st_size for file in files)
        yield Finding("ok", f"cache: {len(files):,} files, {gigabytes(size)}, in {shown(folder)}")
        lacking = [path for path, digest in locked() if not cached(folder, digest)]
        if lacking:
            yield Finding(
                "warning",
                f"not in the cache, of the outputs in {LOCK}: {counted(lacking)}; "
                "`dvc pull` or `dvc repro` brings them",
            )
        yield from look_at_setting(repo)
        if deep:
            yield from look_at_cache(repo, mend)
        if remote:
            yield from look_at_remote(repo, mend)


def locked() -> Iterator[tuple[str, str]]:
    """Return path and MD5 of each output that the lock file knows and DVC keeps."""
    if not LOCK.is_file():
        return
    stages = (yaml.safe_load(LOCK.read_text(encoding="utf-8")) or {}).get("stages", {})
    for stage in stages.values():
        for out in stage.get("outs", []):
            if not str(out["path"]).startswith("metrics/"):
                yield out["path"], out["md5"]


def cached(folder: Path, digest: str) -> bool:
    return (folder / digest[:2] / digest[2:]).is_file()


def gigabytes(count: float) -> str:
    return f"{count / 2**30:,.1f} GiB"
