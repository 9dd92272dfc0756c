"""Rows that stand in two parts."""

from __future__ import annotations

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.checks import DataWarning
from fathom.check.warning import NAMES, SHARE, Parts, few, warned

CHANCE = 0.01  # rows of which chance lets so many equal ones be expected are let pass
Keys = NDArray[np.uint64]


def duplicates(parts: Parts, target: str) -> list[DataWarning]:
    """Warn of rows that stand, target included, in two parts."""
    table = pd.concat(parts.values())
    ends = np.cumsum([len(part) for part in parts.values()])[:-1]
    keys = dict(zip(parts, np.split(hashes(table), ends), strict=True))
    warnings = []
    for other, part in (("train", "test"), ("train", "valid"), ("valid", "test")):
        places, twins = repeated(keys[other], keys[part])
        total = len(parts[part])
        if few(len(places), total):
            continue
        copied = expected(keys[other], keys[part][places]) < CHANCE
        count, by_chance = int(copied.sum()), int((~copied).sum())
        if few(count, total):
            continue
        row = int(parts[part].index[places[copied][0]])
        twin = int(parts[other].index[twins[copied][0]])
        more = f"; {by_chance:,} more, which chance may have made equal, are not counted"
        sentence = (
            f"{count:,} of {total:,} {NAMES[part]} rows ({count / total:.1%}; up to {SHARE:.0%} "
            f"is let pass) stand in the {NAMES[other]} part, too, with the same {target!r}, such "
            f"as row {row} as row {twin}{more if by_chance else ''}: figures of the {NAMES[part]} "
            "part look better than they are; remove repeated rows before the split"
        )
        figures = {"rows": count, "of": total, "by_chance": by_chance, "row": row, "as_row": twin}
        warnings.append(warned("duplicates", list(table.columns), figures, sentence))
    return warnings


def hashes(table: pd.DataFrame) -> Keys:
    """Return a number for each value: within a column equal for equal or missing ones alone. Sums
    over some columns are equal for rows that agree in these, and by chance for 1 pair in 10^19.
    """
    codes = [pd.util.hash_array(pd.factorize(column)[0]) for _, column in table.items()]
    odd = np.random.default_rng(0).integers(2**63, size=len(codes), dtype=np.uint64) * 2 + 1
    return np.asarray(np.column_stack(codes) * odd, np.uint64)


def repeated(seen: Keys, rows: Keys) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the places of the rows that stand among the seen ones, too, and where they do."""
    sums, first = np.unique(seen.sum(axis=1), return_index=True)
    twins = first[np.searchsorted(sums, rows.sum(axis=1)).clip(max=len(sums) - 1)]
    places = np.flatnonzero((seen[twins] == rows).all(axis=1))
    return places, twins[places]


def expected(seen: Keys, rows: Keys) -> NDArray[np.float64]:
    """Return how many of the seen rows chance lets be equal to each of some rows.

    Few columns of few values make rows equal by chance, and so does a common combination of many.
    If some columns were independent of the others, as many rows would be equal as agree in the
    others, times the share of those that agree in these. That is tried with any up to five columns
    side by side, and the most counts. Rows that are equal as a whole do not count, lest copies
    explain themselves: one with a value that no other row has is never expected. If there are
    more rows than combinations of values, all that are equal are so by chance.
    """
    if len(seen) > math.prod(len(np.unique(column)) for column in seen.T):
        return np.full(len(rows), np.inf)
    whole, ours = seen.sum(axis=1), rows.sum(axis=1)
    equal = occurrences(whole, ours)
    most = np.zeros(len(rows))
    for width in range(1, 6):
        for start in range(seen.shape[1]):
            these = np.arange(start, start + width) % seen.shape[1]
            inside, ours_inside = seen[:, these].sum(axis=1), rows[:, these].sum(axis=1)
            agree = occurrences(inside, ours_inside) - equal
            others = occurrences(whole - inside, ours - ours_inside) - equal
            most = np.maximum(most, agree * others / len(seen))
    return most


def occurrences(seen: Keys, values: Keys) -> NDArray[np.int64]:
    """Return how often each value is among the seen ones."""
    known, counts = np.unique(seen, return_counts=True)
    places = np.searchsorted(known, values).clip(max=len(known) - 1)
    return np.where(known[places] == values, counts[places], 0)
