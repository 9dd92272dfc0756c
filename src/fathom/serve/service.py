"""How a request for predictions is answered."""

from __future__ import annotations

import asyncio
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from fathom.artifacts.signature import Signature
from fathom.predict.unusual import UNUSUAL
from fathom.serve.batching import Batcher
from fathom.serve.errors import RefusedError
from fathom.serve.options import Settings
from fathom.serve.prometheus import Metrics
from fathom.serve.request_body import read_body
from fathom.serve.requests import Asked, asked
from fathom.serve.responses import encoded

SMALL = 1 << 16  # bytes of a request that are parsed so fast that others need not go on meanwhile


@dataclass
class Service:
    """What answers requests for predictions."""

    signature: Signature
    settings: Settings
    batcher: Batcher
    metrics: Metrics
    under_way: int = 0
    # One thread: as many would take turns, and Pillow's settings are for all of them.
    parser: ThreadPoolExecutor = field(default_factory=lambda: ThreadPoolExecutor(1, "parser"))

    async def predict(self, request: Request) -> Response:
        """Answer a request, unless too many others are under way."""
        if self.under_way >= self.settings.max_waiting:
            raise busy(f"{self.under_way} requests are under way, as many as may be")
        self.under_way += 1
        try:
            return await self.answer(request)
        finally:
            self.under_way -= 1

    async def answer(self, request: Request) -> Response:
        seconds = self.settings.timeout
        try:
            async with asyncio.timeout(seconds):
                body = await read_body(request, self.settings.max_bytes)
        except TimeoutError as error:
            raise RefusedError(408, f"the body took more than {seconds:g} seconds") from error
        except ClientDisconnect as error:
            raise RefusedError(400, "the body is not whole") from error
        try:
            async with asyncio.timeout(seconds):
                wanted = await self.parsed(body)
                found = await self.batcher.answers(wanted.inputs, wanted.rows)
        except TimeoutError as error:
            raise busy(f"there was no answer within {seconds:g} seconds") from error
        content = encoded(found, wanted.form)
        self.metrics.rows.inc(wanted.rows)
        self.metrics.unusual.inc(sum(map(bool, found[UNUSUAL])))
        return Response(content, media_type="application/json")

    async def parsed(self, body: bytes) -> Asked:
        """Return what a request asks, while others go on if that may take long."""
        arguments = body, self.signature, self.settings.max_rows
        if len(body) <= SMALL and self.signature.image is None:
            return asked(*arguments)
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self.parser, asked, *arguments)


def busy(reason: str) -> RefusedError:
    return RefusedError(503, f"{reason}: try again later", retry=1)
