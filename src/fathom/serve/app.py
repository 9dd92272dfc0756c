"""The routes of a service."""

import json
from collections.abc import Mapping

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from fathom.serve.openapi import Json, error_responses, json_response, reference, schemas
from fathom.serve.prometheus import MetricsMiddleware
from fathom.serve.request_error import RequestError, shorten
from fathom.serve.service import Service

MODELS = "/v1/models/"
# As TensorFlow Serving describes a loaded model.
AVAILABLE = {
    "version": "1",
    "state": "AVAILABLE",
    "status": {"error_code": "OK", "error_message": ""},
}


def create_app(service: Service) -> FastAPI:
    """Return the ASGI application of a service."""
    signature, metrics = service.signature, service.metrics
    dataset, model = signature.dataset, signature.model
    # FastAPI's documentation pages load scripts from other hosts.
    app = FastAPI(
        title=f"Predictions of {signature.main.column} by {model}, trained on {dataset}",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    add_predict_route(app, service, "/predict", "predict")
    add_predict_route(app, service, f"{MODELS}{model}:predict", "predict_as_tensorflow_serving")
    for path, summary, content in (
        (
            "/health",
            "Whether the service is ready.",
            {"status": "ok", "dataset": dataset, "model": model},
        ),
        (
            f"{MODELS}{model}",
            "Whether the service is ready, as TensorFlow Serving answers.",
            {"model_version_status": [AVAILABLE]},
        ),
        (
            "/signature",
            "Inputs and outputs of the network, and the values in its training set.",
            signature.model_dump(),
        ),
    ):
        add_json_route(app, path, summary, content)
    add_metrics_route(app, service)
    document = app.openapi()  # FastAPI keeps it
    document["components"] = {"schemas": schemas(signature, service.options.max_rows)}
    metrics.set_model(signature)
    metrics.paths += [*document["paths"], str(app.openapi_url)]
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_exception_handler(RequestError, handle_request_error)
    app.add_exception_handler(HTTPException, handle_http_error)
    app.add_exception_handler(Exception, handle_bug)
    app.state.model = model
    return app


def add_predict_route(app: FastAPI, service: Service, path: str, name: str) -> None:
    responses: dict[int | str, Json] = {
        200: json_response(reference("Response"), "Predictions in the form of the request.")
    }
    body = {"application/json": {"schema": reference("Request")}}
    app.add_api_route(
        path,
        service.predict,
        methods=["POST"],
        operation_id=name,
        summary="Predictions for rows.",
        description="The two forms of TensorFlow Serving's REST API, version 1.",
        responses=responses | error_responses(),
        openapi_extra={"requestBody": {"required": True, "content": body}},
    )


def add_json_route(app: FastAPI, path: str, summary: str, content: Json) -> None:
    async def respond() -> Response:
        return JSONResponse(content)

    responses: dict[int | str, Json] = {200: json_response({"type": "object"}, summary)}
    name = path.strip("/").replace("/", "_")
    app.add_api_route(path, respond, operation_id=name, summary=summary, responses=responses)


def add_metrics_route(app: FastAPI, service: Service) -> None:
    async def respond(request: Request) -> Response:
        content, kind = service.metrics.render(request.headers.get("accept", ""))
        return Response(content, headers={"content-type": kind})

    app.add_api_route(
        "/metrics",
        respond,
        summary="Metrics for Prometheus.",
        response_class=Response,
        responses={200: {"description": "Prometheus' format.", "content": {"text/plain": {}}}},
    )


async def handle_request_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    headers = {"Retry-After": str(error.retry)} if error.retry is not None else None
    return error_response(error.reason, error.status, headers)


async def handle_http_error(request: Request, error: Exception) -> Response:
    """Say what is wrong with a path or a method."""
    assert isinstance(error, HTTPException)
    path, reason = shorten(request.url.path, 100), str(error.detail)
    if error.status_code == 405:
        reason = f"{path} takes {(error.headers or {}).get('Allow', 'GET')}, not {request.method}"
    elif error.status_code == 404:
        reason = f"there is no {path}: POST /predict predicts, GET /openapi.json lists the rest"
        name = path.removeprefix(MODELS).partition("/")[0].partition(":")[0]
        if path.startswith(MODELS) and name != request.app.state.model:
            reason = f"there is no model {name!r}; this service has {request.app.state.model!r}"
    return error_response(reason, error.status_code, error.headers)


async def handle_bug(_: Request, error: Exception) -> Response:  # noqa: ARG001 - the server logs it
    return error_response("internal error: see the log of the service", 500)


def error_response(reason: str, status: int, headers: Mapping[str, str] | None = None) -> Response:
    # In ASCII: text of a request may not be valid Unicode.
    content = json.dumps({"error": reason})
    return Response(content, status, headers, media_type="application/json")
