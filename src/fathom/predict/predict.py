"""From a file of raw rows to a file of the same rows with predictions."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pyarrow as pa

from fathom.artifacts.signature import IMAGE, ImageInput, Signature
from fathom.base.errors import FathomError
from fathom.predict.exported_model import ExportedModel
from fathom.predict.image_rows import read_images
from fathom.predict.model_inputs import Inputs, check_names, model_inputs
from fathom.predict.options import Options
from fathom.predict.output import writing
from fathom.predict.prediction_columns import prediction_names, prediction_table
from fathom.predict.table_rows import STDIN, open_table, raw_columns
from fathom.predict.unusual import UNUSUAL, find_unusual

Block = tuple[pa.Table, Inputs]


@dataclass(frozen=True)
class Done:
    """How many rows were predicted for, and how many of them hold what training did not see."""

    rows: int
    unusual: int


def predict(
    exported_model: ExportedModel,
    path: Path,
    output: Path,
    options: Options,
    tell: Callable[[str], None],
    progress: Callable[[int], None],
) -> Done:
    """Write the rows of a file with predictions beside them, in their order.

    Args:
        exported_model: the exported network.
        path: a table, with the columns that the model takes and maybe others, which are kept; or
            images: see `read_images`. "-" is CSV text from standard input.
        output: a .csv or .parquet file, or "-" for CSV text to standard output.
        options: of reading, and whether unusual rows are marked.
        tell: is given what one should know beside.
        progress: is given the number of rows done.

    Raises:
        FathomError: the file is not as the model needs it; there is no output then.
    """
    if path.exists() and output.exists() and path.samefile(output):
        raise FathomError(f"--output: {output} is the input: name another file")
    signature = exported_model.signature
    if signature.image is None:
        blocks = tables(signature, path, options, tell)
    else:
        blocks = images(signature.image, path, options)
    rows = strange = 0
    with writing(output) as writer:
        for block, inputs in blocks:
            found = prediction_table(exported_model.predict(inputs), signature)
            marks = find_unusual(inputs, signature)
            if options.flag:
                found[UNUSUAL] = pd.Series(marks, dtype="str")
            for name in found:
                block = block.append_column(str(name), pa.array(found[name]))
            writer.write(block)
            rows += len(found)
            strange += int((marks != "").sum())
            progress(rows)
        if not rows:
            raise FathomError(f"{named(path)} has no rows")
    return Done(rows, strange)


def named(path: Path) -> str:
    return "standard input" if path == STDIN else str(path)


def tables(
    signature: Signature, path: Path, options: Options, tell: Callable[[str], None]
) -> Iterator[Block]:
    """Read a table: return its rows as they are, and as the model takes them."""
    if options.array is not None:
        raise FathomError("--array: is for images, but the model takes the columns of a table")
    with open_table(path, options.csv) as rows:
        try:
            others = check_names(rows.names, signature)
            check_answers(rows.names, signature, options.flag)
            if others:
                tell(f"kept, but not used by the model: {', '.join(others)}")
            first = 0
            for block in rows.blocks:
                columns = raw_columns(block, rows, signature, path)
                yield block, model_inputs(columns, signature, first)
                first += len(block)
        except FathomError as error:
            raise FathomError(f"{named(path)}: {error}") from error


def check_answers(names: Sequence[str], signature: Signature, flag: bool) -> None:
    """Refuse a table that has columns of the names that predictions get."""
    made = [*prediction_names(signature), *([UNUSUAL] if flag else [])]
    taken = next((name for name in names if name in made), None)
    if taken is not None:
        raise FathomError(
            f"there is a column {taken!r} already, as predictions are called: rename or remove it"
        )


def images(wanted: ImageInput, path: Path, options: Options) -> Iterator[Block]:
    """Read images: return what tells them apart, and them as the model takes them."""
    if options.csv:
        key = next(iter(options.csv))
        raise FathomError(f"--{key}: is for tables, but the model takes images")
    for told, pixels in read_images(path, wanted, options.array):
        yield pa.Table.from_pandas(told, preserve_index=False), {IMAGE: pixels}
