"""Runs the stages of a pipeline, several at a time."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Mapping
from contextlib import suppress
from functools import partial
from multiprocessing import connection
from pathlib import Path
from typing import Any

from fathom.base.errors import FathomError
from fathom.base.machine import cores
from fathom.repro.job import Failure, ForkedJob, Lifeline, Work, stop
from fathom.repro.pipeline import Pipeline
from fathom.repro.schedule import Schedule, share_cores
from fathom.repro.view import View

LOGS = Path("logs/repro")
SECONDS = LOGS / "seconds.json"  # that each stage took when it ran last
GRACE = 10.0  # seconds for an interrupted stage to end


class Runner:
    """Starts the jobs of stages and waits for them.

    Args:
        most: stages at once.
        pull: whether stages take outputs from DVC's remote.
    """

    def __init__(self, pipeline: Pipeline, most: int, pull: bool, view: View) -> None:
        self.pipeline, self.most, self.pull, self.view = pipeline, most, pull, view
        self.lifeline = Lifeline()
        self.jobs: dict[str, ForkedJob] = {}
        self.states: Counter[str] = Counter()
        self.not_run: list[str] = []
        self.seconds = read_seconds()

    def run(self) -> bool:
        """Bring all stages up to date. Return whether none has failed."""
        began = time.monotonic()
        before = self.pipeline.sections()
        try:
            if self.pull:
                self.call("dvc-pull", lambda _: self.pipeline.pull_runs())
            unchanged = self.call("dvc-status", lambda _: self.pipeline.find_unchanged())
            self.states["unchanged"] = len(unchanged)
            stale = {n: s for n, s in self.pipeline.needs.items() if n not in unchanged}
            self.run_stages(Schedule(stale, self.seconds))
        finally:
            try:
                stop(list(self.jobs.values()), GRACE)
            finally:
                if self.states["ran"] + self.states["restored"]:
                    self.pipeline.sort_lock_file(before)
                    write_seconds(self.seconds)
        self.view.summarize(self.states, self.not_run, time.monotonic() - began)
        return not self.states["failed"]

    def call(self, name: str, work: Work) -> Any:
        """Do work in a job, and return its result.

        Raises:
            FathomError: it fails.
        """
        job = self.jobs[name] = ForkedJob(work, LOGS / f"{name}.log", cores(), self.lifeline)
        result = receive(job)
        self.close(name)
        if isinstance(result, Failure):
            raise FathomError(result.text)
        return result

    def run_stages(self, schedule: Schedule) -> None:
        while (ready := schedule.ready()) or self.jobs:
            starting = ready[: self.most - len(self.jobs)]
            taken = sum(job.cores for job in self.jobs.values())
            for name in starting:
                share = share_cores(cores(), taken, len(starting))
                schedule.start(name)
                self.jobs[name] = self.start(name, share)
            self.view.show(self.jobs)
            ended = connection.wait([job.receiver for job in self.jobs.values()], self.view.seconds)
            for name in [name for name, job in self.jobs.items() if job.receiver in ended]:
                self.follow(name, schedule)

    def start(self, name: str, share: int) -> ForkedJob:
        work = partial(self.pipeline.reproduce, name, self.pull)
        return ForkedJob(work, LOGS / f"{name.replace('/', '-')}.log", share, self.lifeline)

    def follow(self, name: str, schedule: Schedule) -> None:
        """Handle what the job of a stage sends."""
        job = self.jobs[name]
        result = receive(job)
        if result == "runs":
            self.view.start(name, job)
            return
        self.close(name)
        if isinstance(result, Failure):
            self.states["failed"] += 1
            self.not_run += schedule.fail(name)
            self.view.fail(name, result, job)
            return
        self.states[result] += 1
        schedule.finish(name)
        self.view.finish(name, result, job)
        if result == "ran":
            self.seconds[name] = round(job.seconds, 1)

    def close(self, name: str) -> None:
        self.jobs.pop(name).close()


def receive(job: ForkedJob) -> Any:
    """Return what a job sends, a `Failure` if it has died."""
    try:
        return job.receive()
    except EOFError:
        return Failure(f"its process was killed (exit status {job.process.exitcode})")


def read_seconds() -> dict[str, float]:
    with suppress(OSError, ValueError):
        return {str(name): float(s) for name, s in json.loads(SECONDS.read_text()).items()}
    return {}


def write_seconds(seconds: Mapping[str, float]) -> None:
    with suppress(OSError):  # on a full disk, for example: they only help to choose an order
        SECONDS.write_text(json.dumps(seconds, indent=2) + "\n")
