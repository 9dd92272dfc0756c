"""A last row with the sums of the rows above it."""

import pandas as pd

from fathom.new_dataset.column_guess import Check

TOTALS = {
    "total", "totals", "grand total", "subtotal", "sum", "gesamt", "insgesamt", "summe", "totale",
    "suma", "soma", "totaal", "sum total", "итого", "всего", "合計", "合计", "总计", "합계",
}  # fmt: skip


def find_total(table: pd.DataFrame) -> list[Check]:
    """Return what to check if a text of the last row, and of no other, is such as Total."""
    for name in table:
        texts = table[name]
        last = texts.iloc[-1]
        if not isinstance(last, str) or last.strip(" :").casefold() not in TOTALS:
            continue
        if (texts == last).sum() == 1:
            evidence = (
                f"{last!r} in the last row: it may have sums of the others, and is a row of data"
            )
            return [Check(str(name), evidence, "delete the last row of the file")]
    return []
