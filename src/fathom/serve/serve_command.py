"""What `fathom serve` does before the service starts."""

from pathlib import Path

import click

from fathom.serve.options import ServiceOptions
from fathom.serve.sockets import bind_socket, is_loopback
from fathom.train.devices import start_on_cpu


def serve_model(model: Path, host: str, port: int, options: ServiceOptions) -> None:
    """Serve an exported network until SIGTERM or SIGINT.

    Raises:
        FathomError: the export is incomplete or damaged, or the address is not available.
    """
    with bind_socket(host, port) as sock:
        start_on_cpu()
        # These import Keras, which starts TensorFlow.
        from fathom.predict.exported_model import ExportedModel
        from fathom.serve.server import serve

        exported_model = ExportedModel(model)
        if not is_loopback(sock):
            log(
                f"everyone who reaches {host} can use this service: it has no authentication and "
                "no encryption. Put it behind a proxy that has both"
            )
        serve(exported_model, sock, options, log)


def log(line: str) -> None:
    click.echo(line, err=True)
