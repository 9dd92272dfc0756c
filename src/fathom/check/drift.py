"""Columns whose distribution differs between sets."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from fathom.artifacts.checks import DataWarning
from fathom.check.subsets import NAMES, SHARE, Subsets, are_few, is_number, make_warning

EFFECT = 0.1  # least distance of two distributions, from 0 to 1
RISK = 0.001  # of a false warning for a data set
EXPECTED = 5  # rows; the chi-squared test needs as many, so rarer categories are merged
NAMED = 5  # columns in a sentence, at most


def drift(subsets: Subsets, target: str) -> list[DataWarning]:
    """Warn of columns that differ between the training set and the validation or test set."""
    train = subsets["train"]
    risk = RISK / (4 * train.shape[1])  # four tests a column: two sets, values and missing values
    warnings = []
    for subset in ("valid", "test"):
        rows, name = subsets[subset], NAMES[subset]
        moved = compare(train, rows, risk)
        gaps = compare(train.isna(), rows.isna(), risk)
        if moved:
            texts = [f"{column!r} ({distance:.2f})" for column, distance in moved.items()]
            sentence = (
                f"the {name} set differs from the training set in {join(texts)}, on a scale from "
                f"0 to 1 (below {EFFECT} is ignored): its metrics are of different data than the "
                "training set; split at random (split.shuffle: true), unless this is intended"
            )
            warnings.append(make_warning("drift", list(moved), moved, sentence))
        if gaps:
            shares = [(n, rows[n].isna().mean(), train[n].isna().mean()) for n in gaps]
            texts = [f"{n!r} in {now:.1%} of rows, not {before:.1%}" for n, now, before in shares]
            sentence = (
                f"values are missing more or less often in the {name} set than in the training "
                f"set: {join(texts)}; find the cause before you trust metrics of this set"
            )
            warnings.append(make_warning("drift", list(gaps), gaps, sentence))
        warnings += new_categories(train, rows, name, target)
    return warnings


def compare(train: pd.DataFrame, rows: pd.DataFrame, risk: float) -> dict[str, float]:
    """Return the distances of the columns that differ, the largest first."""
    distances = {n: distance(train[n].dropna(), rows[n].dropna(), risk) for n in train.columns}
    return {n: d for n, d in sorted(distances.items(), key=lambda item: -item[1]) if d}


def distance(known: pd.Series[Any], now: pd.Series[Any], risk: float) -> float:
    """Return the distance of two distributions, or 0 if it is small or may be due to chance.

    It is the Kolmogorov-Smirnov statistic of numbers, the total variation distance of categories.
    """
    if min(len(known), len(now)) == 0:
        return 0.0
    if is_number(known):
        value, p = stats.ks_2samp(known, now, method="asymp")
    else:
        counts = pd.DataFrame({"known": known.value_counts(), "now": now.value_counts()}).fillna(0)
        rare = counts.sum(axis=1) * min(len(known), len(now)) < EXPECTED * (len(known) + len(now))
        table = np.vstack([counts[~rare], counts[rare].sum()])
        table = table[table.sum(axis=1) > 0]
        value = np.abs(np.diff(table / table.sum(axis=0))).sum() / 2
        p = stats.chi2_contingency(table, correction=False).pvalue
    return float(value) if value >= EFFECT and p < risk else 0.0


def new_categories(
    train: pd.DataFrame, rows: pd.DataFrame, subset: str, target: str
) -> list[DataWarning]:
    """Warn of categories that no training row has."""
    warnings = []
    total = len(rows)
    for name in (name for name in train.columns if not is_number(train[name])):
        count = int((rows[name].notna() & ~rows[name].isin(train[name].unique())).sum())
        if are_few(count, total):
            continue
        advice = (
            "networks treat all of them as one category; merge rare ones, or exclude the column"
        )
        if name == target:
            advice = "no network can predict it; split at random (split.shuffle: true)"
        sentence = (
            f"{count:,} of {total:,} {subset} rows ({count / total:.1%}; up to {SHARE:.0%} is "
            f"ignored) have a {name!r} that no training row has: {advice}"
        )
        warnings.append(make_warning("drift", [name], {"rows": count, "of": total}, sentence))
    return warnings


def join(texts: list[str]) -> str:
    more = len(texts) - NAMED
    return ", ".join(texts[:NAMED]) + (f" and {more} more" if more > 0 else "")
