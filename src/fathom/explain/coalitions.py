"""Predictions for a row of which only some columns (a coalition) are known."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.scalers import Floats
from fathom.scale.encoder import Encoder

MAX_VALUES = 2**21  # in memory at once


@dataclass
class CoalitionGame:
    """Predicts a row from coalitions: unknown columns take the values of background rows.

    Args:
        encoder: the data set's encoder.
        columns: raw columns.
        background: scaled features of background rows.
        row: scaled features of the row.
        predict: returns predictions of shape (rows, units) for features.
        unit: the column of predictions to explain.
        evaluations: number of predictions so far.
    """

    encoder: Encoder
    columns: list[str]
    background: pd.DataFrame
    row: pd.DataFrame
    predict: Callable[[pd.DataFrame], Floats]
    unit: int
    evaluations: int = 0

    def __call__(self, known: NDArray[np.bool_]) -> Floats:
        """Return the mean prediction over background rows for each coalition.

        Args:
            known: of shape (coalitions, columns).
        """
        blocks = [self.predict(block)[:, self.unit] for block in self.blocks(known)]
        predicted = np.concatenate(blocks)
        self.evaluations += len(predicted)
        return np.asarray(predicted.reshape(len(known), -1).mean(axis=1, dtype=np.float64))

    def blocks(self, known: NDArray[np.bool_]) -> Iterator[pd.DataFrame]:
        """Yield the features of a few coalitions at a time, each with every background row.

        They equal the features of raw rows combined in this way, without encoding each of them:
        a feature depends on one raw column, or is a cross of such features.
        """
        at_once = max(1, MAX_VALUES // self.background.size)
        for start in range(0, len(known), at_once):
            features = {}
            for name, column in self.encoder.raw_columns.items():
                is_known = known[start : start + at_once, [self.columns.index(column)]]
                own, others = self.row[name].to_numpy()[0], self.background[name].to_numpy()
                features[name] = np.where(is_known, own, others).ravel()
            yield pd.DataFrame(features | self.encoder.cross_codes(features))
