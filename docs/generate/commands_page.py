"""The page of all commands, from the command line itself."""

import inspect
from collections.abc import Iterator

import click

from fathom.cli import fathom

HEAD = """# Commands

This page is made from the commands themselves; `fathom COMMAND --help` prints the same. `make
repro`, `make test` and others are listed at the top of the `Makefile`.
"""
TABLE = ["| argument or option | value | default | meaning |", "|---|---|---|---|"]


def commands_page() -> str:
    """Return the page in Markdown."""
    root = click.Context(fathom, info_name="fathom", **fathom.context_settings)
    parts = [HEAD, "\n## fathom\n", text(fathom), "", *options(fathom, root)]
    for name, command in sorted(fathom.commands.items()):
        context = click.Context(command, info_name=name, parent=root)
        usage = " ".join([f"fathom {name}", *command.collect_usage_pieces(context)])
        parts += [f"\n## fathom {name}\n", f"```text\n{usage}\n```\n", text(command), ""]
        parts += options(command, context)
    return "\n".join(parts) + "\n"


def text(command: click.Command) -> str:
    """Return the description of a command; lines that click must not wrap become code."""
    parts = inspect.cleandoc(command.help or "").split("\n\n")
    return "\n\n".join(
        "```text\n" + part.removeprefix("\b\n") + "\n```" if part.startswith("\b") else escape(part)
        for part in parts
    )


def options(command: click.Command, context: click.Context) -> Iterator[str]:
    """Yield a table of the arguments and options."""
    yield from TABLE
    for parameter in command.get_params(context):
        if isinstance(parameter, click.Option):
            names = ", ".join(f"`{n}`" for n in [*parameter.opts, *parameter.secondary_opts])
            value = "" if parameter.is_flag else parameter.make_metavar(context)
            default = parameter.default if isinstance(parameter.default, str | int | float) else ""
            shown = f"`{default}`" if default != "" and not parameter.is_flag else ""
            yield f"| {names} | {cell(value)} | {shown} | {escape(parameter.help or '')} |"
        else:
            yield f"| {cell(parameter.make_metavar(context))} | | | |"


def cell(value: str) -> str:
    return f"`{value}`".replace("|", "\\|") if value else ""


def escape(text: str) -> str:
    return text.replace("|", "\\|").replace("<", "&lt;")
