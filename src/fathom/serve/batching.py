"""One call of the model for several requests."""

import asyncio
import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fathom.predict.model_inputs import Inputs

JsonColumns = dict[str, list[Any]]  # one value a row
Predict = Callable[[Inputs], JsonColumns]


@dataclass
class PendingRequest:
    """The rows of a request, and the future of their predictions."""

    inputs: Inputs
    rows: int
    future: Future[JsonColumns] = field(default_factory=Future)


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
        request = PendingRequest(inputs, rows)
        self.queue.put(request)
        return await asyncio.wrap_future(request.future)

    def run(self) -> None:
        """Work on one batch after another until the queue ends."""
        following = self.queue.get()
        while following is not None:
            batch, following = self.collect(following)
            # A request whose time is over no longer waits.
            waiting = [one for one in batch if one.future.set_running_or_notify_cancel()]
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
                batch[0].future.set_exception(error)
                return
            for request in batch:
                self.run_batch([request])
            return
        start = 0
        for request in batch:
            end = start + request.rows
            request.future.set_result({name: of[start:end] for name, of in columns.items()})
            start = end


UNKNOWN = PendingRequest({}, 0)


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
