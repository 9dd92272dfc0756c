"""Metrics of a service, for Prometheus."""

from collections.abc import Iterator
from functools import partial

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
from prometheus_client.metrics_core import GaugeMetricFamily
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fathom.predict.data_drift import Drift

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
COUNTS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192)
COLUMN_METRICS = {
    "missing": "Share of missing values.",
    "unseen": "Share of categories that the training set does not have.",
    "out_of_range": "Share of numbers and dates outside the range of the training set.",
    "stability_index": "Population stability index against the training set.",
}
OTHER = "other"  # the path of requests to no route


class Metrics:
    """Counters of one service, and the paths by which it counts requests."""

    def __init__(self, drift: Drift) -> None:
        self.drift = drift
        self.paths: list[str] = []
        self.registry = every = CollectorRegistry()
        for collector in (ProcessCollector, PlatformCollector, GCCollector):
            collector(registry=every)
        every.register(DriftCollector(drift))
        counter, gauge = partial(Counter, registry=every), partial(Gauge, registry=every)
        histogram = partial(Histogram, registry=every)
        self.requests = counter("fathom_requests", "Answered requests.", ["path", "status"])
        self.seconds = histogram(
            "fathom_request_seconds",
            "From the head of a request to the end of its response.",
            ["path"],
            buckets=SECONDS,
        )
        self.in_progress = gauge("fathom_requests_under_way", "Requests in progress.")
        self.rows = counter("fathom_rows", "Predicted rows.")
        self.unusual = counter("fathom_unusual_rows", "Rows with values outside the training set.")
        self.batch_requests = histogram(
            "fathom_batch_requests", "Requests per batch.", buckets=COUNTS
        )
        self.batch_rows = histogram("fathom_batch_rows", "Rows per batch.", buckets=COUNTS)
        info = gauge("fathom_model_info", "The network.", ["dataset", "model"])
        info.labels(drift.signature.dataset, drift.signature.model).set(1)

    def observe_batch(self, requests: int, rows: int) -> None:
        self.batch_requests.observe(requests)
        self.batch_rows.observe(rows)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Return all metrics in a format that the client accepts, and its content type."""
        encoder, content_type = choose_encoder(accept)
        return encoder(self.registry), content_type


class DriftCollector(Collector):
    """Reports how the last rows differ from those of the training set."""

    def __init__(self, drift: Drift) -> None:
        self.drift = drift

    def collect(self) -> Iterator[GaugeMetricFamily]:
        report = self.drift.report()
        text = "The last rows, of which the metrics below tell."
        yield GaugeMetricFamily("fathom_drift_rows", text, report["rows"])
        for key, text in COLUMN_METRICS.items():
            family = GaugeMetricFamily(f"fathom_column_{key}", text, labels=["column"])
            for name, values in report["columns"].items():
                if values[key] is not None:
                    family.add_metric([name], values[key])
            yield family
        predictions = report["predictions"]
        text = "Share of predictions by class or bin."
        family = GaugeMetricFamily("fathom_predictions_share", text, labels=["bin"])
        for name, share in predictions.get("shares", {}).items():
            family.add_metric([name], share)
        yield family
        index = predictions.get("stability_index")
        if index is not None:
            text = "Population stability index against predictions for validation rows."
            yield GaugeMetricFamily("fathom_predictions_stability_index", text, index)


class MetricsMiddleware:
    """Counts the requests of an ASGI application and measures their time."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        status = 500  # of an exception

        async def send_and_note_status(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        path = scope["path"] if scope["path"] in self.metrics.paths else OTHER
        with self.metrics.in_progress.track_inprogress(), self.metrics.seconds.labels(path).time():
            try:
                await self.app(scope, receive, send_and_note_status)
            finally:
                self.metrics.requests.labels(path, str(status)).inc()
