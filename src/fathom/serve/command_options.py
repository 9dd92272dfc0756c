"""The options of `fathom serve`."""

from collections.abc import Callable
from typing import Any

import click

COUNT = click.IntRange(1)
OPTIONS = [
    click.option("--host", default="127.0.0.1", help="The address to listen on."),
    click.option("--port", type=click.IntRange(0, 65535), default=8501, help="0: any free port."),
    click.option(
        "--allowed-host",
        "allowed_hosts",
        metavar="NAME",
        multiple=True,
        help="A name in URLs of the service, beside localhost, --host and IP addresses.",
    ),
    click.option(
        "--no-auth",
        is_flag=True,
        help="Listen on other addresses than those of this machine without FATHOM_TOKEN.",
    ),
    click.option("--max-rows", type=COUNT, default=1000, help="Maximum rows of a request."),
    click.option(
        "--max-bytes",
        type=COUNT,
        help="Maximum bytes of a request. Default: 256 for each value of a table, 1 to 16 MiB.",
    ),
    click.option(
        "--max-waiting", type=COUNT, default=256, help="Maximum requests; others get 503."
    ),
    click.option("--max-connections", type=COUNT, default=512, help="Maximum open connections."),
    click.option(
        "--max-per-address",
        type=COUNT,
        default=128,
        help="Maximum connections of one IP address, such as that of a proxy.",
    ),
    click.option("--batch-rows", type=COUNT, default=1024, help="Maximum rows of a batch."),
    click.option(
        "--batch-wait-ms",
        type=click.FloatRange(0, 10_000),
        default=0,
        help="Milliseconds that a request waits for others to join its batch.",
    ),
    click.option(
        "--timeout",
        type=click.FloatRange(0, 3600, min_open=True),
        default=30,
        help="Seconds for the head of a request, for its body, and for the answer.",
    ),
]


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options of `fathom serve` to a command."""
    for option in reversed(OPTIONS):
        command = option(command)
    return command
