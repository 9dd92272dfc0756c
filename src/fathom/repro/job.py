"""The process that brings one stage up to date, in a process group with the stage's command.

It is a fork of the runner, in which DVC has been imported and has read its files.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from dvc.exceptions import DvcException

from fathom.base.machine import CORES

FORK = multiprocessing.get_context("fork")
OPENMP = "OMP_THREAD_LIMIT"  # for the baselines; a library whose bits depend on threads ignores it
LAST = 300  # bytes in which the last line of a log is looked for

Work = Callable[[Callable[[Any], None]], Any]


@dataclass(frozen=True)
class Failure:
    """Why work failed, in one line."""

    text: str


class Lifeline:
    """A pipe that ends when the runner ends, however it ends: then its jobs end, too."""

    def __init__(self) -> None:
        self.reader, self.writer = os.pipe()

    def hold(self) -> None:
        """Kill this process group when the runner is gone."""
        os.close(self.writer)
        threading.Thread(target=self.wait, daemon=True).start()

    def wait(self) -> None:
        os.read(self.reader, 1)
        os.killpg(0, signal.SIGKILL)


class ForkedJob:
    """Work in a process of its own, which writes what it prints to a log.

    Args:
        work: is called with a function that sends something to this process, and returns
            something that is sent last. If it raises an error, a `Failure` is sent.
        cores: that the work may use.
    """

    def __init__(self, work: Work, log: Path, cores: int, lifeline: Lifeline) -> None:
        self.log, self.cores, self.began = log, cores, time.monotonic()
        self.receiver, sender = FORK.Pipe(duplex=False)
        self.process = FORK.Process(target=do_work, args=(work, sender, log, cores, lifeline))
        self.process.start()
        sender.close()
        with contextlib.suppress(OSError):  # it has done so itself, or is gone
            os.setpgid(self.group, self.group)

    @property
    def group(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def seconds(self) -> float:
        return time.monotonic() - self.began

    def receive(self) -> Any:
        """Return the next thing that it sends.

        Raises:
            EOFError: it has died. No process of its group is left then.
        """
        try:
            return self.receiver.recv()
        except (EOFError, OSError) as error:
            self.signal(signal.SIGKILL)
            self.process.join()
            raise EOFError from error

    def close(self) -> None:
        """Wait for the end of the process, which has sent its last."""
        self.receiver.close()
        self.process.join()

    def signal(self, number: int) -> None:
        """Send a signal to the process and the stage's command."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.group, number)

    def last_line(self) -> str:
        """Return what it printed last."""
        with contextlib.suppress(FileNotFoundError), self.log.open("rb") as file:
            file.seek(-min(LAST, file.seek(0, os.SEEK_END)), os.SEEK_END)
            lines = file.read().decode(errors="replace").replace("\r", "\n").split("\n")
            return next((line.strip() for line in reversed(lines) if line.strip()), "")
        return ""


def do_work(work: Work, sender: Connection, log: Path, cores: int, lifeline: Lifeline) -> None:
    """Call `work` in the new process."""
    os.setpgid(0, 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    lifeline.hold()
    os.environ[CORES] = os.environ[OPENMP] = str(cores)
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("wb") as output:
            os.dup2(output.fileno(), 1)
            os.dup2(output.fileno(), 2)
        result = work(sender.send)
    except Exception as error:
        if not isinstance(error, DvcException | OSError):
            traceback.print_exc()  # a bug
        result = Failure(describe(error))
    sender.send(result)


def describe(error: BaseException) -> str:
    """Return the messages of an error and its causes in one line."""
    texts: list[str] = []
    cause: BaseException | None = error
    while cause is not None:
        texts.append(str(cause))
        cause = cause.__cause__
    return " ".join(": ".join(filter(None, texts)).split()) or repr(error)


def stop(jobs: list[ForkedJob], grace: float) -> None:
    """Interrupt jobs as Ctrl-C does, and kill those that do not end within `grace` seconds."""
    try:
        for job in jobs:
            job.signal(signal.SIGINT)
        end = time.monotonic() + grace
        for job in jobs:
            job.process.join(max(0.0, end - time.monotonic()))
    finally:
        for job in jobs:
            job.signal(signal.SIGKILL)
            job.process.join()
