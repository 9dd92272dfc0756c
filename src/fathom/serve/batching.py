"""One call of the model for several requests."""

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import accumulate, pairwise
from queue import Empty, SimpleQueue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.predict.model_inputs import Inputs

OutputColumns = dict[str, NDArray[Any]]  # one value a row
Predict = Callable[[Inputs], OutputColumns]


@dataclass
class PendingRequest:
    """The rows of a request, and the future that its event loop waits for."""

    inputs: Inputs
    rows: int
    future: asyncio.Future[OutputColumns]


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
    queue: SimpleQueue[PendingRequest | None] = field(default_factory=SimpleQueue)

    async def predict(self, inputs: Inputs, rows: int) -> OutputColumns:
        """Return the predictions for these rows as soon as their batch is done."""
        future: asyncio.Future[OutputColumns] = asyncio.get_running_loop().create_future()
        self.queue.put(PendingRequest(inputs, rows, future))
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
            except Empty:
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
            if len(batch) > 1:
                for request in batch:
                    self.run_batch([request])
                return
            results: list[OutputColumns | Exception] = [error]
        else:
            ends = list(accumulate(request.rows for request in batch))
            slices = [slice(start, end) for start, end in pairwise([0, *ends])]
            results = [{name: of[rows] for name, of in columns.items()} for rows in slices]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop = batch[0].future.get_loop()
            loop.call_soon_threadsafe(resolve, batch, results)


UNKNOWN = PendingRequest({}, 0, None)  # type: ignore[arg-type]


def resolve(batch: list[PendingRequest], results: list[OutputColumns | Exception]) -> None:
    """Set the results of requests whose time is not over, in the thread of their loop."""
    for request, result in zip(batch, results, strict=True):
        if request.future.done():
            continue
        if isinstance(result, Exception):
            request.future.set_exception(result)
        else:
            request.future.set_result(result)


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
