"""Reads a table, prints its columns and returns its settings."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fathom.artifacts.schema import LARGE
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.csv_dialect import guess_csv
from fathom.download.csv_encoding import guess_encoding
from fathom.download.own_files import DELIMITERS, check_suffix, read_bytes
from fathom.download.parquet_files import ParquetTable, is_parquet, parquet_table
from fathom.download.table_files import Part, read_table_file
from fathom.new_dataset.column_guess import ColumnGuess
from fathom.new_dataset.dataset_file import Arguments, table_settings
from fathom.new_dataset.infer_columns import infer_columns
from fathom.new_dataset.infer_target import TargetGuess, infer_target
from fathom.new_dataset.printing import join_first, print_table, printable, shorten
from fathom.new_dataset.suggestions import suggest
from fathom.settings.compose import fail
from fathom.settings.fields import Task

MAX_NAMES = 30  # columns in the line that asks for the target


def describe_table(
    file: Path,
    name: str,
    data: Path,
    target: str | None,
    task: Task | None,
    part: Part,
    given: Arguments,
) -> str:
    """Print a table's columns, and return its settings. End the program without a target.

    `given` are arguments of the source beside those that this function guesses.
    """
    large = parquet_table(file) if file.is_dir() or is_parquet(file) else None
    if large is not None and not file.is_dir() and large.size <= LARGE:
        large = None  # it is read whole
    table, columns, source = read(file, large, target, part)
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
    for note in list_notes(columns, guess, source):
        print(f"  {note}")
    for suggestion in suggest(columns, guess):
        if suggestion.active:
            print(f"  {suggestion.reason}")
    rows = len(table) if large is None else large.rows
    if rows > len(table):
        print(f"  from the first {len(table):,} of {rows:,} rows")
    summary = (
        f"{name}: {rows:,} rows and {len(columns)} columns of {printable(file.name)}, as guessed "
        "by `fathom new-dataset`. Correct wrong guesses here."
    )
    return table_settings(summary, {"file": (data.as_posix(), "")} | given | source, columns, guess)


def read(
    file: Path, large: ParquetTable | None, target: str | None, part: Part
) -> tuple[pd.DataFrame, list[ColumnGuess], Arguments]:
    """Return a table, or the first rows of a large one, its columns, and how to read it."""
    arguments: dict[str, Any] = {} if large else csv_arguments(file)
    table = read_rows(file, large, arguments, part)
    columns = infer_columns(table, target)
    classes = [c.name for c in columns if c.name == target and c.kind in ("category", "text")]
    texts = {text for name in classes for text in table[name].dropna()}
    numbers = [c for c in columns if c.kind in ("number", "integer", "date")]
    markers = sorted({text for c in numbers for text in c.declaration.missing or []})
    missing = [text for text in markers if text not in texts]
    source: Arguments = {key: (value, "") for key, value in arguments.items()}
    if missing:
        where = [printable(c.name) for c in numbers if c.declaration.missing]
        source["missing"] = (missing, f"among the numbers or dates of {', '.join(where)}")
        table = read_rows(file, large, arguments | {"missing": missing}, part)
        columns = infer_columns(table, target)
    return table, columns, source


def csv_arguments(file: Path) -> dict[str, str]:
    """Return the arguments of `table_file` by which a CSV file differs from the usual."""
    suffix = check_suffix(file)
    if suffix not in DELIMITERS:
        return {}
    delimiter, decimal, _ = guess_csv(file)
    encoding = guess_encoding(read_bytes(file)).name  # of all of it, not of the first 64 kB
    guesses = {"delimiter": delimiter, "decimal": decimal, "encoding": encoding}
    usual = {"delimiter": DELIMITERS[suffix], "decimal": ".", "encoding": "utf-8"}
    return {key: guess for key, guess in guesses.items() if not guess.startswith(usual[key])}


def read_rows(
    file: Path, large: ParquetTable | None, arguments: dict[str, Any], part: Part
) -> pd.DataFrame:
    if large is None:
        return read_table_file(file, **arguments, part=part)
    return large.head(LARGE // len(large.schema.names), arguments.get("missing", ()))


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
    if column.kind in ("category", "text", "boolean"):
        return "a category"
    if column.refused:
        text, row = next(iter(column.invalid.items()))
        return f"refused: {shorten(text)} in row {row}"
    if column.kind == "date":
        return "parts of dates"
    return "scaled, or a category" if column.may_be_category else "scaled"


def list_notes(columns: Sequence[ColumnGuess], target: TargetGuess, source: Arguments) -> list[str]:
    """Return sentences about what the table of columns does not show."""
    notes = list(target.notes)
    if "missing" in source:
        texts, where = source["missing"]
        notes.append(f"{', '.join(map(repr, texts))} read as missing values: {where}")
    for column in columns:
        if column.reason is None or column.name == target.column.name:
            name, first, other = printable(column.name), column.date_format, column.other_format
            notes += [f"{name}: read as {first}; {other} fits as well"] if other else []
    return notes
