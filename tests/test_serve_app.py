"""The application of `fathom serve`: other models, batches, and requests from its schema."""

from __future__ import annotations

import asyncio
import functools
import threading
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import httpx
import numpy as np
import pytest
import schemathesis
from exports import CALIFORNIA, DIGITS, HOUSES
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from schemathesis.config import SchemathesisConfig
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import positive_data_acceptance
from services import (
    ROW,
    error_of,
    exported,
)

from fathom.predict.data_drift import Drift
from fathom.serve.app import create_app
from fathom.serve.batching import Batcher, OutputColumns, start_batcher
from fathom.serve.prometheus import Metrics
from fathom.serve.service import Service, ServiceOptions, predict_columns

# Schemathesis does not count 413, too many rows, as a refusal.
REFUSALS = {"negative_data_rejection": {"expected-statuses": [400, 413, 415]}}
SCHEMATHESIS = SchemathesisConfig.from_dict({"checks": REFUSALS})
pytestmark = pytest.mark.usefixtures("in_exports")
pytest_plugins = ["services"]


@contextmanager
def app_of(model: str, predict: Any = None, **limits: Any) -> Iterator[FastAPI]:
    """Return the application of a service; `predict` replaces the model."""
    network, options = exported(model), ServiceOptions(**limits)
    metrics = Metrics(Drift(network.signature, 1000))
    predict = predict or functools.partial(predict_columns, network, metrics.drift)
    batcher = Batcher(predict, options.batch_rows, options.batch_wait, metrics.observe_batch)
    with start_batcher(batcher):
        yield create_app(Service(network.signature, options, batcher, metrics))


def post_to(app: FastAPI, rows: list[Any]) -> httpx.Response:
    async def post() -> httpx.Response:
        transport = httpx.ASGITransport(app, raise_app_exceptions=False)
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.post("/predict", json={"instances": rows})

    return asyncio.run(post())


def outputs(predicted: list[float], unusual: list[str]) -> OutputColumns:
    return {"predicted": np.array(predicted, np.float32), "unusual": np.array(unusual, object)}


def test_a_bug_reveals_nothing() -> None:
    def predict(inputs: Mapping[str, Any]) -> OutputColumns:
        raise RuntimeError("in the model")

    with app_of(CALIFORNIA, predict) as app:
        response = post_to(app, [ROW])
    assert response.status_code == 500
    assert response.json() == {"error": "internal error: see the log of the service"}


def test_predictions_that_are_not_finite() -> None:
    def predict(inputs: Mapping[str, Any]) -> OutputColumns:
        return outputs([1.0, float("nan")], ["", "MedInc above 15"])

    with app_of(CALIFORNIA, predict) as app:
        response = post_to(app, [ROW, ROW])
    assert (error_of(response), response.status_code) == (
        "row 1: the prediction is not a finite number (MedInc above 15): correct the values of "
        "this row, or leave it out",
        422,
    )


def test_a_prediction_that_takes_too_long() -> None:
    proceed = threading.Event()

    def predict(inputs: Mapping[str, Any]) -> OutputColumns:
        proceed.wait()
        return outputs([1.0], [""])

    with app_of(CALIFORNIA, predict, timeout=0.1) as app:
        response = post_to(app, [ROW])
        proceed.set()
    assert (response.status_code, response.headers["retry-after"]) == (503, "1")
    assert error_of(response) == "there was no answer within 0.1 seconds: try again later"


def test_requests_beyond_the_limit_are_refused() -> None:
    working, proceed = threading.Event(), threading.Event()

    def predict(inputs: Mapping[str, Any]) -> OutputColumns:
        working.set()
        proceed.wait()
        return outputs([1.0], [""])

    with app_of(CALIFORNIA, predict, max_waiting=1) as app, ThreadPoolExecutor(1) as other:
        first = other.submit(post_to, app, [ROW])
        working.wait()
        response = post_to(app, [ROW])
        proceed.set()
        assert first.result().status_code == 200
    assert (error_of(response), response.status_code, response.headers["retry-after"]) == (
        "1 requests are in progress, the most allowed: try again later",
        503,
        "1",
    )


def test_batches() -> None:
    """A batch has up to `batch_rows` rows; a failing request spoils no others; a canceled one is
    left out.
    """
    batches: list[list[int]] = []
    started, proceed = threading.Event(), threading.Event()

    def predict(inputs: Mapping[str, Any]) -> OutputColumns:
        started.set()
        proceed.wait()
        batches.append(inputs["x"].tolist())
        if -1 in inputs["x"]:
            raise ValueError("no negative ones")
        return {"doubled": 2 * inputs["x"]}

    async def send_all() -> list[Any]:
        with start_batcher(Batcher(predict, 5, 0.0, lambda *_: None)) as batcher:

            def send(*values: int) -> asyncio.Task[OutputColumns]:
                return asyncio.create_task(batcher.predict({"x": np.array(values)}, len(values)))

            tasks = [send(0)]
            await asyncio.to_thread(started.wait)  # the others wait for this one
            tasks += [send(1, 2), send(3), send(4, 5), send(-1), send(6)]
            tasks += [send(*range(7, 13)), send(13), send(14)]
            await asyncio.sleep(0)
            tasks[-1].cancel()
            await asyncio.sleep(0)
            proceed.set()
            return await asyncio.gather(*tasks, return_exceptions=True)

    results = [
        {name: values.tolist() for name, values in result.items()}
        if isinstance(result, dict)
        else result
        for result in asyncio.run(send_all())
    ]
    large = list(range(7, 13))
    assert batches == [[0], [1, 2, 3, 4, 5], [-1, 6], [-1], [6], large, [13]]
    failed, cancelled = results.pop(4), results.pop()
    assert str(failed) == "no negative ones"
    assert isinstance(cancelled, asyncio.CancelledError)
    sent = [[0], [1, 2], [3], [4, 5], [6], large, [13]]
    assert results == [{"doubled": [2 * value for value in values]} for values in sent]


POSITIVE, NEGATIVE = schemathesis.GenerationMode.POSITIVE, schemathesis.GenerationMode.NEGATIVE


@pytest.mark.parametrize(
    ("mode", "model", "examples"),
    [
        (POSITIVE, HOUSES, 10),
        (NEGATIVE, DIGITS, 10),
        pytest.param(POSITIVE, DIGITS, 30, marks=pytest.mark.slow),
        pytest.param(NEGATIVE, HOUSES, 30, marks=pytest.mark.slow),
    ],
)
def test_requests_from_the_schema(
    mode: schemathesis.GenerationMode, model: str, examples: int
) -> None:
    """No response has status 5xx or one that the schema does not list. Data that violates the
    schema is refused. Data that fits may be, too: a schema cannot say that lists have one length,
    that a text is a date or that a file is an image.
    """
    with app_of(model, max_rows=20, hosts=frozenset({"testserver"})) as app:
        document = schemathesis.openapi.from_asgi("/openapi.json", app, config=SCHEMATHESIS)
        found = list(document.get_all_operations())
        operations = [operation.ok() for operation in found if isinstance(operation, Ok)]
        posts = [operation for operation in operations if operation.method == "post"]
        assert [len(operations), len(posts)] == [10, 3]
        statuses = set()
        for operation in posts if mode is NEGATIVE else operations:

            @given(operation.as_strategy(generation_mode=mode))
            @settings(
                max_examples=examples,
                derandomize=True,
                database=None,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            )
            def send(case: schemathesis.Case[Any]) -> None:
                response = case.call()
                statuses.add(response.status_code)
                case.validate_response(response, excluded_checks=[positive_data_acceptance])

            send()
    assert (200 in statuses) == (mode is POSITIVE)
    assert statuses <= ({200, 400, 422} if mode is POSITIVE else {400, 413, 415})
