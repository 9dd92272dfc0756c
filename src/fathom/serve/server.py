"""A service from its start to its end."""

import functools
import gc
import math
import os
import signal
import socket
import threading
from collections.abc import Callable
from types import FrameType

import click
import numpy as np
import uvicorn
from fastapi import FastAPI

from fathom.artifacts.signature import IMAGE, Signature
from fathom.predict.data_drift import Drift
from fathom.predict.exported_model import ExportedModel
from fathom.predict.model_inputs import Inputs
from fathom.serve.app import create_app
from fathom.serve.batching import Batcher, start_batcher
from fathom.serve.connections import ClientConnection
from fathom.serve.prometheus import Metrics
from fathom.serve.service import Service, ServiceOptions, predict_columns
from fathom.serve.sockets import BACKLOG, listen, socket_url

DRIFT_ROWS = 10_000  # the last ones, which the metrics compare with those of training
KEEP_ALIVE = 75  # seconds that an idle connection stays open
MARGIN = 5  # seconds after the last deadline in which the threads of a service must end


class Server(uvicorn.Server):
    """uvicorn's server: its process ends a limited time after a signal, whatever its threads do."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if not self.should_exit:
            timer = threading.Timer(
                (self.config.timeout_graceful_shutdown or 0) + MARGIN, self.kill
            )
            timer.daemon = True
            timer.start()
        super().handle_exit(sig, frame)

    def kill(self) -> None:
        line = "requests in progress did not end in time: the service ends without answers"
        click.echo(line, err=True)
        os._exit(1)


def run_service(
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
    exported_model.predict(example_inputs(signature))  # the first call compiles the model
    metrics = Metrics(Drift(signature, DRIFT_ROWS))
    predict = functools.partial(predict_columns, exported_model, metrics.drift)
    batcher = Batcher(predict, options.batch_rows, options.batch_wait, metrics.observe_batch)
    with sock, start_batcher(batcher):
        service = Service(signature, options, batcher, metrics)
        config = configure(create_app(service), options)
        # uvicorn raises the signal once more after a clean shutdown; it must not kill the process.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: None)
        listen(sock)
        url = socket_url(sock)
        name = f"{signature.dataset}/{signature.model} ({exported_model.engine.file})"
        log(f"{name} is served at {url} until Ctrl+C or SIGTERM")
        gc.freeze()  # collections of garbage skip TensorFlow's objects: they take 70 ms
        Server(config).run(sockets=[sock])
        service.parser.shutdown()


def configure(app: FastAPI, options: ServiceOptions) -> uvicorn.Config:
    connection = functools.partial(
        ClientConnection,
        seconds=options.timeout,
        most=options.max_connections,
        most_per_address=options.max_per_address,
    )
    return uvicorn.Config(
        app,
        log_level="warning",
        access_log=False,
        http=connection,  # type: ignore[arg-type] # any function that returns a protocol will do
        loop="asyncio",
        ws="none",
        lifespan="off",
        proxy_headers=False,
        server_header=False,
        backlog=BACKLOG,
        timeout_keep_alive=KEEP_ALIVE,
        timeout_graceful_shutdown=math.ceil(2 * options.timeout) + 1,
    )


def example_inputs(signature: Signature) -> Inputs:
    """Return one row of missing values, or a black image."""
    if signature.image is not None:
        return {IMAGE: np.zeros((1, *signature.image.shape), signature.image.type)}
    return {
        column.input: np.array([""], dtype=object) if column.kind == "text" else np.array([np.nan])
        for column in signature.columns
    }
