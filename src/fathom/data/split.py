"""Which rows train, which decide (valid) and which are only for the final figures (test)."""

import math

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import train_test_split

from fathom import paths
from fathom.config.schema import DatasetConfig
from fathom.config.schema import Split as Settings
from fathom.data.columns import as_texts
from fathom.data.schema import Schema
from fathom.errors import FathomError
from fathom.files import read_array, read_table, replacing, write_json

Rows = NDArray[np.int64]
Labels = NDArray[np.str_]


def split(config: DatasetConfig) -> dict[str, Rows]:
    """Split a data set and write the row numbers of each part to `data/split/<dataset>/`.

    Raises:
        FathomError: the parts cannot be had from this data.
    """
    name = config.dataset.name
    schema = Schema.read(name)
    rows, labels = labelled(schema)
    parts = split_rows(schema, rows, labels, config.split)
    with replacing(paths.split(name)) as folder:
        folder.mkdir()
        for part, rows in parts.items():
            np.save(folder / f"{part}.npy", rows)
        write_json(folder / "split.json", {part: len(rows) for part, rows in parts.items()})
    return parts


def labelled(schema: Schema) -> tuple[Rows, Labels | None]:
    """Return the numbers of the rows that have a target, and the class of every row, or None for
    regression.
    """
    folder = paths.raw(schema.name)
    made_by = f"download@{schema.name}"
    if schema.kind == "images":
        labels: Labels = read_array(folder / "labels.npy", made_by).astype(str)
        return np.arange(schema.rows), labels
    table = read_table(folder / "data.parquet", made_by, columns=[schema.target])
    target = table[schema.target]
    rows = np.flatnonzero(target.notna())
    return rows, None if schema.task == "regression" else as_texts(target).to_numpy(str)


def split_rows(
    schema: Schema, rows: Rows, labels: Labels | None, settings: Settings
) -> dict[str, Rows]:
    """Return the row numbers of the parts train, valid and test.

    Shuffled, it takes the same rows as two successive calls of scikit-learn's
    `train_test_split` with the same seed: first the test part, then of the rest the validation
    part.

    Args:
        schema: of the raw data.
        rows: the numbers of the rows to be split, ascending.
        labels: the class of each raw row, of shape (raw rows,), or None for regression.
        settings: the section `split`.

    Raises:
        FathomError: a part would be empty, the data has no test set of its own, or a class has
            too few rows to be in every part.
    """
    if settings.stratify is True and labels is None:
        raise FathomError("split.stratify: only classes can be stratified; set it to auto or false")
    by = labels if settings.stratify and settings.shuffle else None
    if settings.test == "own":
        if schema.test_rows == 0:
            raise FathomError(
                f"split.test: {schema.name} comes without a test set of its own; "
                "set a fraction or a number of rows"
            )
        own = rows >= schema.rows - schema.test_rows
        rest, test = rows[~own], rows[own]
    else:
        rest, test = part_off(rows, size("test", settings.test, rows), settings, by)
    count = size("valid", settings.valid, rows)
    if settings.valid_first:
        train, valid = part_off(rest[::-1], count, settings, by)
        train, valid = train[::-1], valid[::-1]
    else:
        train, valid = part_off(rest, count, settings, by)
    return {"train": train, "valid": valid, "test": test}


def size(part: str, share: float | int, rows: Rows) -> int:
    """Return a part's number of rows; fractions are of all rows, and round up."""
    count = math.ceil(share * len(rows)) if isinstance(share, float) else share
    if count >= len(rows):
        raise FathomError(f"split.{part}: {share} leaves none of {len(rows)} rows to train on")
    return count


def part_off(rows: Rows, count: int, settings: Settings, by: Labels | None) -> tuple[Rows, Rows]:
    """Part `count` rows off, at random or from the end."""
    if count >= len(rows):
        raise FathomError(
            f"split: test and valid must leave rows to train on, but {count} of the remaining "
            f"{len(rows)} rows are to be parted off"
        )
    if not settings.shuffle:
        return rows[:-count], rows[-count:]
    classes = by[rows] if by is not None else None
    try:
        rest, part = train_test_split(
            rows, test_size=count, random_state=settings.seed, stratify=classes
        )
    except ValueError as error:
        if classes is None:
            raise
        names, counts = np.unique(classes, return_counts=True)
        fewest = int(counts.argmin())
        raise FathomError(
            f"split.stratify: {len(names)} classes cannot all be in parts of {count} and "
            f"{len(rows) - count} rows (class {str(names[fewest])!r} has {counts[fewest]}); "
            "set it to false, or make the parts larger"
        ) from error
    return rest, part
