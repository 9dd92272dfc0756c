"""A last row with the sums of the rows above it."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.new_dataset.column_guess import Check, ColumnGuess
from fathom.new_dataset.printing import shorten
from fathom.settings.column_settings import NUMBERS

TOTALS = {
    "total", "totals", "grand total", "subtotal", "sum", "gesamt", "insgesamt", "summe", "totale",
    "suma", "soma", "totaal", "sum total", "mean", "average", "mittelwert", "moyenne", "итого",
    "всего", "合計", "合计", "总计", "합계",
}  # fmt: skip
MIN_NUMBERS = 10  # for one that equals their sum to be no chance
TOLERANCE = 1e-4  # of sums of rounded numbers
REMEDY = "delete the last row of the file"


def find_total(table: pd.DataFrame, columns: Sequence[ColumnGuess]) -> list[Check]:
    """Return what to check if the last row, and no other, has a text such as Total, or a sum."""
    for name in table:
        last = table[name].iloc[-1]
        if not isinstance(last, str) or last.strip(" :").casefold() not in TOTALS:
            continue
        if (table[name] == last).sum() == 1:
            evidence = (
                f"{last!r} in the last row: it may have sums or means of the others, and is a row "
                "of data"
            )
            return [Check(str(name), evidence, REMEDY)]
    for column in columns:
        if column.kind in NUMBERS and is_sum(column.values.to_numpy(np.float64)):  # noqa: PD011
            value = shorten(column.values.iloc[-1])  # noqa: PD011
            evidence = f"{value} in the last row is the sum of the rows above it, and a row of data"
            return [Check(column.name, evidence, REMEDY)]
    return []


def is_sum(numbers: NDArray[np.float64]) -> bool:
    """Tell whether the last number is larger than each of the others, and their sum."""
    others, last = numbers[:-1], numbers[-1]
    others = others[np.isfinite(others) & (others != 0)]
    if len(others) < MIN_NUMBERS or not abs(last) > np.abs(others).max():
        return False
    return bool(abs(others.sum() - last) <= TOLERANCE * abs(last))
