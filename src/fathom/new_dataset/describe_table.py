"""A table of one's own, looked over and described."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fathom.artifacts.schema import LARGE
from fathom.base.errors import FathomError, did_you_mean
from fathom.download.csv_files import guess_csv, guess_encoding
from fathom.download.own_files import DELIMITERS, check_suffix, read_bytes
from fathom.download.parquet_files import ParquetTable, is_parquet, parquet_table
from fathom.download.table_files import read_table_file
from fathom.new_dataset.dataset_file import Source, table_settings, texts_of
from fathom.new_dataset.exclusions import printable
from fathom.new_dataset.infer_columns import Column, describe_columns, markers
from fathom.new_dataset.infer_target import Target, infer_target
from fathom.new_dataset.printing import print_columns
from fathom.settings.compose import fail
from fathom.settings.fields import Task

NAMED = 30  # columns in the line that asks for the target


def describe_table(file: Path, name: str, data: Path, target: str | None, task: Task | None) -> str:
    """Print what a table holds, and return settings for it, or end the program without a target.

    Args:
        file: the table.
        name: of the data set.
        data: where the file will lie.
        target: the column to be predicted.
        task: what it is taken for.

    Raises:
        FathomError: nothing can be learned from it as it is.
    """
    large = large_table(file)
    table, columns, arguments = read(file, large, target)
    if target is None:
        print_columns(columns, None)
        names = [printable(column.name) for column in columns]
        names[NAMED:] = [f"and {len(names) - NAMED} more"] if len(names) > NAMED else []
        fail(f"name the column to be predicted with --target; there are: {', '.join(names)}", 2)
    if target not in table:
        raise FathomError(
            f"--target: there is no column {target!r}{did_you_mean(target, table.columns)}"
        )
    found = infer_target(table, next(c for c in columns if c.name == target), task)
    print_columns(columns, found)
    if all(column.reason for column in columns if column.name != target):
        raise FathomError(f"{file} has no column to learn from: see above")
    for note in notes(columns, found, arguments):
        print(f"  {note}")
    rows = len(table) if large is None else large.rows
    if rows > len(table):
        print(f"  by the first {len(table):,} of {rows:,} rows")
    about = (
        f"{name}: {rows:,} rows and {len(columns)} columns of {printable(file.name)}, as "
        "`fathom new-dataset` understood them. Correct here what it guessed wrong."
    )
    source = Source("table_file", {"file": (data.as_posix(), "")} | arguments)
    return table_settings(about, source, columns, found)


def read(
    file: Path, large: ParquetTable | None, target: str | None
) -> tuple[pd.DataFrame, list[Column], dict[str, tuple[Any, str]]]:
    """Read a table, or the first rows of a large one, and return it with its columns and the
    arguments of `table_file` it takes.
    """
    arguments: dict[str, Any] = {}
    if not file.is_dir() and check_suffix(file) in DELIMITERS:
        delimiter, decimal, _ = guess_csv(file)
        encoding = guess_encoding(read_bytes(file))  # of all of it, not of the beginning
        if delimiter != DELIMITERS[check_suffix(file)]:
            arguments["delimiter"] = delimiter
        if decimal != ".":
            arguments["decimal"] = decimal
        if not encoding.startswith("utf-8"):
            arguments["encoding"] = encoding
    table = rows_of(file, large, arguments)
    columns = describe_columns(table, target)
    classes = [c.name for c in columns if c.name == target and c.kind in ("category", "text")]
    taken = {text for name in classes for text in table[name].dropna()}
    missing = [text for text in markers(columns) if text not in taken]
    given = {key: (value, "") for key, value in arguments.items()}
    if missing:
        where = [printable(c.name) for c in columns if any(text in missing for text in c.strange)]
        given["missing"] = (missing, f"among the numbers or dates of {', '.join(where)}")
        table = rows_of(file, large, arguments | {"missing": missing})
        columns = describe_columns(table, target)
    return table, columns, given


def large_table(file: Path) -> ParquetTable | None:
    """Open a folder of Parquet files, or one that is not to be read as a whole; None for others."""
    if not file.is_dir() and not is_parquet(file):
        return None
    found = parquet_table(file)
    return found if file.is_dir() or found.size > LARGE else None


def rows_of(file: Path, large: ParquetTable | None, arguments: dict[str, Any]) -> pd.DataFrame:
    """Read a table, or of a large one the first rows."""
    if large is None:
        return read_table_file(file, **arguments)
    return large.head(LARGE // len(large.schema.names), arguments.get("missing", ()))


def notes(
    columns: Sequence[Column], target: Target, arguments: dict[str, tuple[Any, str]]
) -> list[str]:
    """Return sentences on what the table of columns does not say."""
    found = list(target.notes)
    if "missing" in arguments:
        texts, where = arguments["missing"]
        found.append(f"{', '.join(map(repr, texts))} taken for missing values: {where}")
    for column in columns:
        used = column.reason is None or column.name == target.column.name
        if used and column.other_form:
            found.append(
                f"{printable(column.name)}: taken for {column.form}, but it may be "
                f"{column.other_form}"
            )
        if used and column.strange and not column.mixed:
            found.append(
                f"{printable(column.name)}: the stages will refuse {texts_of(column)}; mend them, "
                "or list them as source.missing"
            )
    return found
