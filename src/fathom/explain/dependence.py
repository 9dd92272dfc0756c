"""Partial dependence: how predictions change with one column while all others stay as they are.

Friedman 2001, Greedy Function Approximation, https://doi.org/10.1214/aos/1013203451. The band is
the middle 80 % of the rows' individual curves (Goldstein et al. 2015, arXiv 1309.6392).
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats, Scaler
from fathom.scale.encoder import Encoder, preprocess

COLUMNS = 6  # the most important ones
POINTS = 15  # values of a number
CATEGORIES = 8  # the most frequent ones


def partial_dependence(
    table: pd.DataFrame,
    columns: list[str],
    encoder: Encoder,
    scaler: Scaler,
    predict: Callable[[pd.DataFrame], Floats],
) -> list[dict[str, Any]]:
    """Return for each column its `kind` and `points`: a `value`, the `mean` prediction of all rows
    that are given this value, and `low` and `high`, the 10 % and 90 % quantiles. Dates are left
    out. Of two classes, the probability of the second is predicted; of more, none is what one wants
    to know, and nothing is returned.

    Args:
        table: raw rows.
        columns: in the order of their importance.
        encoder: makes features of raw rows.
        scaler: scales them.
        predict: returns numbers or probabilities for scaled features, of shape (rows, units).
    """
    numbers = {number.column for number in encoder.numbers}
    numbers -= {ordinal.column for ordinal in encoder.ordinals}
    categories = {category.column for category in encoder.categories}
    categories |= {ordinal.column for ordinal in encoder.ordinals}
    found = []
    for column in [name for name in columns if name in numbers | categories][:COLUMNS]:
        places = number_rows if column in numbers else category_rows
        rows = places(table[column])
        if len(rows) < 2:
            continue
        values = table[column].iloc[rows]
        replaced = pd.concat([table] * len(rows))
        # Taken from rows of the table, so that the column keeps its type.
        replaced[column] = values.repeat(len(table)).to_numpy()
        replaced[column] = replaced[column].astype(table[column].dtype)
        predicted = predict(preprocess(replaced, encoder, scaler))
        if predicted.shape[1] > 2:
            return []
        curves = predicted[:, -1].reshape(len(rows), len(table))
        kind = "number" if column in numbers else "category"
        points = tabulate_points(values, curves, kind)
        found.append({"column": column, "kind": kind, "points": points})
    return found


def tabulate_points(
    values: "pd.Series[Any]", curves: Floats, kind: str
) -> list[dict[str, float | str]]:
    """Return the points of a column; `curves` has the shape (values, rows)."""
    low, high = np.quantile(curves, [0.1, 0.9], axis=1)
    points = zip(values.tolist(), curves.mean(axis=1), low, high, strict=True)
    return [
        {
            "value": float(value) if kind == "number" else str(value),
            "mean": float(mean),
            "low": float(lowest),
            "high": float(highest),
        }
        for value, mean, lowest, highest in points
    ]


def number_rows(column: "pd.Series[Any]") -> NDArray[np.int64]:
    """Return places of rows whose values are evenly spaced in rank, from the lowest up."""
    known = np.flatnonzero(column.notna())
    if not len(known):
        return known
    order = known[np.argsort(column.iloc[known].to_numpy(np.float64), kind="stable")]
    places = order[np.linspace(0, len(order) - 1, POINTS).round().astype(int)]
    different = np.unique(column.iloc[places].to_numpy(np.float64), return_index=True)[1]
    chosen: NDArray[np.int64] = places[different]
    return chosen


def category_rows(column: "pd.Series[Any]") -> NDArray[np.int64]:
    """Return places of rows with the most frequent values, the most frequent one first."""
    texts = column.astype(object).where(column.notna(), None)
    frequent = texts.value_counts().index[:CATEGORIES]
    return np.array([int(np.flatnonzero(texts == value)[0]) for value in frequent], np.int64)
