"""Codes of categories, buckets and crosses as Keras operations.

Tables are weights of `Embedding` layers: Keras would write a constant into the model's
configuration once for each operation that uses it.
"""

from __future__ import annotations

from typing import Any

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fathom.scale.categories import Category, Cross
from fathom.scale.numbers import Buckets

# The finalizer of SplitMix64 (Steele et al. 2014), as pandas hashes integers.
SHIFTS = (30, 27, 31)
FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


def make_table(values: NDArray[np.floating[Any]], name: str) -> keras.layers.Embedding:
    """Return a layer that looks up one of the values, of shape (n,), by its position."""
    table = keras.layers.Embedding(len(values), 1, dtype="float64", trainable=False, name=name)
    table.build()
    table.set_weights([values.reshape(-1, 1)])
    return table


class SortedTable:
    """Sorted numbers of several columns, for binary search.

    Args:
        columns: of shape (columns, n), each row ascending.
        name: of the layer that holds them.
    """

    def __init__(self, columns: NDArray[np.float64], name: str) -> None:
        count, self.length = columns.shape
        self.width = 1 << self.length.bit_length()  # a power of two, with room for one at the end
        padded = np.full((count, self.width), np.inf)
        padded[:, : self.length] = columns
        self.table = make_table(padded.ravel(), name)
        self.first = np.arange(count, dtype=np.int32) * self.width

    def count(self, values: keras.KerasTensor, including: bool) -> keras.KerasTensor:
        """Return how many numbers are below values of shape (rows, columns), or equal to them."""
        places = ops.zeros_like(values, dtype="int32")
        step = self.width // 2
        while step:
            number = self.take(places + (step - 1))
            passed = number <= values if including else number < values
            places = places + ops.cast(passed, "int32") * step
            step //= 2
        return ops.minimum(places, self.length)  # infinite values pass the padding, too

    def take(self, places: keras.KerasTensor) -> keras.KerasTensor:
        """Return the numbers at places of shape (rows, columns)."""
        return ops.squeeze(self.table(places + self.first), -1)


def text_codes(texts: keras.KerasTensor, category: Category, name: str) -> keras.KerasTensor:
    """Return the codes of texts of shape (rows,), "" if missing."""
    lookup = keras.layers.StringLookup(
        vocabulary=["" if value is None else value for value in category.values],
        num_oov_indices=1,
        mask_token=None,
        name=name,
    )
    return ops.cast(lookup(texts), "int32")


def number_codes(values: keras.KerasTensor, category: Category, name: str) -> keras.KerasTensor:
    """Return the codes of a category's numbers of shape (rows,), NaN if missing."""
    known = np.array([float(value) for value in category.known])
    first = category.codes - len(known)
    missing = ops.isnan(values)
    code_of_missing = ops.cast(missing, "int32") * (first - 1)  # 1 if in training, else 0
    if not len(known):
        return code_of_missing
    table = SortedTable(np.sort(known)[None], name=name)
    codes = make_table(np.argsort(known, stable=True) + float(first), f"{name}_codes")
    present = ops.expand_dims(ops.where(missing, 0.0, values), 1)
    place = ops.clip(table.count(present, including=True) - 1, 0, len(known) - 1)
    code = ops.cast(ops.squeeze(codes(ops.squeeze(place, 1)), -1), "int32")
    equal = ops.squeeze(ops.equal(table.take(place), present), 1)
    return ops.where(missing, code_of_missing, code * ops.cast(equal, "int32"))


def bucket_codes(values: keras.KerasTensor, buckets: Buckets, name: str) -> keras.KerasTensor:
    """Return the codes of numbers of shape (rows,), NaN if missing."""
    missing = ops.isnan(values)
    if not buckets.edges:
        return ops.cast(missing, "int32") * (buckets.codes - 1)
    table = SortedTable(np.array(buckets.edges)[None], name=name)
    present = ops.expand_dims(ops.where(missing, 0.0, values), 1)
    code = ops.squeeze(table.count(present, including=True), 1)
    return ops.where(missing, buckets.codes - 1, code)


def cross_codes(
    codes: list[keras.KerasTensor], counts: list[int], cross: Cross
) -> keras.KerasTensor:
    """Return the codes of a cross from the codes of its columns, of shape (rows,), and their
    counts.
    """
    combined = ops.cast(codes[0], "int64")
    for code, count in zip(codes[1:], counts[1:], strict=True):
        combined = combined * count + ops.cast(code, "int64")
    if cross.combinations > cross.size:
        combined = hash_codes(combined, cross.size)
    return ops.cast(combined, "int32")


def hash_codes(codes: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Hash integers of at least 0 to `size` codes.

    In int64, as Keras and ONNX have fewer operations for unsigned integers: the bits are the same.
    """
    bits = ops.bitwise_xor(codes, shift_right(codes, SHIFTS[0]))
    for factor, shift in zip(FACTORS, SHIFTS[1:], strict=True):
        bits = ops.multiply(bits, np.array([factor], np.uint64).astype(np.int64))
        bits = ops.bitwise_xor(bits, shift_right(bits, shift))
    half = ops.mod(shift_right(bits, 1), size)  # in int64 the highest bit is the sign
    return ops.mod(half * 2 + ops.bitwise_and(bits, np.array([1])), size)


def shift_right(bits: keras.KerasTensor, by: int) -> keras.KerasTensor:
    """Shift bits to the right and fill with zeros.

    Division fills with the sign, which the second mask removes. It rounds to zero once converted
    to ONNX; after the first mask there is nothing to round.
    """
    divided = ops.floor_divide(ops.bitwise_and(bits, np.array([-(1 << by)])), np.array([1 << by]))
    return ops.bitwise_and(divided, np.array([(1 << 64 - by) - 1]))
