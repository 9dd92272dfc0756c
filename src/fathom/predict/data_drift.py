"""How the rows that a network predicts differ from those of its training."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.histogram import (
    Counts,
    Histogram,
    count_categories,
    count_numbers,
    stability_index,
    to_shares,
)
from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import InputColumn, Signature
from fathom.predict.model_inputs import Inputs

BLOCK = 1000  # rows that are counted at once, and leave the window at once


@dataclass
class Drift:
    """Counts the values of rows and of their predictions. Threads may share it.

    Args:
        signature: of the network.
        window: how many of the last rows count, in whole blocks. None: all.
    """

    signature: Signature
    window: int | None = None
    waiting: list[tuple[Inputs, Floats]] = field(default_factory=list)
    waiting_rows: int = 0
    blocks: deque[list[Counts]] = field(default_factory=deque)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def observe(self, inputs: Inputs, outputs: Mapping[str, Floats]) -> None:
        """Take note of the inputs and outputs of a model."""
        main = outputs["main_output"]
        with self.lock:
            needed = {column.input: inputs[column.input] for column in self.signature.columns}
            self.waiting.append((needed, main))  # no images
            self.waiting_rows += len(main)
            if self.waiting_rows >= BLOCK:
                self.blocks.append(self.count_waiting())
                self.waiting, self.waiting_rows = [], 0
                if self.window is None and len(self.blocks) > 1:
                    self.blocks.append(add_counts([self.blocks.pop(), self.blocks.pop()]))
                elif self.window is not None and len(self.blocks) * BLOCK > self.window:
                    self.blocks.popleft()

    def count_waiting(self) -> list[Counts]:
        inputs = {
            column.input: np.concatenate([some[column.input] for some, _ in self.waiting])
            for column in self.signature.columns
        }
        counts = [count_column(inputs[column.input], column) for column in self.signature.columns]
        outputs = np.concatenate([main for _, main in self.waiting])
        return [*counts, count_predictions(outputs, self.signature)]

    def report(self) -> dict[str, Any]:
        """Return the number of `rows`; by column the shares of missing, unseen and out-of-range
        values and the population stability index; and the shares of predictions in bins.

        What the signature does not tell is None.
        """
        with self.lock:
            waiting = [self.count_waiting()] if self.waiting else []
            counts = [*self.blocks, *waiting]
        if not counts:
            return {"rows": 0, "columns": {}, "predictions": {}}
        *columns, predictions = add_counts(counts)
        return {
            "rows": int(predictions.sum()),
            "columns": {
                column.name: describe_column(column, count)
                for column, count in zip(self.signature.columns, columns, strict=True)
            },
            "predictions": describe_predictions(self.signature, predictions),
        }


def add_counts(blocks: list[list[Counts]]) -> list[Counts]:
    return [np.sum(counts, axis=0) for counts in zip(*blocks, strict=True)]


def count_column(values: NDArray[Any], column: InputColumn) -> Counts:
    """Return the counts of a histogram's bins, and that of numbers out of the training range."""
    if column.categories is not None:
        is_text = column.kind == "text"
        categories = column.categories if is_text else list(map(float, column.categories))
        return np.append(count_categories(values, categories), 0)
    if column.kind == "text":  # categories that are not published
        return np.append(count_categories(values, []), 0)
    edges = column.histogram.edges if column.histogram is not None else None
    outside = 0
    if column.low is not None and column.high is not None:
        outside = int(((values < column.low) | (values > column.high)).sum())
    return np.append(count_numbers(values, edges or []), outside)


def count_predictions(outputs: Floats, signature: Signature) -> Counts:
    if signature.main.classes is not None:
        classes = np.bincount(outputs.argmax(axis=1), minlength=len(signature.main.classes))
        return np.append(classes, [0, 0])
    edges = signature.predictions.edges if signature.predictions is not None else None
    return count_numbers(outputs.astype(np.float64), edges or [])


def describe_column(column: InputColumn, counts: Counts) -> dict[str, float | None]:
    *_, unseen, missing = to_shares(counts[:-1])
    has_range = column.categories is None and column.low is not None
    return {
        "missing": missing,
        "unseen": unseen if column.categories is not None else None,
        "out_of_range": float(counts[-1] / counts[:-1].sum()) if has_range else None,
        "stability_index": compare(column.histogram, counts[:-1]),
    }


def describe_predictions(signature: Signature, counts: Counts) -> dict[str, Any]:
    """Return the shares of classes, or of numbers between the edges of the histogram."""
    histogram, shares = signature.predictions, to_shares(counts)[:-2]
    names = signature.main.classes
    if names is None:
        inner = histogram.edges if histogram is not None else None
        edges = ["", *(str(np.float32(edge)) for edge in inner or []), ""]
        names = [f"{low} … {high}".strip() for low, high in pairwise(edges)]
    return {
        "shares": dict(zip(names, shares, strict=True)),
        "stability_index": compare(histogram, counts),
    }


def compare(histogram: Histogram | None, counts: Counts) -> float | None:
    """Return the stability index, None if the training distribution is not known."""
    if histogram is None:
        return None
    return round(stability_index(histogram.shares, to_shares(counts)), 6)
