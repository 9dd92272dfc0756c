"""`fathom serve`: what it tells before it answers."""

from pathlib import Path

import click

from fathom.serve.options import Settings
from fathom.serve.sockets import bound_socket, is_loopback
from fathom.train.devices import start_on_cpu


def serve_model(model: Path, host: str, port: int, settings: Settings) -> None:
    """Serve an exported network until the process is asked to end.

    Raises:
        FathomError: the model is not as it should be, or the address is not to be had.
    """
    with bound_socket(host, port) as opened:
        start_on_cpu()
        # imports Keras, which starts TensorFlow
        from fathom.predict.exported_model import ExportedModel
        from fathom.serve.server import serve

        exported_model = ExportedModel(model)
        if not is_loopback(opened):
            tell(
                f"anyone who reaches {host} may ask, there is no authentication and no encryption: "
                "put a proxy that has them before it"
            )
        serve(exported_model, opened, settings, tell)


def tell(sentence: str) -> None:
    click.echo(sentence, err=True)
