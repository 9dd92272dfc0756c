"""The bodies of requests as they arrive."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from starlette.requests import ClientDisconnect, Request

from fathom.serve.request_error import RequestError, busy, json_text

# `curl -d`, which TensorFlow Serving's documentation uses, labels JSON as a form.
CONTENT_TYPES = ("", "application/json", "application/x-www-form-urlencoded")
PATIENCE = 5.0  # seconds that a body may take at any rate
SLOWEST = 1 << 14  # bytes a second after that
BODIES = 4  # of the largest size are in memory at once, or more that are smaller


@dataclass
class Bodies:
    """Reads the bodies of all requests, and limits the memory that they take together.

    Args:
        max_bytes: of one body.
        timeout: seconds in which a body must arrive.
    """

    max_bytes: int
    timeout: float
    bytes: int = 0  # in memory

    @asynccontextmanager
    async def read(self, request: Request) -> AsyncIterator[bytearray]:
        """Yield a request's body. It counts as memory until the block ends.

        Raises:
            RequestError: it is not plain JSON, larger than `max_bytes`, slow or incomplete, or the
                bodies of others take all memory.
        """
        check_content_type(request)
        body = bytearray()
        try:
            await self.receive(request, body)
            yield body
        finally:
            self.bytes -= len(body)

    async def receive(self, request: Request, body: bytearray) -> None:
        length = request.headers.get("content-length", "")
        if length.isdecimal() and int(length) > self.max_bytes:
            raise self.too_large()
        start, seconds = asyncio.get_running_loop().time(), min(self.timeout, PATIENCE)
        try:
            async with asyncio.timeout_at(start + seconds) as deadline:
                async for chunk in request.stream():
                    body += chunk
                    self.bytes += len(chunk)
                    self.check_size(body)
                    seconds = min(self.timeout, PATIENCE + len(body) / SLOWEST)
                    deadline.reschedule(start + seconds)
        except TimeoutError as error:
            raise self.too_slow(seconds) from error
        except ClientDisconnect as error:
            raise RequestError("the body is incomplete") from error

    def check_size(self, body: bytearray) -> None:
        if len(body) > self.max_bytes:
            raise self.too_large()
        if self.bytes > BODIES * self.max_bytes:
            raise busy("the bodies of other requests take all memory that is allowed")

    def too_large(self) -> RequestError:
        return RequestError(
            f"the body is larger than {self.max_bytes} bytes, the most allowed: send fewer rows at "
            "once",
            413,
        )

    def too_slow(self, seconds: float) -> RequestError:
        if seconds < self.timeout:
            return RequestError(f"the body arrives slower than {SLOWEST} bytes a second", 408)
        return RequestError(f"the body took more than {self.timeout:g} seconds", 408)


def check_content_type(request: Request) -> None:
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind not in CONTENT_TYPES and not kind.endswith("+json"):
        raise RequestError(f"the body must be application/json, not {json_text(kind)}", 415)
    encoding = request.headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("", "identity"):
        raise RequestError(f"the body must not be encoded: it is {json_text(encoding)}", 415)
