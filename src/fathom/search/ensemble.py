"""Several networks as one: the mean of what they predict."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

MEMBERS = 50  # that selection adds at most, the same one several times or not
AVERAGED = 10  # best trials in the plain average

Loss = Callable[[NDArray[Any]], float]


def selected(predictions: dict[int, NDArray[Any]], loss: Loss) -> dict[int, int]:
    """Return how often each trial is in the ensemble that greedy selection finds.

    Always the one is added with which the mean of all comes out best on the validation part; what
    was best along the way is taken (Caruana et al. 2004, "Ensemble selection from libraries of
    models").

    Args:
        predictions: of each trial for the validation part, best trial first.
        loss: of predictions for that part.
    """
    chosen: list[int] = []
    total, best, length = np.zeros_like(next(iter(predictions.values()))), np.inf, 0
    for count in range(1, MEMBERS + 1):
        losses = {at: loss((total + one) / count) for at, one in predictions.items()}
        added = min(losses, key=losses.__getitem__)
        chosen.append(added)
        total = total + predictions[added]
        if losses[added] < best:
            best, length = losses[added], count
    return dict(Counter(chosen[:length]).most_common())


def mean(predictions: dict[int, NDArray[Any]], counts: dict[int, int]) -> NDArray[Any]:
    """Return the mean of predictions, each as often as it counts."""
    found: NDArray[Any] = np.average(
        [predictions[at] for at in counts], axis=0, weights=list(counts.values())
    )
    return found
