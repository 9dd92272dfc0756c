"""Categories as integer codes, and crosses: a code for each combination of codes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import places_among, sort_key
from fathom.base.errors import FathomError
from fathom.base.files import JsonModel


class Category(JsonModel):
    """The code of a value is its position in `values`, counted from 1; None is a missing value.

    Code 0 is for values that are rare in the training rows or not in them.
    """

    column: str
    values: list[str | None]

    @classmethod
    def fit(cls, texts: pd.Series[Any], min_frequency: int) -> Category:
        """Give each value of at least `min_frequency` training rows a code."""
        name = str(texts.name)
        counts = texts.value_counts()
        frequent = [str(value) for value in counts[counts >= min_frequency].index]
        if not frequent and len(counts) > 1:
            raise FathomError(
                f"column {name!r} has {len(counts)} different values in {len(texts)} training "
                f"rows, and none occurs in {min_frequency} rows (scale.min_frequency): exclude it "
                "with dataset.exclude, or list it under dataset.dates if it holds dates"
            )
        missing = [None] if texts.isna().any() else []
        return cls(column=name, values=[*missing, *sorted(frequent, key=sort_key)])

    @property
    def known(self) -> list[str]:
        """The values without None."""
        return [value for value in self.values if value is not None]

    @property
    def codes(self) -> int:
        """Number of codes, 0 included."""
        return len(self.values) + 1

    def transform(self, values: pd.Series[Any]) -> NDArray[np.int32]:
        first = self.codes - len(self.known)
        positions = places_among(values, self.known)
        others = np.where(values.isna(), first - 1, 0)
        return np.where(positions >= 0, positions + first, others).astype(np.int32)


class Cross(JsonModel):
    """A code for each combination of the codes of two or more columns.

    More than `size` combinations are hashed to `size` codes by the finalizer of SplitMix64
    (Steele et al. 2014), as pandas hashes integers.
    """

    columns: list[str]
    combinations: int
    size: int

    @property
    def name(self) -> str:
        return "_x_".join(self.columns)

    @property
    def codes(self) -> int:
        return min(self.combinations, self.size)

    def transform(self, codes: list[NDArray[np.int32]], counts: list[int]) -> NDArray[np.int32]:
        """Return codes of shape (rows,) from the codes of each column and their counts."""
        combined = np.zeros(len(codes[0]), np.uint64)
        for column, count in zip(codes, counts, strict=True):
            combined = combined * np.uint64(count) + column.astype(np.uint64)
        if self.combinations > self.size:
            combined = pd.util.hash_array(combined) % np.uint64(self.size)
        return combined.astype(np.int32)
