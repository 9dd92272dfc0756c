"""Requests that wait at the same time, predicted for by one call of the model."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fathom.predict.model_inputs import Inputs
from fathom.serve.options import Settings

Answers = dict[str, list[Any]]  # by column, a value a row
Work = Callable[[Inputs], Answers]
Told = Callable[[int, int], None]  # how many requests and rows a batch has


@dataclass
class Waiting:
    """A request that waits for its answers, and the event loop that waits for it."""

    inputs: Inputs
    rows: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[Answers]


@dataclass
class Batcher:
    """Puts requests together for one worker thread, the only one that calls the model."""

    work: Work
    settings: Settings
    told: Told
    # None means that no more will come.
    queue: queue.SimpleQueue[Waiting | None] = field(default_factory=queue.SimpleQueue)

    async def answers(self, inputs: Inputs, rows: int) -> Answers:
        """Return what the work gives for these rows, once their batch has been done."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answers] = loop.create_future()
        self.queue.put(Waiting(inputs, rows, loop, future))
        return await future

    def run(self) -> None:
        """Do one batch after another."""
        following = self.queue.get()
        while following is not None:
            batch, following = self.collect(following)
            # Those that no longer wait, their time being over, are left out.
            waiting = [request for request in batch if not request.future.cancelled()]
            if waiting:
                self.told(len(waiting), sum(request.rows for request in waiting))
                self.do(waiting)
            if following is NOTHING:
                following = self.queue.get()

    def collect(self, first: Waiting) -> tuple[list[Waiting], Waiting | None]:
        """Return a batch, and what came after it if that is known: `NOTHING` if not."""
        batch, rows = [first], first.rows
        until = time.monotonic() + self.settings.batch_wait
        while rows < self.settings.batch_rows:
            try:
                following = self.queue.get(timeout=max(0.0, until - time.monotonic()))
            except queue.Empty:
                return batch, NOTHING
            if following is None or rows + following.rows > self.settings.batch_rows:
                return batch, following
            batch.append(following)
            rows += following.rows
        return batch, NOTHING

    def do(self, batch: list[Waiting]) -> None:
        """Answer the requests of a batch; if the work fails, each by itself."""
        try:
            found = self.work(joined(batch))
        except Exception as error:
            if len(batch) > 1:
                for request in batch:
                    self.do([request])
            else:
                tell(batch[0], error)
            return
        start = 0
        for request in batch:
            end = start + request.rows
            tell(request, {name: values[start:end] for name, values in found.items()})
            start = end


NOTHING = Waiting({}, 0, None, None)  # type: ignore[arg-type]


def joined(batch: list[Waiting]) -> Inputs:
    """Return the rows of all requests, in their order."""
    if len(batch) == 1:
        return batch[0].inputs
    names = batch[0].inputs
    return {name: np.concatenate([request.inputs[name] for request in batch]) for name in names}


def tell(request: Waiting, outcome: Answers | Exception) -> None:
    """Give a request its answers, or why there are none, in its own thread."""

    def settle() -> None:
        if request.future.done():
            return
        if isinstance(outcome, Exception):
            request.future.set_exception(outcome)
        else:
            request.future.set_result(outcome)

    with contextlib.suppress(RuntimeError):  # the loop has been closed: nobody waits
        request.loop.call_soon_threadsafe(settle)


@contextlib.contextmanager
def batching(work: Work, settings: Settings, told: Told) -> Iterator[Batcher]:
    """Have a thread do the work until the end of the block, and of what waits then."""
    batcher = Batcher(work, settings, told)
    thread = threading.Thread(target=batcher.run, name="model")
    thread.start()
    try:
        yield batcher
    finally:
        batcher.queue.put(None)
        thread.join()
