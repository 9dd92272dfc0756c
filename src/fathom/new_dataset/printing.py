"""What was found out about data, as a table that fits a terminal or a file."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Sequence

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fathom.new_dataset.exclusions import FEW, printable, written
from fathom.new_dataset.infer_columns import Column
from fathom.new_dataset.infer_target import Target

WIDTHS = (80, 140)  # of the table, at least and at most
OFF_TERMINAL = 110
ROOMY = 100  # for examples
LINES = 200  # at most


def print_columns(columns: Sequence[Column], target: Target | None) -> None:
    """Print a line for each column: what it is, and what becomes of it."""
    examples = ["such as"] if width() >= ROOMY else []
    table = new_table("column", "is", ">missing", ">distinct", *examples, "becomes")
    for column in columns[:LINES]:
        add_row(
            table,
            column.name,
            column.kind,
            f"{column.missing:,}" if column.missing else "",
            f"{column.distinct:,}",
            *([", ".join(column.examples)] if examples else []),
            fate(column, target),
        )
    show(table)
    if len(columns) > LINES:
        print(f"  … and {len(columns) - LINES:,} more columns")


def print_classes(rows: Sequence[tuple[str, int, int]]) -> None:
    """Print a line for each class of images: its name, images and images for testing."""
    table = new_table("class", ">images", *([">for testing"] if any(r[2] for r in rows) else []))
    for row in rows[:LINES]:
        add_row(table, row[0], *(f"{count:,}" for count in row[1 : len(table.columns)]))
    show(table)
    if len(rows) > LINES:
        print(f"  … and {len(rows) - LINES:,} more classes")


def fate(column: Column, target: Target | None) -> str:
    """Say in a few words what becomes of a column."""
    if target is not None and column.name == target.column.name:
        return f"the target: {target.task}"
    if column.reason is not None:
        return f"left out: {column.reason}"
    if column.kind in ("category", "text", "boolean"):
        return "a category"
    if column.strange:
        return f"refused: {written(next(iter(column.strange)))} in row {first_row(column)}"
    if column.kind == "date":
        return "parts of dates"
    return "scaled, or a category" if is_choice(column) else "scaled"


def first_row(column: Column) -> int:
    """Return the first row that holds a strange text."""
    return next(iter(column.strange.values()))


def is_choice(column: Column) -> bool:
    """Tell integers that may as well be categories."""
    return column.kind == "integer" and 2 < column.distinct <= FEW


def new_table(*names: str) -> Table:
    """Make a table; the columns whose names begin with > hold numbers."""
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for name in names:
        table.add_column(
            name.removeprefix(">"),
            justify="right" if name.startswith(">") else "left",
            no_wrap=name not in ("column", "becomes"),
            overflow="ellipsis" if name == "such as" else "fold",
            max_width={"column": 28, "such as": 30, "class": 60}.get(name),
        )
    return table


def add_row(table: Table, *cells: str) -> None:
    table.add_row(*(Text(printable(cell)) for cell in cells))  # not markup: a name may be "[red]"


def show(table: Table) -> None:
    Console(width=width(), highlight=False).print(table)


def width() -> int:
    """Return the number of characters in a line of a table."""
    least, most = WIDTHS
    wanted = shutil.get_terminal_size().columns if sys.stdout.isatty() else OFF_TERMINAL
    return max(least, min(wanted, most))
