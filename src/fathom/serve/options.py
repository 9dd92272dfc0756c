"""Limits of a service."""

from dataclasses import dataclass


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
