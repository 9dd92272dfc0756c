"""Reads a file block by block and writes its rows with predictions."""

import csv as csv_module
import io
import itertools
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

import click
import pandas as pd
import pyarrow as pa
from pyarrow import compute, parquet
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

from fathom.artifacts.signature import Signature
from fathom.base.errors import FathomError
from fathom.base.files import atomic_write, write_json
from fathom.predict.data_drift import Drift
from fathom.predict.exported_model import ExportedModel
from fathom.predict.image_rows import Block, read_images
from fathom.predict.model_inputs import check_columns, model_inputs, override_decimal
from fathom.predict.prediction_columns import (
    UNUSUAL,
    find_unusual,
    prediction_names,
    prediction_table,
)
from fathom.predict.table_rows import STANDARD_STREAM, open_table, raw_columns, source_name


@dataclass
class Counts:
    """Numbers of rows, and the decimal mark of their file."""

    rows: int = 0
    unusual: int = 0
    decimal: str = "."


def predict(
    exported_model: ExportedModel,
    path: Path,
    output: Path,
    *,
    flag: bool = False,
    array: str | None = None,
    options: Mapping[str, str] | None = None,
    drift: Path | None = None,
) -> Counts:
    """Write the rows of a file in their order, with predictions, and print a summary.

    Args:
        exported_model: the model that predicts.
        path: a table or images. "-" is CSV text from standard input.
        output: a .csv or .parquet file, or "-" for CSV text to standard output. CSV text has the
            decimal mark of the input, and semicolons between columns if that is a comma.
        flag: whether to add the column `unusual`.
        array: name of the array of images in an .npz file.
        options: delimiter, decimal and encoding of a CSV file, by default guessed; sheet of a
            workbook; table of a database file.
        drift: a .json file for how the rows differ from those of the training set.

    Raises:
        FathomError: the file is not valid, or not what the model takes. The old output stays.
    """
    if path.exists() and output.exists() and path.samefile(output):
        raise FathomError(f"--output: {output} is the input: name another file")
    signature, counts = exported_model.signature, Counts()
    watch = Drift(signature)
    if drift is not None:
        check_output(drift, "drift", [".json"])
    if signature.image is None:
        blocks = table_blocks(signature, path, flag, array, options or {}, counts)
    elif options:
        raise FathomError(f"--{next(iter(options))}: is for tables, but the model takes images")
    else:
        blocks = read_images(path, signature.image, array)
    console = Console(stderr=True)
    bar = (SpinnerColumn(), TextColumn("{task.completed:,} rows"), TimeElapsedColumn())
    silent = not console.is_terminal
    with Progress(*bar, console=console, transient=True, disable=silent) as progress:
        predicted = predict_blocks(exported_model, blocks, flag, counts, watch, progress)
        write_output(output, predicted, counts)
    if drift is not None:
        write_json(drift, watch.report())
    click.echo(summarize(counts, flag), err=True)
    return counts


def summarize(counts: Counts, flag: bool) -> str:
    summary = f"{counts.rows:,} row{'s' * (counts.rows != 1)}"
    if counts.unusual:
        where = "see the column unusual" if flag else "--flag marks them"
        summary += f", {counts.unusual:,} of them with values that training did not see ({where})"
    return summary


def predict_blocks(
    exported_model: ExportedModel,
    blocks: Iterator[Block],
    flag: bool,
    counts: Counts,
    watch: Drift,
    progress: Progress,
) -> Iterator[pa.Table]:
    """Add predictions to blocks of rows, and count the rows."""
    task = progress.add_task("", total=None)
    for rows, inputs in blocks:
        outputs = exported_model.predict(inputs)
        watch.observe(inputs, outputs)
        columns = prediction_table(outputs, exported_model.signature)
        unusual = find_unusual(inputs, exported_model.signature)
        if flag:
            columns[UNUSUAL] = pd.Series(unusual, dtype="str")
        for name in columns:
            rows = rows.append_column(str(name), pa.array(columns[name]))
        yield rows
        counts.rows += len(rows)
        counts.unusual += int((unusual != "").sum())
        progress.update(task, completed=counts.rows)


def table_blocks(
    signature: Signature,
    path: Path,
    flag: bool,
    array: str | None,
    options: Mapping[str, str],
    counts: Counts,
) -> Iterator[Block]:
    if array is not None:
        raise FathomError("--array: is for images, but the model takes the columns of a table")
    signature = override_decimal(signature, options.get("decimal"))
    with open_table(path, options, signature.source) as rows:
        counts.decimal = rows.decimal or "."
        try:
            unused = check_columns(rows.names, signature)
            new = [*prediction_names(signature), *([UNUSUAL] if flag else [])]
            existing = next((name for name in rows.names if name in new), None)
            if existing is not None:
                raise FathomError(
                    f"the column {existing!r} has the name of a prediction: rename or remove it"
                )
            if unused:
                click.echo(f"not used by the model: {', '.join(unused)}", err=True)
            first = 0
            for block in rows.blocks:
                columns = raw_columns(block, rows, signature, path)
                yield block, model_inputs(columns, signature, first, rows.decimal)
                first += len(block)
            if not first:
                raise FathomError("there are no rows")
        except FathomError as error:
            raise FathomError(f"{source_name(path)}: {error}") from error


def write_output(path: Path, blocks: Iterator[pa.Table], counts: Counts) -> None:
    """Write blocks of rows. A file replaces an old one when it is complete."""
    if path == STANDARD_STREAM:
        cast(io.TextIOWrapper, sys.stdout).reconfigure(encoding="utf-8")
        write_csv(sys.stdout, blocks, counts)
        return
    check_output(path, "output", [".csv", ".parquet"])
    with atomic_write(path) as beside:
        if path.suffix.lower() == ".csv":
            with beside.open("w", newline="", encoding="utf-8") as file:
                write_csv(file, blocks, counts)
            return
        first = next(blocks)
        with parquet.ParquetWriter(beside, first.schema) as writer:
            for block in itertools.chain([first], blocks):
                writer.write_table(block)


def check_output(path: Path, option: str, suffixes: list[str]) -> None:
    if path.suffix.lower() not in suffixes:
        also = ", or be -" if option == "output" else ""
        raise FathomError(f"--{option}: {path} must end in {' or '.join(suffixes)}{also}")
    if not path.parent.is_dir():
        raise FathomError(f"--{option}: there is no folder {path.parent}")


def write_csv(file: IO[str], blocks: Iterator[pa.Table], counts: Counts) -> None:
    for number, block in enumerate(blocks):
        if number == 0:  # reading it has found the decimal mark
            delimiter = ";" if counts.decimal == "," else ","
            writer = csv_module.writer(file, delimiter=delimiter, lineterminator="\n")
            writer.writerow(block.column_names)
        texts = (to_texts(column, counts.decimal).to_pylist() for column in block.columns)
        writer.writerows(zip(*texts, strict=True))
        file.flush()


def to_texts(column: pa.ChunkedArray, decimal: str) -> pa.ChunkedArray:
    texts = compute.cast(column, pa.string())
    is_float = pa.types.is_floating(column.type)
    return compute.replace_substring(texts, ".", decimal) if is_float else texts
