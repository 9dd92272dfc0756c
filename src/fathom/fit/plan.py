"""What fits into the time that is left: from the pace of a first training to a plan.

Times of a busy machine vary, so that the estimates have margins. All are in seconds.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

FOLDS = (8, 5, 4, 3)  # from many to few; fewer are hardly better than one run
LEAST_TRIALS = 4  # that are worth the start of a search
CV_TRIALS = 12  # that a search by cross-validation needs
CV_FOLDS, CV_ROWS = 3, 5_000  # on fewer rows, one validation set is a matter of luck
SHARED = 1.5  # a run takes longer if each core trains one
SHARES = 3  # baselines take so many times as long with shares of the training rows
STARTS = 6  # starts of a stage that scaling, evaluation, report and export take
LEAN_STARTS = 4  # without extras
LOOK = 0.25  # share of the time for the first training
AGAIN = 1.5  # times as long, if it has been shortened
MARGIN = 0.05  # share of the time that stays free
LEAST_EPOCHS = 5

EXTRAS = {  # settings that save time, and what is left out then
    "baseline.train_sizes=[]": "whether more rows would help",
    "explain.rows=0": "the explanation of predictions",
    "export.saved_model=false": "TensorFlow's SavedModel",
    "export.onnx=false": "ONNX",
}


@dataclass(frozen=True)
class Pace:
    """What the first training of a single network took.

    `start` is how long a stage takes to start and to write, `run` a run of so many epochs,
    `baseline` the baselines. `rows` are those of the training and the validation set.
    """

    start: float
    run: float
    epochs: int
    rows: int
    cores: int
    baseline: float = 0.0


@dataclass(frozen=True)
class SearchPlan:
    """Minutes 0: no search."""

    minutes: float
    cv: int | None


@dataclass(frozen=True)
class TrainingPlan:
    """`folds` None: no time for several runs. `lean`: without `EXTRAS`."""

    folds: int | None
    lean: bool


def reserve(pace: Pace, lean: bool) -> float:
    """Return how long evaluation, baselines, comparison, report and export take."""
    if lean:
        return pace.start * LEAN_STARTS + pace.baseline
    return pace.start * STARTS + pace.baseline * SHARES


def training_seconds(pace: Pace, run: float, folds: int | None) -> float:
    if folds is None:
        return pace.start + run
    return pace.start + SHARED * run * math.ceil(folds / pace.cores)


def plan_search(pace: Pace, left: float, total: float, most: int) -> SearchPlan:
    """Return how long a search may take, so that a training on the folds fits in after it.

    Args:
        left: time left of `total`.
        most: folds of the training.
    """
    free = left - MARGIN * total - reserve(pace, lean=False) - 2 * pace.start
    free -= training_seconds(pace, pace.run, most)
    trial = SHARED * pace.run / pace.cores
    if free < LEAST_TRIALS * trial:
        return SearchPlan(0.0, None)
    cv = CV_FOLDS if pace.rows <= CV_ROWS and free >= CV_TRIALS * CV_FOLDS * trial else None
    return SearchPlan(free / 60, cv)


def plan_training(pace: Pace, run: float, left: float, total: float, most: int) -> TrainingPlan:
    """Return how many folds fit into the time left.

    Args:
        run: seconds of a run with the chosen settings.
        most: folds.
    """
    left -= MARGIN * total
    for lean in (False, True):
        for folds in (folds for folds in FOLDS if folds <= most):
            if training_seconds(pace, run, folds) + reserve(pace, lean) <= left:
                return TrainingPlan(folds, lean)
    return TrainingPlan(None, lean=True)


def fewer_epochs(epochs: int, seconds_an_epoch: float, seconds: float) -> int:
    """Return how many epochs, at most `epochs`, take so many seconds."""
    return min(max(int(seconds / seconds_an_epoch), LEAST_EPOCHS), epochs)
