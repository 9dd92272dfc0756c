"""The socket of a service."""

import errno
import ipaddress
import socket

from fathom.base.errors import FathomError

BACKLOG = 2048  # connections that wait to be accepted


def bind_socket(host: str, port: int) -> socket.socket:
    """Return a socket that is bound but does not listen yet.

    Args:
        host: a name or an address of this machine.
        port: 0 for any free one.

    Raises:
        FathomError: the host is unknown, or the port is not available.
    """
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise FathomError(f"--host: there is no host {host!r}: {reason}") from error
    family, kind, protocol, _, address = found[0]
    sock = socket.socket(family, kind, protocol)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # closed connections may linger
    try:
        sock.bind(address)
    except OSError as error:
        sock.close()
        raise bind_error(host, port, error) from error
    return sock


def bind_error(host: str, port: int, error: OSError) -> FathomError:
    if error.errno == errno.EADDRINUSE:
        return FathomError(
            f"--port: {port} of {host} is in use: stop the program that listens there, or choose "
            "another port"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return FathomError(f"--host: {host} is not an address of this machine")
    return FathomError(f"--port: {port} of {host} is not available: {error.strerror or error}")


def is_loopback(sock: socket.socket) -> bool:
    """Return whether only this machine can reach a socket."""
    return ipaddress.ip_address(sock.getsockname()[0].partition("%")[0]).is_loopback


def socket_url(sock: socket.socket) -> str:
    host, port = sock.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def listen(sock: socket.socket) -> None:
    """Accept connections from now on.

    Raises:
        FathomError: another process has taken the port since it was bound.
    """
    try:
        sock.listen(BACKLOG)
    except OSError as error:
        host, port = sock.getsockname()[:2]
        raise bind_error(host, port, error) from error
