"""Shapley values of columns and Shapley interactions of pairs of columns, by shapiq."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats
from fathom.base.errors import FathomError

MAX_EXACT = 12  # columns: a row's Shapley values then take a second
MAX_PAIRED = 40  # columns: the regression of a row then takes a second
OVERSAMPLING = 2  # coalitions for each value to estimate

Game = Callable[[NDArray[np.bool_]], Floats]

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
    """Numbers of explained rows, background rows and coalitions for each explained row; whether
    these are all coalitions (`exact`), and whether interactions of pairs are computed.
    """

    rows: int
    background: int
    coalitions: int
    exact: bool
    pairs: bool

    @property
    def method(self) -> str:
        """Index, algorithm and sources."""
        if not self.pairs:
            return VALUES_ONLY
        source = "Lundberg & Lee 2017; Bordt & von Luxburg 2023, arXiv 2209.04012"
        unknown = "unknown columns take the values of background rows of the training set"
        return f"{EXACT if self.exact else SAMPLED} ({source}); {unknown}"


def choose_sizes(columns: int, rows: int, background: int, limit: int) -> Sizes:
    """Return sizes whose product (rows, background rows and coalitions) is at most `limit`.

    Where not all coalitions are possible, they are sampled. Where too few are possible, rows are
    reduced, down to one, and then background rows.

    Raises:
        FathomError: the limit is too low for the number of columns.
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


def interaction_values(game: Game, columns: int, sizes: Sizes, seed: int) -> Any:
    """Return shapiq's InteractionValues: Shapley values and perhaps pairwise interactions.

    This is the Shapley interaction index up to order 2: its first order are the Shapley values, its
    second order equals that of k-SII, which corrects only lower orders (Bordt & von Luxburg 2023).

    Args:
        game: returns predictions of shape (coalitions,) for known columns, a boolean array of shape
            (coalitions, columns).
        columns: number of columns.
        sizes: whether to evaluate all coalitions, or how many.
        seed: for sampling coalitions.
    """
    import shapiq  # not above: it takes seconds, and images do without

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
