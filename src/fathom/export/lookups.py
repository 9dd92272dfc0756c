"""Codes of categories, buckets and crosses as operations of Keras.

What they look up is kept as weights of `Embedding` layers, since a constant would be written into
the model's description once for each operation that takes it.
"""

from __future__ import annotations

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fathom.scale.categories import Category, Cross
from fathom.scale.numbers import Buckets

# The finaliser of SplitMix64 (Steele et al. 2014), as pandas hashes integers.
SHIFTS = (30, 27, 31)
FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)


class Sorted:
    """Sorted numbers of several columns, in which values are looked up by halving.

    Args:
        columns: of shape (columns, n), each row ascending.
        name: of the layer that holds them.
    """

    def __init__(self, columns: NDArray[np.float64], name: str) -> None:
        count, self.length = columns.shape
        self.width = 1 << self.length.bit_length()  # a power of two, with room for one at the end
        padded = np.full((count, self.width), np.inf)
        padded[:, : self.length] = columns
        self.layer = keras.layers.Embedding(
            count * self.width, 1, dtype="float64", trainable=False, name=name
        )
        self.layer.build()
        self.layer.set_weights([padded.reshape(-1, 1)])
        self.first = np.arange(count, dtype=np.int32) * self.width

    def count(self, values: keras.KerasTensor, including: bool) -> keras.KerasTensor:
        """Return how many numbers lie below values of shape (rows, columns), or at them too."""
        found = ops.zeros_like(values, dtype="int32")
        step = self.width // 2
        while step:
            probe = self.at(found + (step - 1))
            passed = probe <= values if including else probe < values
            found = found + ops.cast(passed, "int32") * step
            step //= 2
        return ops.minimum(found, self.length)  # an infinite value passes the padding, too

    def at(self, places: keras.KerasTensor) -> keras.KerasTensor:
        """Return the numbers at places of shape (rows, columns)."""
        return ops.squeeze(self.layer(places + self.first), -1)


def category_of_text(texts: keras.KerasTensor, category: Category, name: str) -> keras.KerasTensor:
    """Return the codes of texts of shape (rows,); "" stands for a missing value."""
    lookup = keras.layers.StringLookup(
        vocabulary=["" if value is None else value for value in category.values],
        num_oov_indices=1,
        mask_token=None,
        name=name,
    )
    return ops.cast(lookup(texts), "int32")


def category_of_number(
    values: keras.KerasTensor, category: Category, name: str
) -> keras.KerasTensor:
    """Return the codes of numbers of shape (rows,), NaN for missing ones."""
    known = np.array([float(value) for value in category.known])
    first = category.codes - len(known)
    absent = ops.isnan(values)
    missing = ops.cast(absent, "int32") * (first - 1)  # 1 if training lacked some, else 0
    if not len(known):
        return missing
    table = Sorted(np.sort(known)[None], name=name)
    codes = keras.layers.Embedding(
        len(known), 1, dtype="float64", trainable=False, name=f"{name}_codes"
    )
    codes.build()
    codes.set_weights([(np.argsort(known, stable=True) + float(first)).reshape(-1, 1)])
    present = ops.expand_dims(ops.where(absent, 0.0, values), 1)
    place = ops.clip(table.count(present, including=True) - 1, 0, len(known) - 1)
    code = ops.cast(ops.squeeze(codes(ops.squeeze(place, 1)), -1), "int32")
    same = ops.squeeze(ops.equal(table.at(place), present), 1)
    return ops.where(absent, missing, code * ops.cast(same, "int32"))


def bucket(values: keras.KerasTensor, buckets: Buckets, name: str) -> keras.KerasTensor:
    """Return the codes of numbers of shape (rows,), NaN for missing ones."""
    absent = ops.isnan(values)
    if not buckets.edges:
        return ops.cast(absent, "int32") * (buckets.codes - 1)
    table = Sorted(np.array(buckets.edges)[None], name=name)
    present = ops.expand_dims(ops.where(absent, 0.0, values), 1)
    place = ops.squeeze(table.count(present, including=True), 1)
    return ops.where(absent, buckets.codes - 1, place)


def cross(codes: list[keras.KerasTensor], counts: list[int], crossed: Cross) -> keras.KerasTensor:
    """Return a code for each combination of codes of shape (rows,), of which there are `counts`."""
    combined = ops.cast(codes[0], "int64")
    for code, count in zip(codes[1:], counts[1:], strict=True):
        combined = combined * count + ops.cast(code, "int64")
    if crossed.combinations > crossed.size:
        combined = hashed(combined, crossed.size)
    return ops.cast(combined, "int32")


def hashed(values: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Hash whole numbers of at least 0 to as many codes.

    In int64, as Keras and ONNX do less with unsigned numbers: their bits are the same.
    """
    bits = ops.bitwise_xor(values, shifted(values, SHIFTS[0]))
    for factor, shift in zip(FACTORS, SHIFTS[1:], strict=True):
        bits = ops.multiply(bits, np.array([factor], np.uint64).astype(np.int64))
        bits = ops.bitwise_xor(bits, shifted(bits, shift))
    half = ops.mod(shifted(bits, 1), size)  # int64 would take the highest bit for a sign
    return ops.mod(half * 2 + ops.bitwise_and(bits, np.array([1])), size)


def shifted(bits: keras.KerasTensor, by: int) -> keras.KerasTensor:
    """Shift bits to the right, zeros following.

    Division brings the sign along instead, hence the second mask; and converters to ONNX have it
    round to zero, hence the first, behind which nothing is left to round.
    """
    divided = ops.floor_divide(ops.bitwise_and(bits, np.array([-(1 << by)])), np.array([1 << by]))
    return ops.bitwise_and(divided, np.array([(1 << 64 - by) - 1]))
