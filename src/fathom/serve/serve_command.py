"""The command `fathom serve`. It imports what it needs when it runs."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fathom.completion import ENGINE, MODEL, find_export

if TYPE_CHECKING:
    from fathom.predict.exported_model import EngineName

COUNT = click.IntRange(1)


@click.command(context_settings={"show_default": True})
@MODEL
@ENGINE
@click.option("--host", default="127.0.0.1", help="The address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=8501, help="0: any free port.")
@click.option(
    "--allowed-host",
    "allowed_hosts",
    metavar="NAME",
    multiple=True,
    help="A name in URLs of the service, beside localhost, --host and IP addresses.",
)
@click.option(
    "--no-auth",
    is_flag=True,
    help="Listen on other addresses than those of this machine without FATHOM_TOKEN.",
)
@click.option("--max-rows", type=COUNT, default=1000, help="Maximum rows of a request.")
@click.option(
    "--max-bytes",
    type=COUNT,
    help="Maximum bytes of a request. Default: 256 for each value of a table, 1 to 16 MiB.",
)
@click.option("--max-waiting", type=COUNT, default=256, help="Maximum requests; others get 503.")
@click.option("--max-connections", type=COUNT, default=512, help="Maximum open connections.")
@click.option(
    "--max-per-address",
    type=COUNT,
    default=128,
    help="Maximum connections of one IP address, such as that of a proxy.",
)
@click.option("--batch-rows", type=COUNT, default=1024, help="Maximum rows of a batch.")
@click.option(
    "--batch-wait-ms",
    type=click.FloatRange(0, 10_000),
    default=0,
    help="Milliseconds that a request waits for others to join its batch.",
)
@click.option(
    "--timeout",
    type=click.FloatRange(0, 3600, min_open=True),
    default=30,
    help="Seconds for the head of a request, for its body, and for the answer.",
)
def serve(
    model: Path,
    host: str,
    port: int,
    *,
    allowed_hosts: Sequence[str],
    no_auth: bool,
    engine: "EngineName",
    batch_wait_ms: float,
    max_bytes: int | None,
    **limits: Any,
) -> None:
    """Serve predictions of an exported network over HTTP.

    MODEL is a folder such as exports/california_housing/mlp. POST /predict accepts
    {"instances": [{column: value, ...}, ...]} or {"inputs": {column: [value, ...], ...}}, and so
    does /v1/models/NAME:predict, TensorFlow Serving's path. GET /openapi.json describes the
    interface, /health reports readiness, /metrics is for Prometheus. docs/serving.md says more.

    If the variable FATHOM_TOKEN is set, requests need the header `Authorization: Bearer TOKEN`.
    SIGTERM and Ctrl+C stop the server after the current requests.
    """
    from fathom.serve.access import TOKEN, find_token
    from fathom.serve.sockets import bind_socket, is_loopback

    with bind_socket(host, port) as sock:
        token = find_token(os.environ.get(TOKEN), host, is_loopback(sock), no_auth)
        from fathom.predict.exported_model import ExportedModel
        from fathom.serve.server import run_service
        from fathom.serve.service import ServiceOptions, default_max_bytes

        exported_model = ExportedModel(find_export(model), engine)
        if not is_loopback(sock):
            log(f"{host} has no encryption: put a proxy with TLS before it (docs/serving.md)")
        default = default_max_bytes(exported_model.signature, limits["max_rows"])
        options = ServiceOptions(
            max_bytes=max_bytes or default,
            batch_wait=batch_wait_ms / 1000,
            hosts=frozenset(name.lower() for name in (host, *allowed_hosts)),
            token=token,
            **limits,
        )
        run_service(exported_model, sock, options, log)


def log(line: str) -> None:
    click.echo(line, err=True)
