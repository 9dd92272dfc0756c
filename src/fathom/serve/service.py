"""How a request for predictions is answered."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from fathom.artifacts.signature import Signature
from fathom.predict.data_drift import Drift
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import Inputs
from fathom.predict.prediction_columns import UNUSUAL, find_unusual, prediction_columns
from fathom.serve.batching import Batcher, OutputColumns
from fathom.serve.bodies import Bodies
from fathom.serve.prometheus import Metrics
from fathom.serve.request_error import RequestError, busy
from fathom.serve.requests import Form, PredictRequest, parse_request

SMALL = 1 << 15  # bytes that are parsed so fast that the event loop can do it


@dataclass(frozen=True)
class ServiceOptions:
    """Limits of a service, and of its batches.

    A request has at most `max_rows` rows and `max_bytes` bytes. The service works on at most
    `max_waiting` requests at once, on at most `max_connections` connections, of which
    `max_per_address` are of one IP address. A request has `timeout` seconds for its head, `timeout`
    seconds for its body and `timeout` seconds to be answered. A batch ends with `batch_rows` rows,
    or `batch_wait` seconds after its first request. `hosts` and `token` are those of
    `AccessMiddleware`.
    """

    max_rows: int = 1000
    max_bytes: int = 16 << 20
    max_waiting: int = 256
    max_connections: int = 512
    max_per_address: int = 128
    batch_rows: int = 1024
    batch_wait: float = 0.0
    timeout: float = 30.0
    hosts: frozenset[str] = frozenset()
    token: str | None = field(default=None, repr=False)


@dataclass
class Service:
    """Answers requests for predictions."""

    signature: Signature
    options: ServiceOptions
    batcher: Batcher
    metrics: Metrics
    in_progress: int = 0
    # One thread: Python parses one request at a time, and Pillow's settings are global.
    parser: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "parser"))

    def __post_init__(self) -> None:
        self.bodies = Bodies(self.options.max_bytes, self.options.timeout)

    async def predict(self, request: Request) -> Response:
        """Answer a request, unless too many others are in progress."""
        self.check_busy()
        async with self.bodies.read(request) as body:
            self.check_busy()  # a body that arrives slowly keeps no other request waiting
            self.in_progress += 1
            try:
                return await self.answer(body)
            finally:
                self.in_progress -= 1

    def check_busy(self) -> None:
        if self.in_progress >= self.options.max_waiting:
            raise busy(f"{self.in_progress} requests are in progress, the most allowed")

    async def answer(self, body: bytearray) -> Response:
        seconds = self.options.timeout
        try:
            async with asyncio.timeout(seconds):
                parsed = await self.parse(body)
                columns = await self.batcher.predict(parsed.inputs, parsed.rows)
        except TimeoutError as error:
            raise busy(f"there was no answer within {seconds:g} seconds") from error
        content = encode_response(columns, parsed.form)
        self.metrics.rows.inc(parsed.rows)
        self.metrics.unusual.inc(sum(map(bool, columns[UNUSUAL])))
        return Response(content, media_type="application/json")

    async def parse(self, body: bytearray) -> PredictRequest:
        """Parse a request, in another thread if that may take long."""
        arguments = body, self.signature, self.options.max_rows
        if len(body) <= SMALL and self.signature.image is None:
            return parse_request(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.parser, parse_request, *arguments)


def default_max_bytes(signature: Signature, max_rows: int) -> int:
    """Return the most bytes of a request: no more than its rows need, since parsing takes time."""
    if signature.image is not None:
        return 16 << 20
    return min(max(256 * max_rows * len(signature.columns), 1 << 20), 16 << 20)


def predict_columns(exported_model: ExportedModel, watch: Drift, inputs: Inputs) -> OutputColumns:
    """Return the columns of `prediction_columns` and the column `unusual`."""
    # Values far from those of training overflow; `encode_response` names the row.
    with np.errstate(over="ignore", invalid="ignore"):
        outputs = exported_model.predict(inputs)
        found = prediction_columns(outputs, exported_model.signature)
    watch.observe(inputs, outputs)
    return found | {UNUSUAL: find_unusual(inputs, exported_model.signature)}


def encode_response(columns: OutputColumns, form: Form) -> bytes:
    """Return the body of a response. Numbers have the fewest digits that float32 needs.

    Args:
        columns: predictions and `unusual`.
        form: of the request: {"predictions": [{column: value}]} answers rows,
            {"outputs": {column: [value]}} columns. `unusual` appears only where it says something.

    Raises:
        RequestError: a prediction is not a finite number.
    """
    marks = columns[UNUSUAL]
    columns = {name: values for name, values in columns.items() if name != UNUSUAL}
    check_finite(columns, marks)
    response: dict[str, Any]
    if form == "instances":
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for row, mark in zip(rows, marks, strict=True):
            if mark:
                row[UNUSUAL] = mark
        response = {"predictions": rows}
    else:
        # orjson writes arrays of numbers, but none of texts.
        outputs = {name: of.tolist() if of.dtype == object else of for name, of in columns.items()}
        marked = {UNUSUAL: [mark or None for mark in marks]} if any(marks) else {}
        response = {"outputs": outputs | marked}
    return orjson.dumps(response, option=orjson.OPT_SERIALIZE_NUMPY)


def check_finite(columns: OutputColumns, marks: NDArray[np.object_]) -> None:
    for values in columns.values():
        if values.dtype == object:
            continue
        invalid = ~np.isfinite(values)
        if invalid.any():
            row = int(invalid.argmax())
            why = f" ({marks[row]})" if marks[row] else ""
            raise RequestError(
                f"row {row}: the prediction is not a finite number{why}: correct the values of "
                "this row, or leave it out",
                422,
            )
