"""Batch size, steps, epochs and folds: settings, or numbers that follow from the rows."""

import math

from fathom.artifacts.problem import Problem
from fathom.settings.config import TrainSettings
from fathom.train.memory import has_many_values

LEAST_STEPS = 32  # of an epoch; small tables need many small steps
BATCH_SIZES = 16, 256
STEPS = 8_000  # of a training
EPOCHS = 20, 100
MEMORY = 10  # epochs in which weight decay alone shrinks a weight to 1/e
DECAY_FOR_IMAGES = 0.3
FOLDS = [(5_000, 8), (100_000, 5)]  # "auto": up to so many rows, so many folds; more rows: none


def batch_size(settings: TrainSettings, rows: int) -> int:
    """Return `train.batch_size`; "auto" is a power of two that follows from the training rows."""
    if settings.batch_size != "auto":
        return settings.batch_size
    low, high = BATCH_SIZES
    return int(min(max(2 ** int(math.log2(max(rows / LEAST_STEPS, 1))), low), high))


def steps_of_epoch(settings: TrainSettings, rows: int) -> int:
    return math.ceil(rows / batch_size(settings, rows))


def number_of_epochs(settings: TrainSettings, rows: int) -> int:
    """Return `train.epochs`; "auto" gives a training about as many steps on any table."""
    if settings.epochs != "auto":
        return settings.epochs
    low, high = EPOCHS
    return min(max(round(STEPS / steps_of_epoch(settings, rows)), low), high)


def weight_decay(settings: TrainSettings, problem: Problem, rate: float) -> float:
    """Return the weight decay "auto" at a learning rate.

    Weights forget within about as many epochs on any table: the optimum falls with the steps of an
    epoch (Wang & Aitchison 2024, arXiv 2405.13698).
    """
    if problem.kind == "images":
        return DECAY_FOR_IMAGES
    return 1 / (rate * steps_of_epoch(settings, problem.rows["train"]) * MEMORY)


def folds_by_rows(problem: Problem) -> int | None:
    """Return the folds of `train.folds: auto`, None without folds."""
    if has_many_values(problem):
        return None
    rows = problem.rows["train"] + problem.rows["valid"]
    return next((folds for most, folds in FOLDS if rows <= most), None)
