"""What `fathom repro` prints: a line per event, and on a terminal a line per running stage."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import click

from fathom.repro.job import Failure, ForkedJob

if TYPE_CHECKING:
    from rich.text import Text

ERROR_LINES = 40  # of the log of a failed stage
STATES = ("ran", "restored", "unchanged", "failed")


class View:
    """Prints lines to standard output, and failures to standard error."""

    seconds: float | None = None  # between two calls of `show`; None: not needed

    def start(self, name: str, job: ForkedJob) -> None:
        self.print(f"Running stage '{name}' on {count(job.cores, 'core')}")

    def finish(self, name: str, state: str, job: ForkedJob) -> None:
        if state == "ran":
            self.print(f"Finished '{name}' in {job.seconds:.1f} s")
        elif state == "restored":
            self.print(f"Restored '{name}' from an earlier build (DVC's run cache)")

    def fail(self, name: str, failure: Failure, job: ForkedJob) -> None:
        lines = job.log.read_text(errors="replace").splitlines() if job.log.is_file() else []
        self.print(
            f"Failed: '{name}' after {job.seconds:.1f} s: {failure.text} ({job.log})", error=True
        )
        for line in lines[-ERROR_LINES:]:
            self.print(line, error=True)

    def summarize(self, states: Counter[str], not_run: list[str], seconds: float) -> None:
        parts = [f"{states[state]} {state}" for state in STATES if states[state]]
        total = count(states.total() + len(not_run), "stage")
        self.print(f"{total} in {seconds:.1f} s: {', '.join(parts)}")
        if not_run:
            text = f"Not run, because they depend on a failed stage: {', '.join(not_run)}"
            self.print(text, error=True)

    def print(self, line: str, error: bool = False) -> None:
        click.echo(line, err=error)

    def show(self, jobs: Mapping[str, ForkedJob]) -> None:
        """Show the running stages."""

    def close(self) -> None:
        """Stop showing."""


class TerminalView(View):
    """Shows the running stages below the lines of events."""

    seconds = 0.25

    def __init__(self) -> None:
        from rich.live import Live

        # No thread of its own, and no streams of its own in new processes
        self.live = Live(
            auto_refresh=False, transient=True, redirect_stdout=False, redirect_stderr=False
        )
        self.live.start()

    def start(self, name: str, job: ForkedJob) -> None:
        """`show` shows it."""

    def print(self, line: str, error: bool = False) -> None:
        style = "red" if error and line.startswith("Failed") else None
        self.live.console.print(line, style=style, markup=False, highlight=False, soft_wrap=True)

    def show(self, jobs: Mapping[str, ForkedJob]) -> None:
        self.live.update(make_lines(jobs), refresh=True)

    def close(self) -> None:
        self.live.stop()


def make_lines(jobs: Mapping[str, ForkedJob]) -> Text:
    """Return a line for each job: name, seconds and what it printed last."""
    from rich.text import Text

    width = max(map(len, jobs), default=0)
    lines = []
    for name, job in jobs.items():
        printed = Text.from_ansi(job.last_line()).plain
        lines.append(f"{name:{width}} {job.seconds:5.0f} s  {printed}")
    return Text("\n".join(lines), no_wrap=True, overflow="ellipsis")


def make_view() -> View:
    return TerminalView() if sys.stdout.isatty() else View()


def count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
