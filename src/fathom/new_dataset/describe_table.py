"""Reads a table, prints its columns and returns its settings."""

from collections.abc import Sequence
from pathlib import Path

from fathom.base.errors import FathomError, did_you_mean
from fathom.download.table_files import Part
from fathom.new_dataset.column_guess import Check, ColumnGuess
from fathom.new_dataset.dataset_file import Arguments, table_settings
from fathom.new_dataset.header import refuse_units
from fathom.new_dataset.infer_columns import infer_columns
from fathom.new_dataset.infer_target import TargetGuess, infer_target
from fathom.new_dataset.printing import join_first, print_table, printable
from fathom.new_dataset.suggestions import suggest
from fathom.new_dataset.total_row import find_total
from fathom.new_dataset.unknown_table import read_unknown_table
from fathom.settings.compose import fail
from fathom.settings.fields import Task

MAX_NAMES = 30  # columns in the line that asks for the target


def describe_table(
    file: Path,
    name: str,
    data: Path,
    target: str | None,
    task: Task | None,
    header: bool | None,
    part: Part,
    given: Arguments,
) -> tuple[str, list[Check]]:
    """Print a table's columns, and return its settings and what the user should check.

    Ends the program without a target. `given` are arguments of the source beside those that this
    function guesses.
    """
    unknown = read_unknown_table(file, header, part)
    table = unknown.table
    refuse_units(file, table)
    columns = infer_columns(table, target, unknown.decimal, unknown.missing)
    if target is None:
        print_columns(columns, None)
        names = join_first((printable(column.name) for column in columns), MAX_NAMES)
        fail(f"name the column to predict with --target; there are: {names}", 2)
    if target not in table:
        raise FathomError(
            f"--target: there is no column {target!r}{did_you_mean(target, table.columns)}"
        )
    guess = infer_target(next(c for c in columns if c.name == target), task)
    print_columns(columns, guess)
    if all(column.reason for column in columns if column.name != target):
        raise FathomError(f"{file}: all columns but the target are excluded, see above")
    for note in guess.notes:
        print(f"  {note}")
    for suggestion in suggest(columns, guess):
        if suggestion.active:
            print(f"  {suggestion.reason}")
    if unknown.rows > len(table):
        print(f"  from the first {len(table):,} of {unknown.rows:,} rows")
    summary = (
        f"{name}: {unknown.rows:,} rows and {len(columns)} columns of {printable(file.name)}, as "
        "guessed by `fathom new-dataset`. Correct wrong guesses here."
    )
    checks = [*unknown.checks, *(check for column in columns for check in column.checks)]
    if unknown.rows == len(table):
        checks += find_total(table, columns)
    source = {"file": (data.as_posix(), "")} | given | unknown.source
    return table_settings(summary, source, columns, guess, checks), checks


def print_columns(columns: Sequence[ColumnGuess], target: TargetGuess | None) -> None:
    """Print a line for each column: what it is, and how networks use it."""
    rows = [
        [
            column.name,
            column.kind,
            f"{column.missing:,}" if column.missing else "",
            f"{column.distinct:,}",
            ", ".join(column.examples),
            describe_use(column, target),
        ]
        for column in columns
    ]
    print_table(["column", "is", ">missing", ">distinct", "such as", "becomes"], rows, "columns")


def describe_use(column: ColumnGuess, target: TargetGuess | None) -> str:
    if target is not None and column.name == target.column.name:
        return f"the target: {target.task}"
    if column.reason is not None:
        return f"excluded: {column.reason}"
    if column.kind in ("category", "boolean"):
        return "a category"
    if column.kind == "date":
        return "parts of dates"
    if column.kind == "ordinal":
        return "ranks, scaled"
    return "scaled, or a category" if column.may_be_category else "scaled"
