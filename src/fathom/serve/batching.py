"""One call of the model for several requests."""

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

JsonColumns = dict[str, list[Any]]  # one value a row
Predict = Callable[[Inputs], JsonColumns]


@dataclass
class PendingRequest:
    """The rows of a request, and the future that its event loop waits for."""

    inputs: Inputs
    rows: int
    loop: asyncio.AbstractEventLoop
    future: asyncio.Future[JsonColumns]

    def resolve(self, result: JsonColumns | Exception) -> None:
        """Set the future's result or exception, in the thread of its loop."""

        def set_future() -> None:
            if self.future.done():
                return
            if isinstance(result, Exception):
                self.future.set_exception(result)
            else:
                self.future.set_result(result)

        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            self.loop.call_soon_threadsafe(set_future)


@dataclass
class Batcher:
    """Batches requests for one worker thread, the only one that calls the model.

    Args:
        predict_batch: returns the predictions for the inputs of a batch.
        max_rows: rows with which a batch is full.
        max_wait: seconds that a batch waits for more requests.
        on_batch: receives the number of requests and of rows of each batch.
    """

    predict_batch: Predict
    max_rows: int
    max_wait: float
    on_batch: Callable[[int, int], None]
    # None is the last entry.
    queue: queue.SimpleQueue[PendingRequest | None] = field(default_factory=queue.SimpleQueue)

    async def predict(self, inputs: Inputs, rows: int) -> JsonColumns:
        """Return the predictions for these rows as soon as their batch is done."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[JsonColumns] = loop.create_future()
        self.queue.put(PendingRequest(inputs, rows, loop, future))
        return await future

    def run(self) -> None:
        """Work on one batch after another until the queue ends."""
        following = self.queue.get()
        while following is not None:
            batch, following = self.collect(following)
            # A request whose time is over no longer waits.
            waiting = [request for request in batch if not request.future.cancelled()]
            if waiting:
                self.on_batch(len(waiting), sum(request.rows for request in waiting))
                self.run_batch(waiting)
            if following is UNKNOWN:
                following = self.queue.get()

    def collect(self, first: PendingRequest) -> tuple[list[PendingRequest], PendingRequest | None]:
        """Return a batch and the entry that follows it, `UNKNOWN` if none was read."""
        batch, rows = [first], first.rows
        deadline = time.monotonic() + self.max_wait
        while rows < self.max_rows:
            try:
                following = self.queue.get(timeout=max(0.0, deadline - time.monotonic()))
            except queue.Empty:
                return batch, UNKNOWN
            if following is None or rows + following.rows > self.max_rows:
                return batch, following
            batch.append(following)
            rows += following.rows
        return batch, UNKNOWN

    def run_batch(self, batch: list[PendingRequest]) -> None:
        """Resolve the requests of a batch; if it fails, one request at a time."""
        try:
            columns = self.predict_batch(join_inputs(batch))
        except Exception as error:
            if len(batch) == 1:
                batch[0].resolve(error)
                return
            for request in batch:
                self.run_batch([request])
            return
        start = 0
        for request in batch:
            end = start + request.rows
            request.resolve({name: values[start:end] for name, values in columns.items()})
            start = end


UNKNOWN = PendingRequest({}, 0, None, None)  # type: ignore[arg-type]


def join_inputs(batch: list[PendingRequest]) -> Inputs:
    """Return the rows of all requests in their order; those of a single one without a copy."""
    if len(batch) == 1:
        return batch[0].inputs
    names = batch[0].inputs
    return {name: np.concatenate([request.inputs[name] for request in batch]) for name in names}


@contextlib.contextmanager
def start_batcher(batcher: Batcher) -> Iterator[Batcher]:
    """Run a batcher in a thread; the end of the block waits for the requests in its queue."""
    thread = threading.Thread(target=batcher.run, name="model")
    thread.start()
    try:
        yield batcher
    finally:
        batcher.queue.put(None)
        thread.join()
