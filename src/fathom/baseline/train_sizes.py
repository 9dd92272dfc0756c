"""How good boosting is by the number of training rows: whether more of them would help.

scikit-learn's `learning_curve` does so with folds of its own; here the validation set stays as it
is. See "Validation curves: plotting scores to evaluate models" in its user guide.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from sklearn.base import clone

from fathom.artifacts.problem import Output
from fathom.artifacts.ranking import PRIMARY_METRIC
from fathom.artifacts.scalers import Floats
from fathom.baseline.boosters import Rows
from fathom.evaluate.metrics import compute_metrics

MAX_VALUES = 10_000_000  # to train on: beyond, the largest number of rows is that of so many values
FEW_ROWS = 20_000  # up to which rows are drawn several times
DRAWS = 3
LEAST_ROWS = 20  # to train on
COLUMNS = ["rows", "draws", "training", "validation", "lowest", "highest"]

Predict = Callable[[Any, Any], Floats]  # an estimator's outputs for features


def score_train_sizes(
    estimator: Any, train: Rows, valid: Rows, output: Output, predict: Predict,
    shares: Sequence[float], seed: int,
) -> pd.DataFrame:  # fmt: skip
    """Train copies of an estimator on shares of the training rows, and score each.

    Of few rows each share is drawn several times, by seeds from `seed` on; but once if there are
    more than two classes, as boosting trains trees for each.

    Args:
        estimator: an estimator of scikit-learn that is fitted to all training rows.
        shares: above 0 and below 1; of the training rows, or of as many as have `MAX_VALUES`
            values.

    Returns:
        A line for each number of training `rows`, in ascending order: the primary metric on the
        rows that were trained on (`training`) and on the validation set (`validation`), both means
        of the `draws`, with the `lowest` and `highest` validation value. The last line is
        `estimator` itself, if its rows have no more than `MAX_VALUES` values.
    """
    count = len(train.target)
    most = min(count, max(MAX_VALUES // train.features.shape[1], 1))
    sizes = sorted({int(share * most) for share in shares} | {most} - {count})
    draws = DRAWS if most <= FEW_ROWS and output.units <= 2 else 1

    def score(fitted: Any, rows: Rows) -> list[float]:
        metric = PRIMARY_METRIC[output.task]
        outputs = ((of_set.target, predict(fitted, of_set.features)) for of_set in (rows, valid))
        return [compute_metrics(output, *of_set)[metric] or 0.0 for of_set in outputs]

    lines = []
    for size in (size for size in sizes if size >= LEAST_ROWS):
        drawn = [draw_rows(train, size, seed + draw, output) for draw in range(draws)]
        lines.append(summarize(size, [score(fit(clone(estimator), rows), rows) for rows in drawn]))
    if most == count:
        lines.append(summarize(count, [score(estimator, train)]))
    return pd.DataFrame(lines, columns=COLUMNS)


def fit(estimator: Any, rows: Rows) -> Any:
    return estimator.fit(rows.features, rows.target, sample_weight=rows.weights)


def draw_rows(rows: Rows, size: int, seed: int, output: Output) -> Rows:
    """Draw rows without replacement; of one seed, more rows contain fewer.

    Classes of which a single row is drawn are left out: boosting, which sets some rows aside to
    stop early, needs two.
    """
    drawn = np.random.default_rng(seed).permutation(len(rows.target))[:size]
    if output.task == "classification":
        classes = rows.target[drawn]
        drawn = drawn[np.bincount(classes)[classes] > 1]
    drawn = np.sort(drawn)
    features, weights = rows.features, rows.weights
    return Rows(
        features.iloc[drawn] if isinstance(features, pd.DataFrame) else features[drawn],
        rows.target[drawn],
        weights if weights is None else weights[drawn],
    )


def summarize(rows: int, scores: list[list[float]]) -> list[float]:
    training, validation = np.transpose(scores)
    return [
        rows, len(scores), training.mean(), validation.mean(), validation.min(), validation.max(),
    ]  # fmt: skip
