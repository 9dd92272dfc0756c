"""The routes of a service."""

import re

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from fathom.base.templates import load_templates
from fathom.serve.access import AccessMiddleware
from fathom.serve.openapi import ACCESS, Json, error_responses, json_response, reference, schemas
from fathom.serve.prometheus import MetricsMiddleware
from fathom.serve.request_error import RequestError, error_response, shorten
from fathom.serve.service import Service
from fathom.serve.tensorflow_serving import STATUS, VERSION, model_metadata

MODELS = "/v1/models/"
DOCS = "/docs"


def create_app(service: Service) -> FastAPI:
    """Return the ASGI application of a service."""
    signature, metrics, options = service.signature, service.metrics, service.options
    # FastAPI's documentation pages load scripts from other hosts.
    app = FastAPI(
        title=f"Predictions of {signature.main.column} by {signature.model}, "
        f"trained on {signature.dataset}",
        version="1",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    add_routes(app, service)
    add_docs_route(app)
    document = app.openapi()  # FastAPI keeps it
    document["components"] = {"schemas": schemas(signature, options.max_rows)}
    if options.token is not None:
        document["components"]["securitySchemes"] = {"token": {"type": "http", "scheme": "bearer"}}
        document["security"] = [{"token": []}]
    metrics.paths += [*document["paths"], str(app.openapi_url), DOCS]
    app.add_middleware(AccessMiddleware, hosts=options.hosts, token=options.token)
    app.add_middleware(MetricsMiddleware, metrics=metrics)
    app.add_exception_handler(RequestError, handle_request_error)
    app.add_exception_handler(HTTPException, handle_http_error)
    app.add_exception_handler(Exception, handle_bug)
    app.state.model = signature.model
    return app


def add_routes(app: FastAPI, service: Service) -> None:
    signature = service.signature
    model = f"{MODELS}{signature.model}"
    version = f"{model}/versions/{VERSION}"
    health = {"status": "ok", "dataset": signature.dataset, "model": signature.model}
    add_predict_route(app, service, "/predict", "predict")
    add_predict_route(app, service, f"{model}:predict", "predict_as_tensorflow_serving")
    add_predict_route(app, service, f"{version}:predict", "predict_by_version")
    add_json_route(app, "/health", "Whether the service is ready.", health)
    for path in (model, version):
        ready = "Whether the service is ready, as TensorFlow Serving answers."
        add_json_route(app, path, ready, STATUS)
        tensors = "Columns of requests and responses, as TensorFlow Serving answers."
        add_json_route(app, f"{path}/metadata", tensors, model_metadata(signature))
    values = "Inputs and outputs of the network, and the values in its training set."
    add_json_route(app, "/signature", values, signature.model_dump())
    add_metrics_route(app, service)


def add_docs_route(app: FastAPI) -> None:
    """Add a page that describes the service and loads nothing."""
    template = load_templates("fathom.serve", html=True).get_template("docs.html.j2")
    policy = {"Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'"}

    async def respond() -> Response:
        return HTMLResponse(template.render(app.openapi()), headers=policy)

    app.add_api_route(DOCS, respond, include_in_schema=False)


def add_predict_route(app: FastAPI, service: Service, path: str, name: str) -> None:
    responses: dict[int | str, Json] = {
        200: json_response(reference("Response"), "Predictions in the form of the request.")
    }
    # FastAPI's own route, which documents this one, prepares arguments that it does not have.
    app.router.routes.append(Route(path, service.predict, methods=["POST"]))
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

    responses = {200: json_response({"type": "object"}, summary)} | error_responses(ACCESS)
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
        responses=error_responses(ACCESS)
        | {200: {"description": "Prometheus' format.", "content": {"text/plain": {}}}},
    )


async def handle_request_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    return error_response(error)


async def handle_http_error(request: Request, error: Exception) -> Response:
    """Say what is wrong with a path or a method."""
    assert isinstance(error, HTTPException)
    path, reason = shorten(request.url.path, 100), str(error.detail)
    if error.status_code == 405:
        reason = f"{path} takes {(error.headers or {}).get('Allow', 'GET')}, not {request.method}"
    elif error.status_code == 404:
        reason = f"there is no {path}: POST /predict predicts, GET {DOCS} lists the rest"
        name = re.split("[/:]", path.removeprefix(MODELS))[0]
        if path.startswith(MODELS) and name != request.app.state.model:
            reason = f"there is no model {name!r}; this service has {request.app.state.model!r}"
    return error_response(RequestError(reason, error.status_code), error.headers)


async def handle_bug(_: Request, error: Exception) -> Response:  # noqa: ARG001 - the server logs it
    return error_response(RequestError("internal error: see the log of the service", 500))
