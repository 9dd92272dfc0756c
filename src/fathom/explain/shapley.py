"""Shapley values of columns, and Shapley interactions of pairs of them, through shapiq."""

import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats
from fathom.explain.sizes import Sizes

# Of coalitions of shape (coalitions, columns), how a network predicts knowing but these columns:
# of shape (coalitions,).
Game = Callable[[NDArray[np.bool_]], Floats]

EXACT = (
    "Shapley values and pairwise Shapley interactions (k-SII of order 2), exact over all coalitions"
)
SAMPLED = (
    "Shapley values and pairwise Shapley interactions (k-SII of order 2), estimated from sampled "
    "coalitions by KernelSHAP-IQ (Fumagalli et al. 2024, arXiv 2405.10852)"
)
VALUES_ALONE = (
    "Shapley values, estimated from sampled coalitions by KernelSHAP (Lundberg & Lee 2017, arXiv "
    "1705.07874); there are too many columns for pairs"
)


@dataclass(frozen=True)
class Shares:
    """What columns and pairs have to do with one prediction.

    `base` is what is predicted if no column is known. `columns` are Shapley values, of shape
    (columns,), which sum up to the prediction less `base`. `pairs` are interactions, of shape
    (columns, columns), symmetric, 0 on the diagonal. `coalitions` is how many of them were tried.
    """

    base: float
    columns: Floats
    pairs: Floats
    coalitions: int


def method(sizes: Sizes) -> str:
    """Name the index, whether it is exact, and where it comes from."""
    if not sizes.pairs:
        return VALUES_ALONE
    source = "Lundberg & Lee 2017; Bordt & von Luxburg 2023, arXiv 2209.04012"
    absent = "what is not known is taken from background rows of the training part"
    return f"{EXACT if sizes.exact else SAMPLED} ({source}); {absent}"


def shares(game: Game, columns: int, sizes: Sizes, seed: int) -> Shares:
    """Share out a prediction.

    Computed is the Shapley interaction index up to order 2: the Shapley values are its first
    order, and its second is that of k-SII, which corrects but the lower orders (Bordt & von
    Luxburg 2023).

    Args:
        columns: how many there are.
        seed: of the coalitions that are sampled if not all are tried.
    """
    tried = 0

    def counted(known: NDArray[np.bool_]) -> Floats:
        nonlocal tried
        tried += len(known)
        return game(known)

    found = interactions(counted, columns, sizes, seed)
    pairs = np.zeros((columns, columns))
    for group, value in found.interactions.items():
        if len(group) == 2:
            pairs[group] = pairs[group[::-1]] = value
    of_columns = np.array([found[(column,)] for column in range(columns)])
    return Shares(float(found.baseline_value), of_columns, pairs, tried)


def interactions(game: Game, columns: int, sizes: Sizes, seed: int) -> Any:
    """Return shapiq's interaction values of order 1 and, if pairs are wanted, 2."""
    import shapiq  # not above: it takes seconds, and images do without

    order = min(2, columns) if sizes.pairs else 1
    if sizes.exact:
        return shapiq.ExactComputer(game, columns)("SII", order)
    estimator = (
        shapiq.KernelSHAPIQ(columns, order, "SII", pairing_trick=True, random_state=seed)
        if sizes.pairs
        else shapiq.KernelSHAP(columns, pairing_trick=True, random_state=seed)
    )
    with warnings.catch_warnings():  # it says that almost all coalitions were sampled
        warnings.simplefilter("ignore", UserWarning)
        return estimator.approximate(sizes.coalitions, game)
