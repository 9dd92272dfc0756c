"""Scalers as Keras operations in float64 that every backend and ONNX support."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from fathom.artifacts.scalers import Scaler
from fathom.export.lookups import SortedTable

# Of scikit-learn's QuantileTransformer: values so close to a bound are at it, and results are
# clipped so far from 0.
BOUND_TOLERANCE = 1e-7
LIMIT = 5.199337582605575

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


def unscale(values: keras.KerasTensor, scaler: Scaler) -> keras.KerasTensor:
    """Do as `Scaler.inverse` with values of shape (rows, 1), in float64."""
    values = ops.cast(values, "float64")
    if scaler.method == "none":
        return values
    (factor,), (center,) = np.asarray(scaler.scale), np.asarray(scaler.center)
    return values * float(factor) + float(center)


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
    """Return the ratio of two polynomials at x, each by Horner's rule."""
    numerator, denominator = coefficients
    top, bottom = x * numerator[-1] + numerator[-2], x * denominator[-1] + denominator[-2]
    for above, below in zip(numerator[-3::-1], denominator[-3::-1], strict=True):
        top, bottom = top * x + above, bottom * x + below
    return top / bottom
