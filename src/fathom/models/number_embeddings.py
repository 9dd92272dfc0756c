"""What a network is given of numbers beside their scaled values."""

import math

import keras
import numpy as np
from keras import ops
from pydantic import PositiveFloat, PositiveInt

from fathom.models.names import layer_name
from fathom.settings.fields import Section


class Fourier(Section):
    """Waves across crossed numbers, as in `waves`: how many, and how fast they are."""

    frequencies: PositiveInt
    sigma: PositiveFloat


class Periodic(Section):
    """Waves of each number, as in `periodic`, from which come `width` numbers."""

    frequencies: PositiveInt
    sigma: PositiveFloat
    width: PositiveInt


class Numbers(Section):
    """What a network is given of numbers beside their scaled values; None: no such thing."""

    fourier: Fourier | None
    periodic: Periodic | None


def with_embedded(
    x: keras.KerasTensor, names: list[str], crosses: list[list[str]], how: Numbers
) -> keras.KerasTensor:
    """Put beside scaled numbers what is made of them.

    Args:
        x: of shape (rows, numbers).
        names: of the numbers.
        crosses: columns that tell something only together; those of numbers alone count.
        how: what is made of them.
    """
    parts = [x]
    if how.fourier is not None:
        crossed = [columns for columns in crosses if set(columns) <= set(names)]
        parts += [waves(x, names, columns, how.fourier) for columns in crossed]
    if how.periodic is not None:
        parts.append(periodic(x, how.periodic))
    return x if len(parts) == 1 else keras.layers.Concatenate()(parts)


def waves(
    x: keras.KerasTensor, names: list[str], columns: list[str], how: Fourier
) -> keras.KerasTensor:
    """Return sines and cosines along random directions of the space of a few numbers.

    A network learns late or never what changes within short distances, such as prices on a map;
    of such waves it is a sum (Tancik et al. 2020, arXiv 2006.10739). The directions, from
    N(0, sigma^2), stay as they are drawn.
    """
    angles = keras.layers.Dense(
        how.frequencies,
        use_bias=False,
        kernel_initializer=keras.initializers.RandomNormal(stddev=2 * math.pi * how.sigma),
        trainable=False,
        name=layer_name("fourier", "_x_".join(columns)),
    )(ops.take(x, np.array([names.index(column) for column in columns]), axis=1))
    return keras.layers.Concatenate()([ops.sin(angles), ops.cos(angles)])


def periodic(x: keras.KerasTensor, how: Periodic) -> keras.KerasTensor:
    """Return an embedding of each number: sines and cosines of learned frequencies, which begin
    from N(0, sigma^2), through a dense layer of the number's own (PLR of Gorishniy et al. 2022,
    arXiv 2203.05556).
    """
    angles = keras.layers.EinsumDense(
        "bn,nf->bnf",
        (x.shape[1], how.frequencies),
        kernel_initializer=keras.initializers.RandomNormal(stddev=2 * math.pi * how.sigma),
    )(x)
    turned = keras.layers.Concatenate()([ops.sin(angles), ops.cos(angles)])
    embedded = keras.layers.EinsumDense(
        "bnv,nvw->bnw",
        (x.shape[1], how.width),
        activation="relu",
        bias_axes="nw",
        kernel_initializer=keras.initializers.RandomNormal(stddev=how.frequencies**-0.5),
    )(turned)
    return keras.layers.Flatten()(embedded)
