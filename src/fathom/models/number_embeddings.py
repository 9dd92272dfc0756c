"""Features that a network makes of numbers, beside their scaled values."""

import math

import keras
import numpy as np
from keras import ops
from pydantic import PositiveFloat, PositiveInt

from fathom.models.names import layer_name
from fathom.settings.fields import Section


class Fourier(Section):
    """Settings of `fourier_features`."""

    frequencies: PositiveInt
    sigma: PositiveFloat


class Periodic(Section):
    """Settings of `periodic_embedding`; each number becomes `width` numbers."""

    frequencies: PositiveInt
    sigma: PositiveFloat
    width: PositiveInt


class NumberEmbeddings(Section):
    """Settings of the features of numbers; None: no such features."""

    fourier: Fourier | None
    periodic: Periodic | None


def embed_numbers(
    x: keras.KerasTensor, names: list[str], crosses: list[list[str]], settings: NumberEmbeddings
) -> keras.KerasTensor:
    """Return scaled numbers and the features made of them, concatenated.

    Args:
        x: of shape (rows, numbers).
        names: of the numbers.
        crosses: the columns of each cross; only crosses of these numbers get Fourier features.
        settings: which features are made.
    """
    features = [x]
    if settings.fourier is not None:
        for columns in crosses:
            if set(columns) <= set(names):
                features.append(fourier_features(x, names, columns, settings.fourier))
    if settings.periodic is not None:
        features.append(periodic_embedding(x, settings.periodic))
    return x if len(features) == 1 else keras.layers.Concatenate()(features)


def fourier_features(
    x: keras.KerasTensor, names: list[str], columns: list[str], settings: Fourier
) -> keras.KerasTensor:
    """Return sines and cosines along random directions in the space of a few numbers.

    They let a network learn functions that change within short distances, such as prices on a map
    (Tancik et al. 2020, arXiv 2006.10739). The directions are drawn from N(0, sigma^2) and not
    trained.
    """
    angles = keras.layers.Dense(
        settings.frequencies,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=2 * math.pi * settings.sigma),
        trainable=False,
        name=layer_name("fourier", "_x_".join(columns)),
    )(ops.take(x, np.array([names.index(column) for column in columns]), axis=1))
    return keras.layers.Concatenate()([ops.sin(angles), ops.cos(angles)])


def periodic_embedding(x: keras.KerasTensor, settings: Periodic) -> keras.KerasTensor:
    """Return an embedding of each number: sines and cosines of trained frequencies, initialized
    from N(0, sigma^2), through a dense layer for each number (PLR of Gorishniy et al. 2022,
    arXiv 2203.05556).
    """
    angles = keras.layers.EinsumDense(
        "bn,nf->bnf",
        (x.shape[1], settings.frequencies),
        kernel_initializer=keras.initializers.RandomNormal(stddev=2 * math.pi * settings.sigma),
    )(x)
    waves = keras.layers.Concatenate()([ops.sin(angles), ops.cos(angles)])
    embedded = keras.layers.EinsumDense(
        "bnv,nvw->bnw",
        (x.shape[1], settings.width),
        activation="relu",
        bias_axes="nw",
        kernel_initializer=keras.initializers.RandomNormal(stddev=settings.frequencies**-0.5),
    )(waves)
    return keras.layers.Flatten()(embedded)
