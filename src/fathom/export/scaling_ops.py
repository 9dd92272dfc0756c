"""Scalers of numbers as operations of Keras, in float64, that any backend and ONNX can do."""

from __future__ import annotations

import keras
import numpy as np
from keras import ops

from fathom.artifacts.scalers import Scaler
from fathom.export.lookups import Sorted

# As scikit-learn's QuantileTransformer: so close to a bound is at it, and so far the normal
# distribution goes.
AT_BOUND = 1e-7
FARTHEST = 5.199337582605575

# Wichura 1988, Algorithm AS 241, PPND16 (Applied Statistics 37, 477-484): the quantiles of the
# normal distribution to about 16 digits, lowest power first. Its third pair is for probabilities
# below exp(-25), which are cut before.
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


def scaled(values: keras.KerasTensor, scaler: Scaler) -> keras.KerasTensor:
    """Return what `Scaler.transform` returns, of values of shape (rows, columns) in float64."""
    if scaler.method == "none":
        return values
    scale = np.asarray(scaler.scale)
    varying = scale != 0
    if scaler.quantiles is not None:
        result = to_normal(values, np.asarray(scaler.quantiles))
    else:
        result = (values - np.asarray(scaler.center)) / np.where(varying, scale, 1.0)
    if scaler.clip is not None:
        result = ops.clip(result, -scaler.clip, scaler.clip)
    return result if varying.all() else result * varying.astype(np.float64)


def unscaled(values: keras.KerasTensor, scaler: Scaler) -> keras.KerasTensor:
    """Return what `Scaler.inverse` returns, of values of shape (rows, 1), in float64."""
    values = ops.cast(values, "float64")
    if scaler.method == "none":
        return values
    (scale,), (center,) = np.asarray(scaler.scale), np.asarray(scaler.center)
    return values * float(scale) + float(center)


def to_normal(values: keras.KerasTensor, quantiles: np.ndarray) -> keras.KerasTensor:
    """Map values to the standard normal distribution through quantiles of shape (columns, n)."""
    last = quantiles.shape[1] - 1
    table = Sorted(quantiles, name="scaling.quantiles")
    # A value that several quantiles have stands in the middle of them: hence twice.
    upper = table.count(values, including=True)
    lower = table.count(values, including=False)
    share = (
        rank(values, table, ops.clip(upper - 1, 0, max(last - 1, 0)), last)
        + rank(values, table, ops.clip(lower - 1, 0, max(last - 1, 0)), last)
    ) / 2
    share = ops.where(values - AT_BOUND < quantiles[:, 0], 0.0, share / max(last, 1))
    share = ops.where(values + AT_BOUND > quantiles[:, -1], 1.0, share)
    return ops.clip(normal_quantile(ops.clip(share, 1e-9, 1 - 1e-9)), -FARTHEST, FARTHEST)


def rank(
    values: keras.KerasTensor, table: Sorted, below: keras.KerasTensor, last: int
) -> keras.KerasTensor:
    """Return between which quantiles values lie, as a number from 0 to `last`: by a straight line
    from the one of number `below` to the next.
    """
    low, high = table.at(below), table.at(below + min(last, 1))
    step = high - low
    way = (values - low) / ops.where(step > 0, step, 1.0)
    return ops.cast(below, "float64") + ops.clip(way, 0.0, 1.0)


def normal_quantile(probability: keras.KerasTensor) -> keras.KerasTensor:
    """Return the quantiles of the standard normal distribution at probabilities within 1e-10 and
    1 - 1e-10.
    """
    centred = probability - 0.5
    central = centred * ratio(0.180625 - centred * centred, CENTRAL)
    smaller = ops.minimum(probability, 1.0 - probability)
    tail = ratio(ops.sqrt(-ops.log(smaller)) - 1.6, TAIL)
    return ops.where(ops.abs(centred) <= 0.425, central, ops.sign(centred) * tail)


def ratio(
    x: keras.KerasTensor, polynomials: tuple[tuple[float, ...], tuple[float, ...]]
) -> keras.KerasTensor:
    """Return the ratio of two polynomials at x, by Horner's rule."""
    above, below = (polynomial(x, coefficients) for coefficients in polynomials)
    return above / below


def polynomial(x: keras.KerasTensor, coefficients: tuple[float, ...]) -> keras.KerasTensor:
    value = x * coefficients[-1] + coefficients[-2]
    for coefficient in coefficients[-3::-1]:
        value = value * x + coefficient
    return value
