"""Joins a Ray cluster, for one training or for the trials of a search."""

from __future__ import annotations

import importlib.util
import logging
import os
import re
import socket
from collections.abc import Mapping
from typing import Any

from fathom.messages.origins import Location, Origins

CONNECT_SECONDS = 10  # in which a cluster must answer
MAX_LOSSES = 5  # workers that one training may lose; after that it is probably the cause
POLL_SECONDS = 0.2  # between looks at what workers do
NAMES = {"ray": "Ray", "jax": "JAX"}


def require_packages(packages: list[str], location: Location, origins: Origins) -> None:
    """Refuse an engine whose packages are not installed.

    Args:
        location: of the engine in the settings.
    """
    for package in packages:
        if importlib.util.find_spec(package) is None:
            raise origins.error(
                location,
                f"{NAMES[package]} is not installed: `make setup RAY=1`, or `python -m pip install "
                "--require-hashes -r requirements-ray.txt`",
            )


def join_cluster(
    address: str | None, runtime_env: Mapping[str, Any], location: Location, origins: Origins
) -> None:
    """Join a cluster, or start one on this machine.

    Args:
        runtime_env: environment of the cluster's processes.
        location: of the address in the settings.

    Raises:
        FathomError: the cluster cannot be reached, or does not accept the environment.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_DEDUP_LOGS_SKIP_REGEX", "^")  # all that it prints of lost nodes
    import ray

    try:
        if address is not None:
            check_reachable(address)
        ray.init(
            address or "local",
            include_dashboard=False if address is None else None,
            log_to_driver=False,
            logging_level=logging.CRITICAL,
            runtime_env=dict(runtime_env),
        )
    except Exception as error:  # of Ray, gRPC or the operating system
        message = " ".join(str(error).split())
        raise origins.error(location, f"{address or 'local'}: {message}") from error


def check_reachable(address: str) -> None:
    """Connect to an address once: Ray itself tries for minutes."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host.strip("[]"), int(port)), CONNECT_SECONDS).close()


def machines() -> list[Mapping[str, float]]:
    """Return the resources of each machine in the cluster."""
    import ray

    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


def capacity(machine: Mapping[str, float], needs: Mapping[str, float]) -> int:
    """Return how many workers with these needs, by Ray's names, fit on a machine."""
    return min(int(machine.get(name, 0) / amount) for name, amount in needs.items() if amount)


def format_resources(amounts: Mapping[str, float]) -> str:
    return ", ".join(f"{amount:g} {name}" for name, amount in amounts.items())


def cause_of_loss(error: Exception) -> str:
    """Return the cause in Ray's paragraphs about a lost process."""
    detail = re.search(r"exit detail: (.+?)\.?( Some common causes|$)", str(error), re.MULTILINE)
    return detail[1] if detail else str(error).strip().partition("\n")[0].rstrip(".")
