"""The addresses of a service."""

from __future__ import annotations

import json
from collections.abc import Mapping

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fathom.serve.errors import RefusedError, cut
from fathom.serve.openapi import Json, reference, refusals, reply, schemas
from fathom.serve.prometheus import Measured
from fathom.serve.service import Service

MODELS = "/v1/models/"
# As TensorFlow Serving says that a model has been loaded.
AVAILABLE = {
    "version": "1",
    "state": "AVAILABLE",
    "status": {"error_code": "OK", "error_message": ""},
}


def application(service: Service) -> FastAPI:
    """Return the application that answers at all addresses of a service."""
    signature, metrics = service.signature, service.metrics
    dataset, model = signature.dataset, signature.model
    # No pages of documentation: FastAPI's load their scripts from elsewhere.
    app = FastAPI(
        title=f"Predictions of {signature.main.column} by {model}, trained on {dataset}",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )

    async def health() -> Response:
        return JSONResponse({"status": "ok", "dataset": dataset, "model": model})

    async def status() -> Response:
        return JSONResponse({"model_version_status": [AVAILABLE]})

    async def described() -> Response:
        return JSONResponse(signature.model_dump())

    async def figures(request: Request) -> Response:
        content, kind = metrics.exposition(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": kind})

    add_predicting(app, service, "/predict", "predict")
    add_predicting(app, service, f"{MODELS}{model}:predict", "predict_as_tensorflow_serving")
    answer = reply({"type": "object"}, "There it is.")
    for path, function, told in (
        ("/health", health, "That predictions can be made."),
        (f"{MODELS}{model}", status, "The same, as TensorFlow Serving says it."),
        ("/signature", described, "What the network takes and gives, and what training saw."),
    ):
        app.add_api_route(path, function, summary=told, responses={200: answer})
    text = {"description": "In Prometheus' form.", "content": {"text/plain": {}}}
    app.add_api_route(
        "/metrics",
        figures,
        summary="Figures for Prometheus.",
        response_class=Response,
        responses={200: text},
    )
    document = app.openapi()  # which FastAPI keeps
    document["components"] = {"schemas": schemas(signature, service.settings)}
    metrics.name_model(signature)
    metrics.paths += [*document["paths"], str(app.openapi_url)]
    app.add_middleware(Measured, metrics=metrics)
    app.add_exception_handler(RefusedError, refused)
    app.add_exception_handler(HTTPException, astray)
    app.add_exception_handler(Exception, failed)
    app.state.model = model
    return app


def add_predicting(app: FastAPI, service: Service, path: str, name: str) -> None:
    """Have requests for predictions answered at an address."""
    replies: dict[int | str, Json] = {
        200: reply(reference("Reply"), "What is predicted, by rows or by columns, as asked.")
    }
    body = {"application/json": {"schema": reference("Request")}}
    app.add_api_route(
        path,
        service.predict,
        methods=["POST"],
        operation_id=name,
        summary="Predictions for rows.",
        description="In the forms of TensorFlow Serving's REST API, version 1.",
        responses=replies | refusals(),
        openapi_extra={"requestBody": {"required": True, "content": body}},
    )


async def refused(_: Request, error: Exception) -> Response:
    """Say why a request is refused, as TensorFlow Serving does."""
    assert isinstance(error, RefusedError)
    again = {"Retry-After": str(error.retry)} if error.retry is not None else None
    return refusal(error.reason, error.status, again)


async def astray(request: Request, error: Exception) -> Response:
    """Say what is wrong with an address or a method."""
    assert isinstance(error, HTTPException)
    path, reason = cut(request.url.path, 100), str(error.detail)
    if error.status_code == 405:
        reason = f"{path} takes {(error.headers or {}).get('Allow', 'GET')}, not {request.method}"
    elif error.status_code == 404:
        reason = f"there is nothing at {path}: POST /predict predicts, /openapi.json has the rest"
        asked = path.removeprefix(MODELS).partition("/")[0].partition(":")[0]
        if path.startswith(MODELS) and asked != request.app.state.model:
            reason = f"there is no model {asked!r} here, but {request.app.state.model!r}"
    return refusal(reason, error.status_code, error.headers)


async def failed(_: Request, error: Exception) -> Response:  # noqa: ARG001 - the server logs it
    """Keep the traceback of a bug in the log."""
    return refusal("internal error: the service's log has it", 500)


def refusal(reason: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    # In ASCII, since what a request wrote may be no Unicode text.
    content = json.dumps({"error": reason})
    return Response(content, status, headers, media_type="application/json")
