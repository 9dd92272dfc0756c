"""What `fathom serve` does before the service starts."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from fathom.serve.access import TOKEN, find_token
from fathom.serve.sockets import bind_socket, is_loopback
from fathom.train.devices import start_on_cpu


def serve_model(
    model: Path,
    host: str,
    port: int,
    *,
    allowed_hosts: Sequence[str],
    no_auth: bool,
    batch_wait_ms: float,
    max_bytes: int | None,
    **limits: Any,
) -> None:
    """Serve an exported network until SIGTERM or SIGINT; `limits` are those of `ServiceOptions`.

    Raises:
        FathomError: the export is incomplete or damaged, the address is not available, or it needs
            a token.
    """
    with bind_socket(host, port) as sock:
        token = find_token(os.environ.get(TOKEN), host, is_loopback(sock), no_auth)
        start_on_cpu()
        # These import Keras, which starts TensorFlow.
        from fathom.predict.exported_model import ExportedModel
        from fathom.serve.server import serve
        from fathom.serve.service import ServiceOptions, default_max_bytes

        exported_model = ExportedModel(model)
        if not is_loopback(sock):
            log(f"{host} has no encryption: put a proxy with TLS before it (docs/serving.md)")
        hosts = frozenset(name.lower() for name in (host, *allowed_hosts))
        default = default_max_bytes(exported_model.signature, limits["max_rows"])
        options = ServiceOptions(
            max_bytes=max_bytes or default,
            batch_wait=batch_wait_ms / 1000,
            hosts=hosts,
            token=token,
            **limits,
        )
        serve(exported_model, sock, options, log)


def log(line: str) -> None:
    click.echo(line, err=True)
