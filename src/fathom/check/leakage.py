"""Columns that give the target away."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

from fathom.artifacts.checks import DataWarning
from fathom.check.warning import Parts, is_number, warned

GIVEN_AWAY = 0.99  # R² or balanced accuracy
SAMPLE = 20_000  # training rows that a tree is fitted on, at most
TREE = {"max_leaf_nodes": 1000, "min_samples_leaf": 5, "random_state": 0}


def giveaways(parts: Parts, target: str) -> list[DataWarning]:
    """Warn of each column that gives the target away by itself."""
    train, valid = parts["train"], parts["valid"]
    if len(train) > SAMPLE:
        train = train.sample(SAMPLE, random_state=0)
    truths = [train[target].to_numpy(), valid[target].to_numpy()]
    if is_number(train[target]):  # ranks, too: a few extreme values can make out all of an R²
        goals = {"R²": truths, "R² of ranks": [ranks(values, truths[0]) for values in truths]}
    else:
        classes = pd.Index(np.unique(truths[0]))
        goals = {"balanced accuracy": [classes.get_indexer(values) for values in truths]}
    warnings = []
    for name in train.columns.drop(target):
        columns = [train[name], valid[name]]
        if not is_number(train[name]):
            columns = by_mean(columns, next(iter(goals.values()))[0])
        values = [ranks(column.to_numpy(), columns[0].to_numpy()) for column in columns]
        for what, goal in goals.items():
            score = told(values, goal)
            if score >= GIVEN_AWAY:
                sentence = (
                    f"{name!r} by itself tells {target!r} ({what} {score:.3f}): leave it out with "
                    f"dataset.exclude, unless it is known before {target!r} is"
                )
                warnings.append(warned("giveaway", [name], {what: score}, sentence))
                break
    return warnings


def by_mean(columns: list[pd.Series[Any]], goal: NDArray[Any]) -> list[pd.Series[Any]]:
    """Return a column of categories as numbers, in an order in which few leaves tell much: the
    mean goal of their training rows; of categories that these lack that of all known ones.
    """
    means = pd.Series(goal, columns[0].index).groupby(columns[0]).mean()
    known = goal[columns[0].notna()].mean() if len(means) else 0.0
    return [column.map(means).fillna(known).where(column.notna()) for column in columns]


def ranks(values: NDArray[np.float64], among: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the ranks of values among others, equal ones the mean of theirs; NaN for NaN."""
    known = np.sort(among[~np.isnan(among)])
    below, up_to = np.searchsorted(known, values), np.searchsorted(known, values, side="right")
    return np.where(np.isnan(values), np.nan, (below + up_to) / 2)


def told(columns: list[NDArray[Any]], goals: list[NDArray[Any]]) -> float:
    """Return how well a decision tree tells a goal from a column, of training and of other rows.

    The lower score of both counts: on a few other rows alone, chance can do well.
    """
    is_class = goals[0].dtype.kind == "i"
    weighted = DecisionTreeClassifier(**TREE, class_weight="balanced")
    tree = weighted if is_class else DecisionTreeRegressor(**TREE)
    tree.fit(columns[0][:, None], goals[0])
    scores = []
    for column, goal in zip(columns, goals, strict=True):
        found = tree.predict(column[:, None])
        if is_class:
            scores.append(pd.Series(found == goal).groupby(goal).mean().mean())
        else:
            spread = ((goal - goal.mean()) ** 2).sum()
            scores.append(1 - ((goal - found) ** 2).sum() / spread if spread else 0.0)
    return float(min(scores))
