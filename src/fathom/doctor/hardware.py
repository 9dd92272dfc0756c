"""Checks cores, memory, disk and what TensorFlow can use of them."""

import shutil
from collections.abc import Iterator
from pathlib import Path

from fathom.base.machine import cores, machine_memory
from fathom.doctor.findings import OK, WARNING, WRONG, Finding, gibibytes

MIN_DISK = 5 * 2**30  # bytes


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
