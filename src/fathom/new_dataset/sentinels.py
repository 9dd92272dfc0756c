"""Numbers and dates that stand for a missing value: -9999, 1.797e308, 1900-01-01."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

FLOAT_LIMIT = 3.3e38  # the largest float32 is 3.4e38
NINES = re.compile(r"-?9{2,}|-32768|-2147483648|2147483647")
MIN_ROWS = 2
MIN_GAP = 2.0  # ranges of the other values, between them and a sentinel


def find_limits(numbers: NDArray[Any]) -> NDArray[np.bool_]:
    """Tell which numbers are infinite or the limits of floats, if most others are far from them."""
    limits: NDArray[np.bool_] = np.abs(numbers) >= FLOAT_LIMIT
    rest = np.abs(numbers[~limits])
    return limits if len(rest) and rest.max() < 1e30 else np.isinf(numbers)


def find_sentinels(numbers: NDArray[Any], counts: NDArray[np.int64]) -> list[float]:
    """Return numbers such as -9999 that are repeated and far from all others.

    A negative one among numbers that are not is far from them in any case.

    Args:
        numbers: different numbers of a column.
        counts: the rows of each.
    """
    ends = {numbers.min(), numbers.max()} if len(numbers) else set()
    candidates = [
        float(number) for number in ends if number % 1 == 0 and NINES.fullmatch(f"{number:.0f}")
    ]
    found: list[float] = []
    for number in candidates:
        rest = numbers[(numbers != number) & ~np.isin(numbers, found)]
        if counts[numbers == number].sum() < MIN_ROWS or len(rest) < 3:
            continue
        low, high = rest.min(), rest.max()
        gap = low - number if number < low else number - high
        alone = number < 0 <= low and abs(number) >= 99
        if gap > MIN_GAP * (high - low) or alone:
            found.append(number)
    return found


def say_far(named: str) -> str:
    """Return the evidence of values that are read as missing, which are named with their rows."""
    return f"{named} is read as missing, because it is far from the others"


def find_far_dates(dates: pd.Series[Any], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Tell which dates are the first or the last day of a year, repeated, and far from the others.

    Args:
        dates: different dates of a column.
        counts: the rows of each.
    """
    ends = ((dates.dt.month == 1) & (dates.dt.day == 1)) | (
        (dates.dt.month == 12) & (dates.dt.day >= 30)
    )
    far = np.zeros(len(dates), dtype=bool)
    years = dates.dt.year + dates.dt.day_of_year / 366
    for year in (years.min(), years.max()):
        rest = years[~far & (years != year)]
        found = ((years == year) & ends).to_numpy() & (counts >= MIN_ROWS)
        if len(rest) >= 3 and found.any():
            gap = min(abs(year - rest.min()), abs(year - rest.max()))
            far |= found & (gap > max(MIN_GAP * (rest.max() - rest.min()), 1))
    return far
