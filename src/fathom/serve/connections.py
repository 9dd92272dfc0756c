"""Connections of clients: how many there may be, and how long each may do nothing."""

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

REFUSAL = (
    b"HTTP/1.1 503 Service Unavailable\r\nContent-Type: application/json\r\nRetry-After: 1\r\n"
    b"Connection: close\r\nContent-Length: %d\r\n\r\n%b"
)
TOO_MANY = b'{"error": "too many connections: try again later"}'


class ClientConnection(H11Protocol):
    """An HTTP connection that ends when the client keeps the service waiting.

    uvicorn ends a connection that is idle after a response. This class also ends one whose next
    request does not get a whole head, whose refused body does not end, or whose response is not
    read, after `seconds`. A body that is wanted has its own deadline, in `Service`.

    Args:
        seconds: how long each of these may take.
        most: connections that may be open at once.
        most_per_address: those of one IP address.
        arguments: of uvicorn.
    """

    def __init__(self, seconds: float, most: int, most_per_address: int, **arguments: Any) -> None:
        super().__init__(**arguments)
        self.seconds, self.most, self.most_per_address = seconds, most, most_per_address
        self.deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        same = [other for other in self.connections if self.has_address_of(other)]
        if len(self.connections) > self.most or len(same) > self.most_per_address:
            transport.write(REFUSAL % (len(TOO_MANY), TOO_MANY))
            transport.close()
        self.set_deadline()

    def has_address_of(self, other: object) -> bool:
        if not isinstance(other, ClientConnection) or self.client is None or other.client is None:
            return False
        return self.client[0] == other.client[0]

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self.cancel_deadline()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self.set_deadline()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self.set_deadline()

    def timeout_keep_alive_handler(self) -> None:
        super().timeout_keep_alive_handler()
        self.set_deadline()

    def pause_writing(self) -> None:
        super().pause_writing()
        self.set_deadline()

    def resume_writing(self) -> None:
        super().resume_writing()
        self.set_deadline()

    def set_deadline(self) -> None:
        """Start the deadline if the service waits for the client, or else cancel it."""
        if not self.waits_for_client():
            self.cancel_deadline()
        elif self.deadline is None:
            self.deadline = self.loop.call_later(self.seconds, self.transport.abort)

    def cancel_deadline(self) -> None:
        if self.deadline is not None:
            self.deadline.cancel()
            self.deadline = None

    def waits_for_client(self) -> bool:
        if self.transport.is_closing() or self.flow.write_paused or self.cycle is None:
            return True
        if not self.cycle.response_complete:
            return False
        return self.conn.their_state is h11.SEND_BODY or bool(self.conn.trailing_data[0])
