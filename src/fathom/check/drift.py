"""Parts that are of other data than was learned from."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from scipy import stats  # type: ignore[import-untyped]

from fathom.artifacts.checks import DataWarning
from fathom.check.warning import NAMES, SHARE, Parts, few, is_number, warned

EFFECT = 0.1  # distance of two distributions, from 0 to 1
RISK = 0.001  # of calling any column of a data set different that differs by chance alone
EXPECTED = 5  # rows; categories with fewer are taken together, as the chi-squared test needs
NAMED = 5  # columns in a sentence, at most


def drift(parts: Parts, target: str) -> list[DataWarning]:
    """Warn of columns that are otherwise in the validation or the test part than in training."""
    train = parts["train"]
    risk = RISK / (4 * train.shape[1])  # two parts; the values, and whether they are missing
    warnings = []
    for part in ("valid", "test"):
        rows = parts[part]
        moved = {n: difference(train[n].dropna(), rows[n].dropna(), risk) for n in train.columns}
        gaps = {n: difference(train[n].isna(), rows[n].isna(), risk) for n in train.columns}
        if names := largest(moved):
            texts = [f"{name!r} ({moved[name]:.2f})" for name in names]
            sentence = (
                f"the {NAMES[part]} part differs from the training part in {listed(texts)}, on a "
                f"scale from 0 to 1 (below {EFFECT} is let pass): its figures are of other data "
                "than was learned from; split by chance (split.shuffle: true), unless that is meant"
            )
            warnings.append(warned("drift", names, {n: moved[n] for n in names}, sentence))
        if names := largest(gaps):
            shares = [(n, rows[n].isna().mean(), train[n].isna().mean()) for n in names]
            texts = [f"{n!r} in {now:.1%} of rows, not {before:.1%}" for n, now, before in shares]
            sentence = (
                f"values are missing in the {NAMES[part]} part more or less often than in "
                f"training: {listed(texts)}; find out why before you trust figures of this part"
            )
            warnings.append(warned("drift", names, {n: gaps[n] for n in names}, sentence))
        warnings += unseen(train, rows, NAMES[part], target)
    return warnings


def difference(known: pd.Series[Any], now: pd.Series[Any], risk: float) -> float:
    """Return the distance of two distributions if it is large and not by chance, or else 0.

    Of numbers it is the Kolmogorov-Smirnov statistic, of categories the total variation distance.
    """
    if min(len(known), len(now)) == 0:
        return 0.0
    if is_number(known):
        distance, p = stats.ks_2samp(known, now, method="asymp")
    else:
        counts = pd.DataFrame({"known": known.value_counts(), "now": now.value_counts()}).fillna(0)
        rare = counts.sum(axis=1) * min(len(known), len(now)) < EXPECTED * (len(known) + len(now))
        table = np.vstack([counts[~rare], counts[rare].sum()])
        table = table[table.sum(axis=1) > 0]
        distance = np.abs(np.diff(table / table.sum(axis=0))).sum() / 2
        p = stats.chi2_contingency(table, correction=False).pvalue
    return float(distance) if distance >= EFFECT and p < risk else 0.0


def unseen(train: pd.DataFrame, rows: pd.DataFrame, part: str, target: str) -> list[DataWarning]:
    """Warn of categories in a part that no training row has."""
    warnings = []
    total = len(rows)
    for name in (name for name in train.columns if not is_number(train[name])):
        count = int((rows[name].notna() & ~rows[name].isin(train[name].unique())).sum())
        if few(count, total):
            continue
        then = "networks take all such for one category; join rare ones, or leave the column out"
        if name == target:
            then = "no network can tell it; split by chance (split.shuffle: true)"
        sentence = (
            f"{count:,} of {total:,} {part} rows ({count / total:.1%}; up to {SHARE:.0%} is let "
            f"pass) have a {name!r} that no training row has: {then}"
        )
        warnings.append(warned("drift", [name], {"rows": count, "of": total}, sentence))
    return warnings


def largest(distances: dict[str, float]) -> list[str]:
    """Return the columns with a distance, the largest first."""
    return sorted((name for name in distances if distances[name]), key=lambda n: -distances[n])


def listed(texts: list[str]) -> str:
    more = len(texts) - NAMED
    return ", ".join(texts[:NAMED]) + (f" and {more} more" if more > 0 else "")
