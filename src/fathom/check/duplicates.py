"""Rows that are in two sets."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.checks import DataWarning
from fathom.check.subsets import NAMES, SHARE, Subsets, are_few, make_warning

CHANCE = 0.01  # most equal rows expected by chance of a row that counts as a copy

Keys = NDArray[np.uint64]


def duplicates(subsets: Subsets, target: str) -> list[DataWarning]:
    """Warn of rows, target included, that are in two sets."""
    table = pd.concat(subsets.values())
    ends = np.cumsum([len(subset) for subset in subsets.values()])[:-1]
    keys = dict(zip(subsets, np.split(hash_values(table), ends), strict=True))
    warnings = []
    for other, subset in (("train", "test"), ("train", "valid"), ("valid", "test")):
        places, twins = find_equal(keys[other], keys[subset])
        total = len(subsets[subset])
        if are_few(len(places), total):
            continue
        copied = expected_equal(keys[other], keys[subset][places]) < CHANCE
        count, by_chance = int(copied.sum()), int((~copied).sum())
        if are_few(count, total):
            continue
        row = int(subsets[subset].index[places[copied][0]])
        twin = int(subsets[other].index[twins[copied][0]])
        more = f"; {by_chance:,} more are not counted, as they may be equal by chance"
        sentence = (
            f"{count:,} of {total:,} {NAMES[subset]} rows ({count / total:.1%}; up to {SHARE:.0%} "
            f"is ignored) are also in the {NAMES[other]} set, with the same {target!r}, such as "
            f"row {row}, equal to row {twin}{more if by_chance else ''}: metrics of the "
            f"{NAMES[subset]} set look too good; remove duplicates before the split"
        )
        values = {"rows": count, "of": total, "by_chance": by_chance, "row": row, "as_row": twin}
        warnings.append(make_warning("duplicates", list(table.columns), values, sentence))
    return warnings


def hash_values(table: pd.DataFrame) -> Keys:
    """Return a hash of each value, of the table's shape; missing values of a column are equal.

    Sums over columns are hashes of rows: unequal rows have equal sums for 1 pair in 10^19.
    """
    codes = [pd.util.hash_array(pd.factorize(column)[0]) for _, column in table.items()]
    odd = np.random.default_rng(0).integers(2**63, size=len(codes), dtype=np.uint64) * 2 + 1
    return np.asarray(np.column_stack(codes) * odd, np.uint64)


def find_equal(known: Keys, rows: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the rows that equal a known row, and the place of that row."""
    sums, first = np.unique(known.sum(axis=1), return_index=True)
    twins = first[np.searchsorted(sums, rows.sum(axis=1)).clip(max=len(sums) - 1)]
    places = np.flatnonzero((known[twins] == rows).all(axis=1))
    return places, twins[places]


def expected_equal(known: Keys, rows: Keys) -> NDArray[np.float64]:
    """Return how many known rows are expected to equal each row by chance.

    If some columns are independent of the others, it is the number of known rows that agree in
    these, times the share of those that agree in the others. Of all groups of up to five adjacent
    columns, the largest number counts. Rows that equal the row as a whole are excluded, or copies
    would explain themselves: a row with a unique value is never expected. If there are more rows
    than combinations of values, every row is expected.
    """
    if len(known) > math.prod(len(np.unique(column)) for column in known.T):
        return np.full(len(rows), np.inf)
    whole, whole_rows = known.sum(axis=1), rows.sum(axis=1)
    equal = count_in(whole, whole_rows)
    most = np.zeros(len(rows))
    for width in range(1, 6):
        for start in range(known.shape[1]):
            group = np.arange(start, start + width) % known.shape[1]
            part, part_rows = known[:, group].sum(axis=1), rows[:, group].sum(axis=1)
            agree = count_in(part, part_rows) - equal
            others = count_in(whole - part, whole_rows - part_rows) - equal
            most = np.maximum(most, agree * others / len(known))
    return most


def count_in(known: Keys, values: Keys) -> NDArray[np.float64]:
    """Return how often each value is among the known ones."""
    counts = pd.Series(values).map(pd.Series(known).value_counts())
    return np.asarray(counts.fillna(0), np.float64)
