"""What Prometheus is told of a service."""

from __future__ import annotations

from dataclasses import dataclass, field
from time import perf_counter

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    GCCollector,
    Histogram,
    PlatformCollector,
    ProcessCollector,
)
from prometheus_client.exposition import choose_encoder
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fathom.artifacts.signature import Signature

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
OTHER = "other"  # any address that there is not


@dataclass
class Metrics:
    """Counters of one service, and the addresses by which requests are counted."""

    paths: list[str] = field(default_factory=list)
    registry: CollectorRegistry = field(default_factory=CollectorRegistry)

    def __post_init__(self) -> None:
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=self.registry)
        self.requests = Counter(
            "fathom_requests",
            "Requests that were answered.",
            ["path", "status"],
            registry=self.registry,
        )
        self.seconds = Histogram(
            "fathom_request_seconds",
            "From the head of a request to the end of its answer.",
            ["path"],
            buckets=SECONDS,
            registry=self.registry,
        )
        self.under_way = Gauge(
            "fathom_requests_under_way", "Requests not answered yet.", registry=self.registry
        )
        self.rows = Counter("fathom_rows", "Rows predicted for.", registry=self.registry)
        self.unusual = Counter(
            "fathom_unusual_rows",
            "Rows that hold what training did not see.",
            registry=self.registry,
        )
        self.batch_requests = Histogram(
            "fathom_batch_requests",
            "Requests put together into one call of the model.",
            buckets=COUNTS,
            registry=self.registry,
        )
        self.batch_rows = Histogram(
            "fathom_batch_rows",
            "Rows put together into one call of the model.",
            buckets=COUNTS,
            registry=self.registry,
        )

    def name_model(self, signature: Signature) -> None:
        """Tell which network is served."""
        info = Gauge(
            "fathom_model_info", "The network.", ["dataset", "model"], registry=self.registry
        )
        info.labels(signature.dataset, signature.model).set(1)

    def batch(self, requests: int, rows: int) -> None:
        """Count a batch."""
        self.batch_requests.observe(requests)
        self.batch_rows.observe(rows)

    def exposition(self, accept: str) -> tuple[bytes, str]:
        """Return all figures in a form that is accepted, and the name of that form."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type


class Measured:
    """Counts the requests of an ASGI application, and how long they take."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500  # if it ends with an exception

        async def sending(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        path = scope["path"] if scope["path"] in self.metrics.paths else OTHER
        began = perf_counter()
        self.metrics.under_way.inc()
        try:
            await self.app(scope, receive, sending)
        finally:
            self.metrics.under_way.dec()
            self.metrics.requests.labels(path, str(status)).inc()
            self.metrics.seconds.labels(path).observe(perf_counter() - began)
