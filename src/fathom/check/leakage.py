"""Columns that reveal the target."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from fathom.artifacts.checks import DataWarning
from fathom.check.subsets import Subsets, is_number, make_warning, r_squared
from fathom.settings.yaml_text import exclude_advice

THRESHOLD = 0.99  # of R² or balanced accuracy
SAMPLE = 20_000  # training rows for a tree, at most
SQUARE = 1e150  # the sum of squares of larger targets would be infinite
TREE = {"max_leaf_nodes": 1000, "min_samples_leaf": 5, "random_state": 0}


def leakage(subsets: Subsets, target: str) -> list[DataWarning]:
    """Warn of each column from which a decision tree predicts the target almost perfectly."""
    train, valid = subsets["train"], subsets["valid"]
    if len(train) > SAMPLE:
        train = train.sample(SAMPLE, random_state=0)
    targets = [train[target].to_numpy(), valid[target].to_numpy()]
    if is_number(train[target]):
        largest = max(np.abs(values).max(initial=0) for values in targets)
        if largest > SQUARE:
            targets = [values / largest for values in targets]
        # also ranks, as a few extreme values can dominate R²
        goals = {"R²": targets, "R² of ranks": [ranks(values, targets[0]) for values in targets]}
    else:
        classes = pd.Index(np.unique(targets[0]))
        goals = {"balanced accuracy": [classes.get_indexer(values) for values in targets]}
    warnings = []
    for name in train.columns.drop(target):
        columns = [train[name], valid[name]]
        if not is_number(train[name]):
            columns = encode_by_mean(columns, next(iter(goals.values()))[0])
        values = [ranks(column.to_numpy(), columns[0].to_numpy()) for column in columns]
        for metric, goal in goals.items():
            value = tree_metric(values, goal)
            if value >= THRESHOLD:
                sentence = (
                    f"{name!r} alone predicts {target!r} ({metric} {value:.3f}): "
                    f"{exclude_advice(name)}, unless it is known before {target!r}"
                )
                warnings.append(make_warning("giveaway", [name], {metric: value}, sentence))
                break
    return warnings


def encode_by_mean(columns: list[pd.Series[Any]], goal: NDArray[Any]) -> list[pd.Series[Any]]:
    """Encode categories by the mean goal of their training rows, unknown ones by the overall mean:
    in this order a tree needs few leaves.
    """
    means = pd.Series(goal, columns[0].index).groupby(columns[0]).mean()
    overall = goal[columns[0].notna()].mean() if len(means) else 0.0
    return [column.map(means).fillna(overall).where(column.notna()) for column in columns]


def ranks(values: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values among others, the mean rank for ties, NaN for NaN."""
    known = np.sort(among[~np.isnan(among)])
    below, up_to = np.searchsorted(known, values), np.searchsorted(known, values, side="right")
    return np.where(np.isnan(values), np.nan, (below + up_to) / 2)


def tree_metric(columns: list[NDArray[Any]], goals: list[NDArray[Any]]) -> float:
    """Fit a decision tree to a column of the training set; return its R² or balanced accuracy.

    It is the lower value of training and validation set, as few rows can be predicted by chance.
    """
    is_class = goals[0].dtype.kind == "i"
    classifier = DecisionTreeClassifier(**TREE, class_weight="balanced")
    tree = classifier if is_class else DecisionTreeRegressor(**TREE)
    tree.fit(columns[0][:, None], goals[0])
    values = []
    for column, goal in zip(columns, goals, strict=True):
        predicted = tree.predict(column[:, None])
        if is_class:
            values.append(pd.Series(predicted == goal).groupby(goal).mean().mean())
        else:
            values.append(r_squared(goal, predicted))
    return float(min(values))
