"""Text and tables that fit a terminal or a comment."""

import itertools
import shutil
import sys
from collections.abc import Iterable
from typing import Any

import pandas as pd
from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

MAX_LINES = 200
EXAMPLES_WIDTH = 100  # of a line, for it to have examples
MAX_WIDTHS = {"column": 28, "such as": 30, "class": 60}


def print_table(headings: list[str], rows: list[list[str]], what: str) -> None:
    """Print the first rows as a table. Columns whose headings begin with > are right-aligned."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    used = [h != "such as" or line_width() >= EXAMPLES_WIDTH for h in headings]
    for heading in itertools.compress(headings, used):
        name = heading.removeprefix(">")
        table.add_column(
            name,
            justify="right" if name != heading else "left",
            no_wrap=name not in ("column", "becomes"),
            overflow="ellipsis" if name == "such as" else "fold",
            max_width=MAX_WIDTHS.get(name),
        )
    for row in rows[:MAX_LINES]:  # as Text, not markup: a name may be "[red]"
        table.add_row(*(Text(printable(cell)) for cell in itertools.compress(row, used)))
    Console(width=line_width(), highlight=False).print(table)
    if len(rows) > MAX_LINES:
        print(f"  … and {len(rows) - MAX_LINES:,} more {what}")


def line_width() -> int:
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 110
    return max(80, min(width, 140))


def join_first(items: Iterable[str], most: int) -> str:
    """Join items by commas: the first ones, and how many more there are."""
    texts = list(items)
    more = [f"and {len(texts) - most} more"] if len(texts) > most else []
    return ", ".join([*texts[:most], *more])


def count_rows(number: int) -> str:
    return f"{number:,} row{'s' if number != 1 else ''}"


def shorten(value: Any) -> str:
    """Return a value as a short text of one line."""
    if isinstance(value, float):
        return f"{value:.6g}"
    text = str(value).removesuffix(" 00:00:00") if isinstance(value, pd.Timestamp) else str(value)
    text = printable(text)
    return text if len(text) <= 24 else f"{text[:23]}…"


def printable(text: str) -> str:
    """Return a text without line breaks and other characters that move the cursor."""
    return "".join(character if character.isprintable() else " " for character in text)
