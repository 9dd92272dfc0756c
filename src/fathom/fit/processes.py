"""Commands of Fathom as processes, which are stopped if they would take too long."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence

from fathom.base.errors import FathomError
from fathom.repro.runner import LOGS, read_seconds

POLL = 0.5
SETTLED = 10.0  # seconds after which a pace counts: the first epochs compile programs
GRACE = 30.0  # seconds in which an interrupted command ends
EPOCH = re.compile(r"^seed \d+  epoch (\d+)/(\d+) ", re.MULTILINE)

Watch = Callable[[float], bool]  # of the seconds since the start: whether to go on


def run_command(arguments: Sequence[str], watch: Watch) -> bool:
    """Run `fathom <arguments>`; return False if `watch` has stopped it before its end.

    Raises:
        FathomError: the command fails; it has printed why.
    """
    process = subprocess.Popen([sys.executable, "-m", "fathom", *arguments])
    began, stopped = time.monotonic(), False
    try:
        while process.poll() is None:
            if not stopped and not watch(time.monotonic() - began):
                process.send_signal(signal.SIGINT)
                stopped, ended = True, time.monotonic() + GRACE
            if stopped and time.monotonic() > ended:
                process.kill()
            time.sleep(POLL)
    except BaseException:  # Ctrl+C reaches the command, too
        process.send_signal(signal.SIGTERM)
        process.wait()
        raise
    if process.returncode and not stopped:
        raise FathomError(f"`fathom {arguments[0]}` failed, see above")
    return process.returncode == 0


def stage_seconds(stage: str) -> float | None:
    """Return how long a stage took when it ran last."""
    return read_seconds().get(stage)


class EpochPace:
    """The pace of a training, from the lines of its log since the start of a command."""

    def __init__(self, stage: str) -> None:
        self.log, self.wall = LOGS / f"{stage}.log", time.time()
        self.first: tuple[float, int] | None = None
        self.epoch = self.epochs = 0
        self.seconds: float | None = None  # of an epoch
        self.began: float | None = None  # when the log was first seen

    def look(self) -> None:
        """Read the last epoch; the pace counts from the first line that is seen."""
        if not self.log.is_file() or self.log.stat().st_mtime < self.wall:
            return
        self.began = self.began or time.monotonic()
        lines = EPOCH.findall(self.log.read_text(errors="replace"))
        if not lines:
            return
        self.epoch, self.epochs = map(int, lines[-1])
        now = time.monotonic()
        if self.first is None:
            self.first = now, self.epoch
        elif self.epoch > self.first[1]:
            self.seconds = (now - self.first[0]) / (self.epoch - self.first[1])

    def will_exceed(self, limit: float) -> bool:
        """Tell whether the epochs to come take longer than so many seconds, or the start and the
        first ones have taken twice as long.
        """
        now = time.monotonic()
        if self.first and self.seconds and now - self.first[0] >= SETTLED:
            return self.seconds * (self.epochs - self.epoch) > limit
        return self.began is not None and now - self.began > 2 * limit
