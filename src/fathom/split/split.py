"""Which rows train, which decide (valid) and which are only for the final figures (test)."""

import math

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.columns import as_texts
from fathom.artifacts.schema import Schema
from fathom.base import paths
from fathom.base.errors import FathomError
from fathom.base.files import atomic_write, read_array, read_table, write_json
from fathom.settings.config import DatasetConfig
from fathom.settings.data_settings import SplitSettings as Settings
from fathom.split.hashing import hashed_parts

Rows = NDArray[np.int64]
Labels = NDArray[np.str_]


def split(config: DatasetConfig) -> dict[str, Rows]:
    """Split a data set and write the row numbers of each part to `data/split/<dataset>/`.

    Raises:
        FathomError: the parts cannot be had from this data.
    """
    name = config.dataset.name
    parts = subset_rows(Schema.read(name), config.split)
    with atomic_write(paths.split(name)) as folder:
        folder.mkdir()
        for part, rows in parts.items():
            np.save(folder / f"{part}.npy", rows)
        write_json(folder / "split.json", {part: len(rows) for part, rows in parts.items()})
    return parts


def subset_rows(schema: Schema, settings: Settings) -> dict[str, Rows]:
    """Return the row numbers of the parts train, valid and test, ascending where rows are hashed
    or the table is large.

    Raises:
        FathomError: as `split_rows`.
    """
    if not is_hashed(schema, settings):
        parts = split_rows(schema, *read_labels(schema), settings)
        return {part: np.sort(rows) for part, rows in parts.items()} if schema.is_large else parts
    count = schema.rows - schema.unlabelled
    test = None
    if settings.test == "own":
        refuse_no_own(schema)
    else:
        test = share("test", settings.test, count)
    codes = hashed_parts(schema, settings, test, share("valid", settings.valid, count))
    parts = {part: np.flatnonzero(codes == place) for place, part in enumerate(paths.SUBSETS)}
    for part, rows in parts.items():
        if not len(rows):
            raise FathomError(
                f"split.hash: no row of {schema.name} comes to the part {part}; make that part "
                "larger, or set it to false"
            )
    return parts


def is_hashed(schema: Schema, settings: Settings) -> bool:
    """Tell whether rows go to parts by their hashes."""
    if settings.hash == "auto":
        return settings.key is not None or (schema.is_large and settings.shuffle)
    return settings.hash


def share(part: str, wanted: float | int, rows: int) -> float:
    """Return the share of all rows that a part is to have."""
    return wanted if isinstance(wanted, float) else size(part, wanted, rows) / rows


def read_labels(schema: Schema) -> tuple[Rows, Labels | None]:
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
        refuse_no_own(schema)
        own = rows >= schema.rows - schema.test_rows
        rest, test = rows[~own], rows[own]
    else:
        rest, test = part_off(rows, size("test", settings.test, len(rows)), settings, by)
    count = size("valid", settings.valid, len(rows))
    if settings.valid_first:
        train, valid = part_off(rest[::-1], count, settings, by)
        train, valid = train[::-1], valid[::-1]
    else:
        train, valid = part_off(rest, count, settings, by)
    return {"train": train, "valid": valid, "test": test}


def refuse_no_own(schema: Schema) -> None:
    if schema.test_rows == 0:
        raise FathomError(
            f"split.test: {schema.name} comes without a test set of its own; "
            "set a fraction or a number of rows"
        )


def size(part: str, wanted: float | int, rows: int) -> int:
    """Return a part's number of rows; fractions are of all rows, and round up."""
    count = math.ceil(wanted * rows) if isinstance(wanted, float) else wanted
    if count >= rows:
        raise FathomError(f"split.{part}: {wanted} leaves none of {rows} rows to train on")
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
    from sklearn.model_selection import train_test_split  # takes a second, which hashes need not

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
