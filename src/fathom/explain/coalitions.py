"""Rows of a table of which only some columns are known."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.schema import Schema
from fathom.scale.encoder import Encoder

Bools = NDArray[np.bool_]

VALUES = 2**21  # that are in memory at once


@dataclass(frozen=True)
class Mixer:
    """Puts together known columns of a row and the others of background rows, as features.

    It gives what the encoder makes of raw rows that were so put together, without encoding each:
    every feature but a cross is made of one raw column, and crosses of codes of such features.
    A category, a date's parts, the indicator of a missing value and buckets so go with their
    raw column.

    Args:
        encoder: the data set's own.
        columns: raw columns.
        background: features of raw rows, scaled.
    """

    encoder: Encoder
    columns: list[str]
    background: pd.DataFrame

    def blocks(self, row: pd.DataFrame, known: Bools) -> Iterator[pd.DataFrame]:
        """Return the features of a row with the known columns, coalition by coalition, each with
        every background row; of a few coalitions at a time.

        Args:
            row: features of one raw row, scaled.
            known: of shape (coalitions, columns).
        """
        own = {name: values[0] for name, values in arrays(row).items()}
        others = arrays(self.background)
        at_once = max(1, VALUES // self.background.size)
        for start in range(0, len(known), at_once):
            yield self.mixed(own, others, known[start : start + at_once])

    def mixed(
        self, own: dict[str, Any], others: dict[str, NDArray[Any]], known: Bools
    ) -> pd.DataFrame:
        """Return the features of some coalitions, of shape (coalitions x background, features)."""
        features = {}
        for name, column in self.encoder.raw_columns.items():
            is_known = known[:, [self.columns.index(column)]]
            features[name] = np.where(is_known, own[name], others[name]).ravel()
        return pd.DataFrame(features | self.encoder.cross_codes(features))


def arrays(features: pd.DataFrame) -> dict[str, NDArray[Any]]:
    return {str(name): column.to_numpy() for name, column in features.items()}


def explained_columns(encoder: Encoder, schema: Schema) -> list[str]:
    """Return the raw columns of which features are made, in the table's order."""
    made = set(encoder.raw_columns.values())
    return [column.name for column in schema.columns if column.name in made]
