"""How a request for predictions is answered."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from fathom.artifacts.signature import Signature
from fathom.predict.prediction_columns import UNUSUAL
from fathom.serve.batching import Batcher
from fathom.serve.options import ServiceOptions
from fathom.serve.prometheus import Metrics
from fathom.serve.request_error import RequestError
from fathom.serve.requests import PredictRequest, parse_request, read_body
from fathom.serve.responses import encode_response

SMALL = 1 << 16  # bytes that are parsed so fast that the event loop can do it


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
