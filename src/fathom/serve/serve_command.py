"""What `fathom serve` does before the service starts."""

from pathlib import Path
from typing import Any

import click

from fathom.serve.sockets import bind_socket, is_loopback
from fathom.train.devices import start_on_cpu


def serve_model(model: Path, host: str, port: int, **limits: Any) -> None:
    """Serve an exported network until SIGTERM or SIGINT; `limits` are those of `ServiceOptions`.

    Raises:
        FathomError: the export is incomplete or damaged, or the address is not available.
    """
    with bind_socket(host, port) as sock:
        start_on_cpu()
        # These import Keras, which starts TensorFlow.
        from fathom.predict.exported_model import ExportedModel
        from fathom.serve.server import serve
        from fathom.serve.service import ServiceOptions

        exported_model = ExportedModel(model)
        if not is_loopback(sock):
            log(
                f"everyone who reaches {host} can use this service: it has no authentication and "
                "no encryption. Put it behind a proxy that has both"
            )
        serve(exported_model, sock, ServiceOptions(**limits), log)


def log(line: str) -> None:
    click.echo(line, err=True)
