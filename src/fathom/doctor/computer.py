"""Checks Python and its packages, environment variables, cores, memory, disk and devices."""

import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from fathom.base.environment import GIVEN, given_bits
from fathom.base.machine import cores, machine_memory
from fathom.doctor.findings import OK, WARNING, WRONG, Finding, gibibytes

PYTHONS = ((3, 11), (3, 14))  # from, up to
REQUIREMENTS = Path("requirements.txt")
MAIN_PACKAGES = (
    "tensorflow", "keras", "dvc", "hydra-core", "numpy", "pandas", "scikit-learn", "shapiq",
)  # fmt: skip

PRINT_PREFIX = "import sys; print(sys.prefix)"
SECONDS = 60
NOT_FOUND = 127  # exit status of a shell

MIN_DISK = 5 * 2**30  # bytes


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


def check_variables() -> Iterator[Finding]:
    yield check_python()
    for name in sorted(GIVEN):
        if name.startswith("KERAS_") and name != "KERAS_HOME":
            yield (
                WARNING,
                f"{name}={GIVEN[name]}: Fathom's programs ignore it; fathom.sklearn, which leaves "
                "Keras as it is, may refuse it",
            )
    for name, value in given_bits().items():
        yield (
            WARNING,
            f"{name}={value}: it may change the bits of networks, so run.json has it; "
            f"`unset {name}` for those of others",
        )


def check_python() -> Finding:
    """Run Python as DVC runs the commands of stages: by the user's shell, from PATH."""
    shell = GIVEN.get("SHELL") or "/bin/sh"
    command = [shell, "-c", f"python -c '{PRINT_PREFIX}'"]
    try:
        done = subprocess.run(
            command, env=GIVEN, capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        return WRONG, f"SHELL={shell} cannot run stages: {error}; run `export SHELL=/bin/sh`"
    found = done.stdout.strip()
    if done.returncode == 0 and os.path.realpath(found) == os.path.realpath(sys.prefix):
        return OK, "stages run with this Python"
    activate = f"run `. {sys.prefix}/bin/activate`"
    if found:
        return WRONG, f"`dvc repro` runs stages with the Python in {found}: {activate}"
    reason = (done.stderr.strip().splitlines() or [f"{shell} exits with {done.returncode}"])[-1]
    advice = activate if done.returncode == NOT_FOUND else "run `export SHELL=/bin/sh`"
    return WRONG, f"`dvc repro` cannot run stages: {reason}; {advice}"


def check_hardware() -> Iterator[Finding]:
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
