"""Shapley values of columns and Shapley interactions of pairs of columns, by shapiq."""

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats
from fathom.base.errors import FathomError
from fathom.scale.encoder import Encoder

MAX_EXACT = 12  # columns: a row's Shapley values then take a second
MAX_PAIRED = 40  # columns: the regression of a row then takes a second
OVERSAMPLING = 2  # coalitions for each value to estimate
MAX_VALUES = 2**21  # in memory at once

EXACT = (
    "Shapley values and pairwise Shapley interactions (k-SII of order 2), exact over all coalitions"
)
SAMPLED = (
    "Shapley values and pairwise Shapley interactions (k-SII of order 2), estimated from sampled "
    "coalitions by KernelSHAP-IQ (Fumagalli et al. 2024, arXiv 2405.10852)"
)
VALUES_ONLY = (
    "Shapley values, estimated from sampled coalitions by KernelSHAP (Lundberg & Lee 2017, arXiv "
    "1705.07874); there are too many columns for pairs"
)


@dataclass(frozen=True)
class Sizes:
    """Numbers of explained rows, of background rows and of coalitions for each explained row;
    whether these are all coalitions, and whether pairs are explained.
    """

    rows: int
    background: int
    coalitions: int
    exact: bool
    pairs: bool

    @property
    def method(self) -> str:
        if not self.pairs:
            return VALUES_ONLY
        source = "Lundberg & Lee 2017; Bordt & von Luxburg 2023, arXiv 2209.04012"
        unknown = "unknown columns take the values of background rows of the training set"
        return f"{EXACT if self.exact else SAMPLED} ({source}); {unknown}"


def choose_sizes(columns: int, rows: int, background: int, limit: int) -> Sizes:
    """Return sizes whose product (rows, background rows and coalitions) is at most `limit`.

    Where too few coalitions are possible, there are fewer rows, then fewer background rows.
    """
    pairs = columns <= MAX_PAIRED
    values = columns + (columns * (columns - 1) // 2 if pairs else 0)
    all_coalitions = 2**columns
    fewest = min(OVERSAMPLING * (values + 2), all_coalitions)
    if fewest > limit:
        raise FathomError(
            f"explain.evaluations: {limit} are too few for {columns} columns; set it to "
            f"{fewest} or more"
        )
    background = min(background, limit // fewest)
    rows = min(rows, limit // (fewest * background))
    coalitions = min(limit // (rows * background), all_coalitions)
    exact = coalitions == all_coalitions and columns <= MAX_EXACT
    return Sizes(rows, background, coalitions, exact, pairs)


@dataclass
class CoalitionGame:
    """Predicts a row from coalitions: unknown columns take the values of background rows.

    `background` and `row` are scaled features. Of predictions, of shape (rows, units), the column
    `unit` is explained. `evaluations` counts predictions.
    """

    encoder: Encoder
    columns: list[str]
    background: pd.DataFrame
    row: pd.DataFrame
    predict: Callable[[pd.DataFrame], Floats]
    unit: int
    evaluations: int = 0

    def __call__(self, known: NDArray[np.bool_]) -> Floats:
        """Return each coalition's mean prediction over background rows.

        `known` has the shape (coalitions, columns).
        """
        predicted = np.concatenate([self.predict(b)[:, self.unit] for b in self.blocks(known)])
        self.evaluations += len(predicted)
        return np.asarray(predicted.reshape(len(known), -1).mean(axis=1, dtype=np.float64))

    def blocks(self, known: NDArray[np.bool_]) -> Iterator[pd.DataFrame]:
        """Yield the features of a few coalitions at a time, each with every background row.

        Raw rows need not be encoded: a feature depends on one raw column, or is a cross of such.
        """
        at_once = max(1, MAX_VALUES // self.background.size)
        for start in range(0, len(known), at_once):
            features = {}
            for name, column in self.encoder.raw_columns.items():
                is_known = known[start : start + at_once, [self.columns.index(column)]]
                own, others = self.row[name].to_numpy()[0], self.background[name].to_numpy()
                features[name] = np.where(is_known, own, others).ravel()
            yield pd.DataFrame(features | self.encoder.cross_codes(features))


def interaction_values(game: CoalitionGame, sizes: Sizes, seed: int) -> Any:
    """Return shapiq's InteractionValues: Shapley values and perhaps pairwise interactions.

    This is the Shapley interaction index up to order 2: its first order are the Shapley values, its
    second order equals that of k-SII, which corrects only lower orders (Bordt & von Luxburg 2023).
    """
    import shapiq  # not above: it takes seconds, and images do without

    columns = len(game.columns)
    order = min(2, columns) if sizes.pairs else 1
    if sizes.exact:
        return shapiq.ExactComputer(game, columns)("SII", order)
    estimator = (
        shapiq.KernelSHAPIQ(columns, order, "SII", pairing_trick=True, random_state=seed)
        if sizes.pairs
        else shapiq.KernelSHAP(columns, pairing_trick=True, random_state=seed)
    )
    with warnings.catch_warnings():  # of almost all coalitions being sampled
        warnings.simplefilter("ignore", UserWarning)
        return estimator.approximate(sizes.coalitions, game)
