"""Runs `dvc` in forks of a process that has imported it, which takes longer than most commands."""

import multiprocessing
import os
import subprocess
import sys
import tempfile
from pathlib import Path

IMPORTED = [
    "pytest", "configobj", "dulwich.ignore", "dulwich.worktree", "dvc.analytics", "dvc.cachemgr",
    "dvc.cli.parser", "dvc.data_cloud", "dvc.lock", "dvc.repo.graph", "dvc.repo.index",
    "dvc.repo.plots", "dvc.repo.trie", "dvc.utils.strictyaml", "dvc_data.hashfile.db.local",
    "dvc_data.index.checkout", "dvc_s3", "fsspec.implementations.memory", "networkx", "psutil",
    "ruamel.yaml", "scmrepo.git",
]  # fmt: skip


def run_dvc(
    folder: Path, arguments: tuple[str, ...], environment: dict[str, str]
) -> "subprocess.CompletedProcess[str]":
    """Run `dvc <arguments>` in a folder."""
    forks = multiprocessing.get_context("forkserver")
    forks.set_forkserver_preload(IMPORTED)
    with tempfile.NamedTemporaryFile() as out, tempfile.NamedTemporaryFile() as err:
        given = arguments, folder, environment, usable_cores(), (os.devnull, out.name, err.name)
        started = forks.Process(target=be_dvc, args=given)
        started.start()
        started.join()
        printed = (Path(file.name).read_text() for file in (out, err))
        return subprocess.CompletedProcess(["dvc", *arguments], started.exitcode or 0, *printed)


def usable_cores() -> set[int] | None:
    """Return the cores of this thread, where the system can tell them."""
    return os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else None


def be_dvc(
    arguments: tuple[str, ...],
    folder: Path,
    environment: dict[str, str],
    cores: set[int] | None,
    streams: tuple[str, str, str],
) -> None:
    """Become what the command starts, with files for its standard streams."""
    for number, file in enumerate(streams):
        os.dup2(os.open(file, os.O_RDWR | os.O_APPEND), number)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    if cores:
        os.sched_setaffinity(0, cores)
    from dvc.cli import main

    sys.argv = ["dvc", *arguments]
    sys.exit(main(list(arguments)))
