"""How a request for predictions is answered."""

import asyncio
import json
import math
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from fathom.artifacts.signature import Signature
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import Inputs
from fathom.predict.prediction_columns import UNUSUAL, find_unusual, prediction_columns
from fathom.serve.batching import Batcher, JsonColumns
from fathom.serve.prometheus import Metrics
from fathom.serve.request_error import RequestError
from fathom.serve.requests import Form, PredictRequest, parse_request, read_body

SMALL = 1 << 16  # bytes that are parsed so fast that the event loop can do it


@dataclass(frozen=True)
class ServiceOptions:
    """Limits of a service, and of its batches.

    A request has at most `max_rows` rows and `max_bytes` bytes. The service works on at most
    `max_waiting` requests at once; each has `timeout` seconds to arrive and `timeout` seconds to be
    answered. A batch ends with `batch_rows` rows, or `batch_wait` seconds after its first request.
    """

    max_rows: int = 1000
    max_bytes: int = 16 << 20
    max_waiting: int = 256
    batch_rows: int = 1024
    batch_wait: float = 0.0
    timeout: float = 30.0


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

    async def predict(self, request: Request) -> Response:
        """Answer a request, unless too many others are in progress."""
        if self.in_progress >= self.options.max_waiting:
            raise busy(f"{self.in_progress} requests are in progress, the most allowed")
        self.in_progress += 1
        try:
            return await self.answer(request)
        finally:
            self.in_progress -= 1

    async def answer(self, request: Request) -> Response:
        seconds = self.options.timeout
        try:
            async with asyncio.timeout(seconds):
                body = await read_body(request, self.options.max_bytes)
        except TimeoutError as error:
            raise RequestError(f"the body took more than {seconds:g} seconds", 408) from error
        except ClientDisconnect as error:
            raise RequestError("the body is incomplete") from error
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

    async def parse(self, body: bytes) -> PredictRequest:
        """Parse a request, in another thread if that may take long."""
        arguments = body, self.signature, self.options.max_rows
        if len(body) <= SMALL and self.signature.image is None:
            return parse_request(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.parser, parse_request, *arguments)


def busy(reason: str) -> RequestError:
    return RequestError(f"{reason}: try again later", 503, retry=1)


def predict_columns(exported_model: ExportedModel, inputs: Inputs) -> JsonColumns:
    """Return the columns of `prediction_columns` and the column `unusual`, as JSON values."""
    # Values far from those of training overflow; `encode_response` names the row.
    with np.errstate(over="ignore", invalid="ignore"):
        found = prediction_columns(exported_model.predict(inputs), exported_model.signature)
    columns = {name: to_json_values(column) for name, column in found.items()}
    return columns | {UNUSUAL: find_unusual(inputs, exported_model.signature).tolist()}


def to_json_values(column: NDArray[Any]) -> list[Any]:
    """Return texts, or numbers with the fewest digits that float32 needs."""
    if column.dtype == object:
        texts: list[Any] = column.tolist()
        return texts
    return [float(text) for text in compute.cast(pa.array(column), pa.string()).to_pylist()]


def encode_response(columns: JsonColumns, form: Form) -> bytes:
    """Return the body of a response.

    Args:
        columns: predictions and `unusual`.
        form: of the request: {"predictions": [{column: value}]} answers rows,
            {"outputs": {column: [value]}} columns. `unusual` appears only where it says something.

    Raises:
        RequestError: a prediction is not a finite number.
    """
    marks = columns[UNUSUAL]
    columns = {name: values for name, values in columns.items() if name != UNUSUAL}
    response: dict[str, Any]
    if form == "instances":
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        for row, mark in zip(rows, marks, strict=True):
            if mark:
                row[UNUSUAL] = mark
        response = {"predictions": rows}
    else:
        marked = {UNUSUAL: [mark or None for mark in marks]} if any(marks) else {}
        response = {"outputs": columns | marked}
    try:
        return json.dumps(response, allow_nan=False, separators=(",", ":")).encode()
    except ValueError as error:
        raise not_finite_error(columns, marks) from error


def not_finite_error(columns: JsonColumns, marks: list[str]) -> RequestError:
    row = next(
        number
        for number, values in enumerate(zip(*columns.values(), strict=True))
        if any(isinstance(value, float) and not math.isfinite(value) for value in values)
    )
    why = f" ({marks[row]})" if marks[row] else ""
    return RequestError(
        f"row {row}: the prediction is not a finite number{why}: correct the values of this row, "
        "or leave it out",
        422,
    )
