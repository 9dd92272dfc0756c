"""Who may use a service: names of the host, and a token."""

import functools
import hmac
import ipaddress
import re
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from fathom.base.errors import FathomError
from fathom.serve.request_error import RequestError, error_response, shorten

TOKEN = "FATHOM_TOKEN"  # noqa: S105 - the name of a variable
PUBLIC = "/health"  # probes of an orchestrator have no token


class AccessMiddleware:
    """Refuses requests with another host in their URL, and those without the token.

    A page of another site can make a browser send requests to an address that its own name has
    just been given (DNS rebinding): names of which the service does not know are refused. IP
    addresses and "localhost" are no names that others can redirect.

    Args:
        app: an ASGI application.
        hosts: names that are allowed, in lower case.
        token: the secret that requests must have, None if they need none.
    """

    def __init__(self, app: ASGIApp, hosts: frozenset[str], token: str | None) -> None:
        self.app, self.hosts, self.token = app, hosts | {"localhost"}, token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            try:
                self.check(scope["path"], Headers(scope=scope))
            except RequestError as error:
                await error_response(error)(scope, receive, send)
                return
        await self.app(scope, receive, send)

    def check(self, path: str, headers: Headers) -> None:
        if not is_allowed(headers.get("host", "localhost"), self.hosts):
            raise RequestError(
                f"this service has no name {shorten(repr(headers['host']), 100)}: start it with "
                "--allowed-host to add one",
                421,
            )
        if self.token is None or path == PUBLIC:
            return
        kind, _, given = headers.get("authorization", "").partition(" ")
        same = hmac.compare_digest(given.strip().encode(), self.token.encode())
        if kind.lower() != "bearer" or not same:
            raise RequestError("the header `Authorization: Bearer TOKEN` needs the token", 401)


@functools.lru_cache(100)
def is_allowed(host: str, names: frozenset[str]) -> bool:
    """Return whether the header Host, a name or an address and perhaps a port, is allowed."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:  # half an IPv6 address
        return False
    if name in names:
        return True
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def find_token(value: str | None, host: str, loopback: bool, no_auth: bool) -> str | None:
    """Return the token in the variable `FATHOM_TOKEN`, None for a service that needs none.

    Raises:
        FathomError: others could use the service without a token, or the token is not usable.
    """
    if value is None:
        if loopback or no_auth:
            return None
        raise FathomError(
            f"--host: everyone who reaches {host} could use this service: set the variable {TOKEN} "
            "to a secret, as `openssl rand -hex 32` prints it, or add --no-auth if a proxy checks "
            "who may"
        )
    if no_auth:
        raise FathomError(f"--no-auth: {TOKEN} is set: unset it, or leave out --no-auth")
    if re.fullmatch(r"[!-~]{16,}", value) is None:
        raise FathomError(
            f"{TOKEN} must be at least 16 letters, digits and signs of ASCII without blanks: set "
            "it to what `openssl rand -hex 32` prints"
        )
    return value
