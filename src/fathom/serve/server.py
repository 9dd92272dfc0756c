"""A service on a socket, from its start to an end at which requests under way are answered."""

from __future__ import annotations

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
from fathom.serve.app import application
from fathom.serve.batching import batching
from fathom.serve.options import Settings
from fathom.serve.prometheus import Metrics
from fathom.serve.responses import predictions
from fathom.serve.service import Service
from fathom.serve.sockets import BACKLOG, listen, url_of

IDLE = 75  # seconds that a connection is kept for a next request


def serve(
    exported_model: ExportedModel,
    opened: socket.socket,
    settings: Settings,
    tell: Callable[[str], None],
) -> None:
    """Answer requests until SIGTERM or SIGINT comes, and then those under way.

    Args:
        exported_model: the exported network.
        opened: a socket that is bound.
        settings: limits, and how requests are put together.
        tell: is given a line when the service is ready, and others that one should know.

    Raises:
        FathomError: another process has taken the port meanwhile.
    """
    work = functools.partial(predictions, exported_model)
    work(example(exported_model.signature))  # the first call takes longest
    metrics = Metrics()
    with opened, batching(work, settings, metrics.batch) as batcher:
        service = Service(exported_model.signature, settings, batcher, metrics)
        config = uvicorn.Config(
            application(service),
            log_level="warning",
            access_log=False,
            http="h11",
            loop="asyncio",
            ws="none",
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            backlog=BACKLOG,
            timeout_keep_alive=IDLE,
            timeout_graceful_shutdown=math.ceil(2 * settings.timeout) + 1,
        )
        # uvicorn raises the signal that ended it once more, which must not kill what ended well.
        for ending in (signal.SIGINT, signal.SIGTERM):
            signal.signal(ending, lambda *_: None)
        listen(opened)
        signature, url = exported_model.signature, url_of(opened)
        tell(f"{signature.dataset}/{signature.model} is served at {url} until Ctrl+C or SIGTERM")
        uvicorn.Server(config).run(sockets=[opened])
        service.parser.shutdown()


def example(signature: Signature) -> Inputs:
    """Return a row with no values, or a black image."""
    if signature.image is not None:
        return {IMAGE: np.zeros((1, *signature.image.shape), signature.image.type)}
    return {
        column.input: np.array([""], dtype=object) if column.kind == "text" else np.array([np.nan])
        for column in signature.columns
    }
