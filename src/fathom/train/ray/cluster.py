"""How a Ray cluster is joined: by a search, whose trials it carries out, or by one training."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import socket
from collections.abc import Mapping
from typing import Any

from fathom.base.errors import FathomError
from fathom.messages.origins import Location, Origins

PATIENCE = 10  # seconds in which a cluster must answer
MAX_LOSSES = 5  # workers that one training may lose before it is taken for what kills them
POLL_SECONDS = 0.2  # seconds between looks at what workers do
NAMES = {"ray": "Ray", "jax": "JAX"}


def require_packages(packages: list[str], location: Location, origins: Origins) -> None:
    """Refuse an engine whose packages are not there.

    Args:
        location: where the engine is chosen in the settings.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            file, key = origins.of(location)
            raise FathomError(
                f"{file}: {key}: {NAMES[package]} is not installed: `make setup RAY=1`, or "
                "`python -m pip install --require-hashes -r requirements-ray.txt`"
            )


def join_cluster(
    address: str | None, runtime_env: Mapping[str, Any], location: Location, origins: Origins
) -> None:
    """Join a cluster, or start one on this machine.

    Args:
        runtime_env: what Ray gives its processes.
        location: where the address stands in the settings.

    Raises:
        FathomError: it cannot be reached, or does not take the environment.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "^")  # all that it prints of lost nodes
    import ray

    try:
        if address is not None:
            knock(address)
        ray.init(
            address or "local",
            include_dashboard=False if address is None else None,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            runtime_env=dict(runtime_env),
        )
    except Exception as error:  # of Ray's, gRPC's and the operating system's
        file, key = origins.of(location)
        message = " ".join(str(error).split())
        raise FathomError(f"{file}: {key}: {address or 'local'}: {message}") from error


def knock(address: str) -> None:
    """See that somebody is there: Ray tries for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), PATIENCE).close()


def machines() -> list[Mapping[str, float]]:
    """Return the resources of each machine in the cluster."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def capacity(machine: Mapping[str, float], needs: Mapping[str, float]) -> int:
    """Return how often a machine of these resources has what is needed, by Ray's names."""
    return min(int(machine.get(name, 0) / amount) for name, amount in needs.items() if amount)


def cause_of_loss(error: Exception) -> str:
    """Return what of Ray's paragraphs on a lost process has the cause."""
    found = re.search(r"exit detail: (.+?)\.?( Some common causes|$)", str(error), re.MULTILINE)
    return found[1] if found else str(error).strip().partition("\n")[0].rstrip(".")
