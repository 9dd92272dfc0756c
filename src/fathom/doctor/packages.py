"""Checks the versions of Python and of the packages."""

import platform
import re
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fathom.doctor.findings import OK, WARNING, WRONG, Finding

PYTHONS = ((3, 11), (3, 14))  # from, up to
REQUIREMENTS = Path("requirements.txt")
MAIN_PACKAGES = (
    "tensorflow", "keras", "dvc", "hydra-core", "numpy", "pandas", "scikit-learn", "shapiq",
)  # fmt: skip


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
