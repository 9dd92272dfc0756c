"""The socket of a service."""

from __future__ import annotations

import errno
import ipaddress
import socket

from fathom.base.errors import FathomError

BACKLOG = 2048  # connections that wait to be taken


def bound_socket(host: str, port: int) -> socket.socket:
    """Return a socket of an address, not yet listening.

    Args:
        host: a name or an address of this machine.
        port: 0 for any that is free.

    Raises:
        FathomError: there is no such host, or the port is not to be had.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        raise FathomError(f"--host: there is no host {host!r}: {reason(error)}") from error
    family, kind, protocol, _, address = found[0]
    opened = socket.socket(family, kind, protocol)
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # what is closed may linger
    try:
        opened.bind(address)
    except OSError as error:
        opened.close()
        raise not_had(host, port, error) from error
    return opened


def not_had(host: str, port: int, error: OSError) -> FathomError:
    """Say why an address is not to be had."""
    if error.errno == errno.EADDRINUSE:
        return FathomError(
            f"--port: {port} of {host} is in use: stop what listens there, or choose another"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return FathomError(f"--host: {host} is no address of this machine")
    return FathomError(f"--port: {port} of {host} cannot be had: {reason(error)}")


def reason(error: OSError | UnicodeError) -> str:
    return getattr(error, "strerror", None) or str(error)


def is_loopback(opened: socket.socket) -> bool:
    """Tell whether only this machine can reach a socket."""
    return ipaddress.ip_address(opened.getsockname()[0].partition("%")[0]).is_loopback


def url_of(opened: socket.socket) -> str:
    """Return the address of a socket, as a browser takes it."""
    host, port = opened.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(opened: socket.socket) -> None:
    """Have connections wait at a socket.

    Raises:
        FathomError: another process has taken the port since it was bound.
    """
    try:
        opened.listen(BACKLOG)
    except OSError as error:
        host, port = opened.getsockname()[:2]
        raise not_had(host, port, error) from error
