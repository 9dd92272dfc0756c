"""Preprocessing as Keras operations that every backend and ONNX support: codes of categories,
buckets and crosses, and scalers in float64.
"""

import keras
import numpy as np
from keras import ops
from numpy.typing import NDArray

from fathom.artifacts.scalers import Scaler
from fathom.scale.column_encoders import Buckets, Category, Cross, Ordinal

# The finalizer of SplitMix64 (Steele et al. 2014), as pandas hashes integers.
SHIFTS = (30, 27, 31)
FACTORS = (0xBF58476D1CE4E5B9, 0x94D049BB133111EB)

# Of scikit-learn's QuantileTransformer: values so close to a bound are at it, and results are
# clipped so far from 0.
BOUND_TOLERANCE = 1e-7
LIMIT = 5.199337582605575

# A search divides an interval into four parts five times instead of halving it ten times: the time
# of few rows follows the number of operations.
PART_BITS = 2

# Wichura 1988, Algorithm AS 241, PPND16 (Applied Statistics 37, 477-484): the quantiles of the
# normal distribution to about 16 digits, lowest power first. Its third pair of polynomials, for
# probabilities below exp(-25), is not needed.
CENTRAL = (
    (
        3.3871328727963666080e0, 1.3314166789178437745e2, 1.9715909503065514427e3,
        1.3731693765509461125e4, 4.5921953931549871457e4, 6.7265770927008700853e4,
        3.3430575583588128105e4, 2.5090809287301226727e3,
    ),
    (
        1.0, 4.2313330701600911252e1, 6.8718700749205790830e2, 5.3941960214247511077e3,
        2.1213794301586595867e4, 3.9307895800092710610e4, 2.8729085735721942674e4,
        5.2264952788528545610e3,
    ),
)  # fmt: skip
TAIL = (
    (
        1.42343711074968357734e0, 4.63033784615654529590e0, 5.76949722146069140550e0,
        3.64784832476320460504e0, 1.27045825245236838258e0, 2.41780725177450611770e-1,
        2.27238449892691845833e-2, 7.74545014278341407640e-4,
    ),
    (
        1.0, 2.05319162663775882187e0, 1.67638483018380384940e0, 6.89767334985100004550e-1,
        1.48103976427480074590e-1, 1.51986665636164571966e-2, 5.47593808499534494600e-4,
        1.05075007164441684324e-9,
    ),
)  # fmt: skip


class SortedTable:
    """Sorted numbers of several columns, of shape (columns, n), for a search by parts.

    They are weights of a layer: Keras would write a constant into the model's configuration once
    for each operation that uses it.
    """

    def __init__(self, columns: NDArray[np.float64], name: str) -> None:
        count, self.length = columns.shape
        self.bits = self.length.bit_length()  # with room for one number at the end
        width = 1 << self.bits
        padded = np.pad(columns, ((0, 0), (0, width - self.length)), constant_values=np.inf)
        self.table = keras.layers.Embedding(
            padded.size, 1, dtype="float64", trainable=False, name=name
        )
        self.table.build()
        self.table.set_weights([padded.reshape(-1, 1)])
        self.first = np.arange(count, dtype=np.int32) * width

    def count(self, values: keras.KerasTensor, including: bool) -> keras.KerasTensor:
        """Return how many numbers are below values of shape (rows, columns), or equal to them."""
        places, bits = ops.zeros_like(values, dtype="int32"), self.bits
        compared = ops.expand_dims(values, -1)
        while bits:
            parts = 1 << min(bits, PART_BITS)
            step = (1 << bits) // parts
            ends = np.arange(1, parts, dtype=np.int32) * step - 1  # the last number of each part
            numbers = self.look_up(ops.expand_dims(places, -1) + (self.first[:, None] + ends))
            passed = numbers <= compared if including else numbers < compared
            places = places + ops.sum(ops.cast(passed, "int32"), -1) * step
            bits -= parts.bit_length() - 1
        return ops.minimum(places, self.length)  # infinite values pass the padding, too

    def take(self, places: keras.KerasTensor) -> keras.KerasTensor:
        """Return the numbers at places of shape (rows, columns)."""
        return self.look_up(places + self.first)

    def look_up(self, positions: keras.KerasTensor) -> keras.KerasTensor:
        return ops.squeeze(self.table(positions), -1)


def text_codes(texts: keras.KerasTensor, category: Category, name: str) -> keras.KerasTensor:
    """Return the codes of texts of shape (rows,), "" if missing."""
    known = ["" if value is None else value for value in category.values]
    return ops.cast(look_up(texts, known, name), "int32")


def text_ranks(texts: keras.KerasTensor, ordinal: Ordinal, name: str) -> keras.KerasTensor:
    """Return the ranks of texts of shape (rows,) in float64, NaN for those not in the order."""
    codes = ops.cast(look_up(texts, ordinal.order, name), "float64")
    return ops.where(codes > 0.0, codes - 1.0, np.nan)


def look_up(texts: keras.KerasTensor, known: list[str], name: str) -> keras.KerasTensor:
    """Return the positions of texts, counted from 1; 0 for those that are not known."""
    lookup = keras.layers.StringLookup(
        vocabulary=known, num_oov_indices=1, mask_token=None, name=name
    )
    return lookup(texts)


def number_codes(values: keras.KerasTensor, category: Category, name: str) -> keras.KerasTensor:
    """Return the codes of a category's numbers of shape (rows,), NaN if missing."""
    known = np.array([float(value) for value in category.known], np.float32).astype(np.float64)
    first = category.codes - len(known)
    missing = ops.isnan(values)
    code_of_missing = ops.cast(missing, "int32") * (first - 1)  # 1 if in training, else 0
    if not len(known):
        return code_of_missing
    table = SortedTable(known[None], name=name)
    present = ops.expand_dims(ops.where(missing, 0.0, values), 1)
    place = ops.clip(table.count(present, including=True) - 1, 0, len(known) - 1)
    code = ops.where(ops.equal(table.take(place), present), place + first, 0)
    return ops.where(missing, code_of_missing, ops.squeeze(code, 1))


def bucket_codes(values: keras.KerasTensor, buckets: Buckets, name: str) -> keras.KerasTensor:
    """Return the codes of numbers of shape (rows,), NaN if missing."""
    missing = ops.isnan(values)
    table = SortedTable(np.array(buckets.edges)[None], name=name)
    present = ops.expand_dims(ops.where(missing, 0.0, values), 1)
    code = ops.squeeze(table.count(present, including=True), 1)
    return ops.where(missing, buckets.codes - 1, code)


def cross_codes(
    cross: Cross, codes: list[keras.KerasTensor], counts: list[int]
) -> keras.KerasTensor:
    """Return the codes of a cross from those of its columns, of shape (rows,)."""
    combined = ops.cast(codes[0], "int64")
    for code, count in zip(codes[1:], counts[1:], strict=True):
        combined = combined * count + ops.cast(code, "int64")
    if cross.combinations > cross.size:
        combined = hash_codes(combined, cross.size)
    return ops.cast(combined, "int32")


def hash_codes(codes: keras.KerasTensor, size: int) -> keras.KerasTensor:
    """Hash integers of at least 0 to `size` codes, with the bits of unsigned ones in int64."""
    bits = ops.bitwise_xor(codes, shift_right(codes, SHIFTS[0]))
    for factor, shift in zip(FACTORS, SHIFTS[1:], strict=True):
        bits = ops.multiply(bits, np.array([factor], np.uint64).astype(np.int64))
        bits = ops.bitwise_xor(bits, shift_right(bits, shift))
    half = ops.mod(shift_right(bits, 1), size)  # in int64 the highest bit is the sign
    return ops.mod(half * 2 + ops.bitwise_and(bits, np.array([1])), size)


def shift_right(bits: keras.KerasTensor, by: int) -> keras.KerasTensor:
    """Shift bits to the right by a division: the first mask leaves it nothing to round, the second
    removes the sign.
    """
    divided = ops.floor_divide(ops.bitwise_and(bits, np.array([-(1 << by)])), np.array([1 << by]))
    return ops.bitwise_and(divided, np.array([(1 << 64 - by) - 1]))


def scale(values: keras.KerasTensor, scaler: Scaler) -> keras.KerasTensor:
    """Do as `Scaler.transform` with values of shape (rows, columns) in float64."""
    if scaler.method == "none":
        return values
    divisor = np.asarray(scaler.scale)
    varying = divisor != 0
    if scaler.quantiles is not None:
        scaled = quantile_transform(values, np.asarray(scaler.quantiles))
    else:
        scaled = (values - np.asarray(scaler.center)) / np.where(varying, divisor, 1.0)
    if scaler.clip is not None:
        scaled = ops.clip(scaled, -scaler.clip, scaler.clip)
    return scaled if varying.all() else scaled * varying.astype(np.float64)


def quantile_transform(values: keras.KerasTensor, quantiles: np.ndarray) -> keras.KerasTensor:
    """Map values to the standard normal distribution by quantiles of shape (columns, n)."""
    last = quantiles.shape[1] - 1
    table = SortedTable(quantiles, name="scaling.quantiles")

    def interpolate(including: bool) -> keras.KerasTensor:
        """Return the position of values among the quantiles, a number from 0 to `last`."""
        place = ops.clip(table.count(values, including) - 1, 0, max(last - 1, 0))
        low, high = table.take(place), table.take(place + min(last, 1))
        step = high - low
        fraction = (values - low) / ops.where(step > 0, step, 1.0)
        return ops.cast(place, "float64") + ops.clip(fraction, 0.0, 1.0)

    # A value that equals several quantiles is in the middle of them.
    probability = (interpolate(including=True) + interpolate(including=False)) / 2 / max(last, 1)
    probability = ops.where(values - BOUND_TOLERANCE < quantiles[:, 0], 0.0, probability)
    probability = ops.where(values + BOUND_TOLERANCE > quantiles[:, -1], 1.0, probability)
    return ops.clip(normal_quantile(ops.clip(probability, 1e-9, 1 - 1e-9)), -LIMIT, LIMIT)


def normal_quantile(probability: keras.KerasTensor) -> keras.KerasTensor:
    """Return quantiles of the standard normal distribution, for 1e-10 < p < 1 - 1e-10."""
    centered = probability - 0.5
    central = centered * polynomial_ratio(0.180625 - centered * centered, CENTRAL)
    smaller = ops.minimum(probability, 1.0 - probability)
    tail = polynomial_ratio(ops.sqrt(-ops.log(smaller)) - 1.6, TAIL)
    return ops.where(ops.abs(centered) <= 0.425, central, ops.sign(centered) * tail)


def polynomial_ratio(
    x: keras.KerasTensor, coefficients: tuple[tuple[float, ...], tuple[float, ...]]
) -> keras.KerasTensor:
    """Divide two polynomials at x, each by Horner's rule."""
    numerator, denominator = coefficients
    top, bottom = x * numerator[-1] + numerator[-2], x * denominator[-1] + denominator[-2]
    for above, below in zip(numerator[-3::-1], denominator[-3::-1], strict=True):
        top, bottom = top * x + above, bottom * x + below
    return top / bottom
