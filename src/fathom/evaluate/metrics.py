"""Figures of a part, their spread over runs, and tables of predictions."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import Output
from fathom.artifacts.scalers import Floats
from fathom.evaluate.sums import Scores, tally


def compute_metrics(output: Output, actual: NDArray[np.generic], predicted: Floats) -> Scores:
    """Score predictions that are in memory.

    Args:
        output: what was to be predicted.
        actual: of shape (rows,): in the target's unit, or numbers of classes.
        predicted: of shape (rows,) in the target's unit, or probabilities of shape
            (rows, classes).

    Returns:
        What `Errors.scores` does, or `Choices.scores`.
    """
    found = tally(output)
    found.add(actual, predicted)
    return found.scores()


def spread(runs: list[Scores]) -> dict[str, dict[str, float | int | None]]:
    """Return by figure the mean over runs, their standard deviation (of a sample) and number."""
    spreads: dict[str, dict[str, float | int | None]] = {}
    for name in runs[0]:
        values = [value for run in runs if (value := run[name]) is not None]
        known = len(values) == len(runs)
        spreads[name] = {
            "mean": float(np.mean(values)) if known else None,
            "sd": float(np.std(values, ddof=1)) if known else None,
            "n": len(runs),
        }
    return spreads


def prediction_table(
    output: Output, rows: NDArray[np.int64], actual: NDArray[np.generic], predicted: Floats
) -> pd.DataFrame:
    """Return predictions beside the truth.

    The columns are `row` (its number in the raw data), `actual` and `predicted`, in the target's
    unit or as names of classes, and for classes `probability_<class>` each.
    """
    if output.classes is None:
        return pd.DataFrame({"row": rows, "actual": actual, "predicted": predicted})
    names = pd.array(output.classes, dtype="str")
    chosen = predicted.argmax(axis=1)
    table = pd.DataFrame(
        {"row": rows, "actual": names.take(np.asarray(actual)), "predicted": names.take(chosen)}
    )
    probabilities = pd.DataFrame(predicted, columns=[f"probability_{name}" for name in names])
    return pd.concat([table, probabilities], axis=1)
