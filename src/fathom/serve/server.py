"""A service from its start to its end."""

import functools
import math
import signal
import socket
from collections.abc import Callable

import numpy as np
import uvicorn

from fathom.artifacts.signature import IMAGE, Signature
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import Inputs
from fathom.serve.app import create_app
from fathom.serve.batching import Batcher, start_batcher
from fathom.serve.prometheus import Metrics
from fathom.serve.service import Service, ServiceOptions, predict_columns
from fathom.serve.sockets import BACKLOG, listen, socket_url

KEEP_ALIVE = 75  # seconds that an idle connection stays open


def serve(
    exported_model: ExportedModel,
    sock: socket.socket,
    options: ServiceOptions,
    log: Callable[[str], None],
) -> None:
    """Answer requests until SIGTERM or SIGINT, then finish those in progress.

    Args:
        exported_model: the network.
        sock: a bound socket.
        options: limits of the service.
        log: receives a line when the service is ready.

    Raises:
        FathomError: another process has taken the port since the socket was bound.
    """
    signature = exported_model.signature
    predict = functools.partial(predict_columns, exported_model)
    predict(example_inputs(signature))  # the first call compiles the model
    metrics = Metrics()
    batcher = Batcher(predict, options.batch_rows, options.batch_wait, metrics.observe_batch)
    with sock, start_batcher(batcher):
        service = Service(signature, options, batcher, metrics)
        config = uvicorn.Config(
            create_app(service),
            log_level="warning",
            access_log=False,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=KEEP_ALIVE,
            timeout_graceful_shutdown=math.ceil(2 * options.timeout) + 1,
        )
        # uvicorn raises the signal once more after a clean shutdown; it must not kill the process.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        listen(sock)
        url = socket_url(sock)
        log(f"{signature.dataset}/{signature.model} is served at {url} until Ctrl+C or SIGTERM")
        uvicorn.Server(config).run(sockets=[sock])
        service.parser.shutdown()


def example_inputs(signature: Signature) -> Inputs:
    """Return one row of missing values, or a black image."""
    if signature.image is not None:
        return {IMAGE: np.zeros((1, *signature.image.shape), signature.image.type)}
    return {
        column.input: np.array([""], dtype=object) if column.kind == "text" else np.array([np.nan])
        for column in signature.columns
    }
