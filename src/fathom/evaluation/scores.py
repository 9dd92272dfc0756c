"""Figures of merit and tables of predictions, from scikit-learn."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.metrics import (
    accuracy_score,
    f1_score,
    log_loss,
    mean_absolute_error,
    mean_squared_error,
    r2_score,
)

from fathom.data.scaling import Floats
from fathom.data.schema import Output
from fathom.evaluation.calibration import expected_calibration_error

Scores = dict[str, float | None]


def scores(output: Output, actual: NDArray[np.generic], predicted: Floats) -> Scores:
    """Score predictions.

    Args:
        output: what was to be predicted.
        actual: of shape (rows,): in the target's unit, or numbers of classes.
        predicted: of shape (rows,) in the target's unit, or probabilities of shape
            (rows, classes).

    Returns:
        `mse`, `rmse`, `mae` (in the target's unit, squared for `mse`) and `r2` (None for a
        single row); or `accuracy`, `cross_entropy` (in nats), `f1_macro` and `ece`, the
        expected calibration error.
    """
    if output.task == "regression":
        mse = float(mean_squared_error(actual, predicted))
        return {
            "mse": mse,
            "rmse": mse**0.5,
            "mae": float(mean_absolute_error(actual, predicted)),
            "r2": float(r2_score(actual, predicted)) if len(actual) > 1 else None,
        }
    labels = range(output.units)
    chosen = predicted.argmax(axis=1)
    f1 = f1_score(actual, chosen, labels=labels, average="macro", zero_division=0)
    # In float32 probabilities add up to 1 only nearly, of which scikit-learn warns.
    probabilities = predicted / predicted.sum(axis=1, keepdims=True)
    return {
        "accuracy": float(accuracy_score(actual, chosen)),
        "cross_entropy": float(log_loss(actual, probabilities, labels=labels)),
        "f1_macro": float(f1),
        "ece": expected_calibration_error(probabilities.max(axis=1), chosen == actual),
    }


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
    names = np.array(output.classes)
    table = pd.DataFrame(
        {"row": rows, "actual": names[actual], "predicted": names[predicted.argmax(axis=1)]}
    )
    probabilities = pd.DataFrame(predicted, columns=[f"probability_{name}" for name in names])
    return pd.concat([table, probabilities], axis=1)
