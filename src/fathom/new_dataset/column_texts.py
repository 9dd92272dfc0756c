"""The different texts of a column of a file."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import compute

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Texts:
    """Different texts of a column, stripped, in order of appearance; none of them is empty.

    `counts` has the number of rows of each text, and `first` its first row. `rows` is the number of
    rows of the table, and `empty` that of empty fields. Texts in `usual` stand for a missing value,
    unless the declaration of the column lists others.
    """

    name: str
    arrow: pa.Array
    counts: NDArray[np.int64]
    first: NDArray[np.int64]
    rows: int
    empty: int
    usual: Sequence[str]

    def __len__(self) -> int:
        return len(self.arrow)

    def where(self, mask: Mask | slice) -> Texts:
        """Return the texts of a mask or slice."""
        arrow = self.arrow.take(pa.array(np.arange(len(self))[mask]))
        return replace(self, arrow=arrow, counts=self.counts[mask], first=self.first[mask])

    def match(self, pattern: str) -> Mask:
        """Tell which texts match all of a pattern of RE2."""
        return match_texts(self.arrow, pattern)

    def isin(self, texts: Collection[str]) -> Mask:
        return to_mask(compute.is_in(self.arrow, pa.array(list(texts), pa.string())))

    def list(self, mask: Mask | slice = slice(None)) -> list[str]:
        return [str(text) for text in self.where(mask).arrow.to_pylist()]

    @property
    def lower(self) -> Texts:
        return replace(self, arrow=compute.utf8_lower(self.arrow))

    @cached_property
    def series(self) -> pd.Series[str]:
        return pd.Series(self.arrow.to_pandas(), dtype="str")

    @property
    def total(self) -> int:
        """Number of rows that have one of these texts."""
        return int(self.counts.sum())

    def share(self, mask: Mask) -> float:
        """Share of the rows whose text is in a mask."""
        return float(self.counts[mask].sum() / max(1, self.total))


def find_texts(column: pd.Series[Any], usual: Sequence[str]) -> Texts:
    """Find the different texts of a column."""
    array = pa.array(column, pa.string(), from_pandas=True)
    if isinstance(array, pa.ChunkedArray):
        array = array.combine_chunks()
    encoded = compute.utf8_trim_whitespace(array).dictionary_encode()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    size = len(encoded.dictionary)
    first = np.zeros(size + 1, np.int64)
    first[codes[::-1]] = np.arange(len(codes))[::-1]  # the last assignment wins
    counts = np.bincount(codes[codes >= 0], minlength=size).astype(np.int64)
    texts = Texts(str(column.name), encoded.dictionary, counts, first[:-1], len(codes), 0, usual)
    texts = texts.where(~texts.isin([""]))
    return replace(texts, empty=len(codes) - texts.total)


def match_texts(texts: pa.Array, pattern: str) -> Mask:
    return to_mask(compute.match_substring_regex(texts, f"^(?:{pattern})$"))


def to_mask(booleans: pa.Array) -> Mask:
    return np.asarray(booleans.fill_null(False).to_numpy(zero_copy_only=False), dtype=bool)
