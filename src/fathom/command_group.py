"""The group of all commands: errors in one line, and the option --version."""

import sys
import tomllib
from pathlib import Path
from typing import Any

import click

from fathom.base.errors import FathomError


class OneLineErrors(click.Group):
    """Commands whose errors are one line, with exit status 1."""

    def invoke(self, context: click.Context) -> Any:
        try:
            return super().invoke(context)
        except BrokenPipeError:
            raise  # the reader of a pipe has gone: click ends quietly
        except (FathomError, OSError, Warning) as error:
            from fathom.settings.compose import fail, one_line

            fail(one_line(error))
        except KeyboardInterrupt:
            click.echo("fathom: interrupted", err=True)
            sys.exit(130)


def print_version(context: click.Context, _: click.Parameter, wanted: bool) -> None:
    """Print the version of the project in the working folder, which is not installed."""
    if wanted:
        text = (Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8")
        click.echo(f"Fathom {tomllib.loads(text)['project']['version']}")
        context.exit()


version_option = click.option(
    "--version",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=print_version,
    help="Print the version and exit.",
)
