"""Features of numbers: piecewise-linear encoding, and waves of one number or of several."""

import math

import keras
import numpy as np
from keras import ops
from pydantic import PositiveFloat, PositiveInt

from fathom.artifacts.problem import Problem
from fathom.models.names import layer_name
from fathom.settings.fields import Section


class Fourier(Section):
    """Settings of `fourier_features`."""

    frequencies: PositiveInt
    sigma: PositiveFloat


class Periodic(Fourier):
    """Settings of `periodic_embedding`; each number becomes `width` numbers."""

    width: PositiveInt


class Piecewise(Section):
    """Settings of `piecewise_embedding`; each number becomes `width` numbers."""

    width: PositiveInt


class NumberEmbeddings(Section):
    """Settings of the features of numbers; None: no such features."""

    piecewise: Piecewise | None = None
    fourier: Fourier | None
    periodic: Periodic | None


def embed_numbers(
    x: keras.KerasTensor, names: list[str], problem: Problem, settings: NumberEmbeddings
) -> keras.KerasTensor:
    """Return scaled numbers x, of shape (rows, numbers), and the features made of them.

    Numbers with Fourier features have no bins: both together predict worse.
    """
    features, waves = [x], set[str]()
    if settings.fourier is not None:
        for columns in (cross for cross in problem.crosses if set(cross) <= set(names)):
            features.append(fourier_features(x, names, columns, settings.fourier))
            waves.update(columns)
    if settings.periodic is not None:
        features.append(periodic_embedding(x, settings.periodic))
    if settings.piecewise is not None:
        edges = {n: problem.edges[n] for n in names if problem.edges.get(n) and n not in waves}
        if edges:
            features.append(piecewise_embedding(x, names, edges, settings.piecewise))
    return x if len(features) == 1 else keras.layers.Concatenate()(features)


def piecewise_embedding(
    x: keras.KerasTensor, names: list[str], edges: dict[str, list[float]], settings: Piecewise
) -> keras.KerasTensor:
    """Return an embedding of each number with edges: the part of each of its bins that lies below
    the number, through a linear layer for each number (Gorishniy et al. 2022, arXiv 2203.05556).
    """
    bins = max(map(len, edges.values())) - 1
    kernel, bias = np.zeros((2, len(edges), bins), np.float32)
    for row, values in enumerate(edges.values()):
        widths = np.diff(values)
        kernel[row, : len(widths)] = 1 / widths
        bias[row, : len(widths)] = -np.array(values[:-1]) / widths
    parts = keras.layers.EinsumDense(
        "bn,nt->bnt", (len(edges), bins), bias_axes="nt", trainable=False, name="piecewise"
    )
    numbers = ops.take(x, np.array([names.index(name) for name in edges]), axis=1)
    filled = keras.layers.ReLU(max_value=1.0)(parts(numbers))
    parts.set_weights([kernel, bias])
    embedded = keras.layers.EinsumDense(
        "bnt,ntw->bnw",
        (len(edges), settings.width),
        bias_axes="nw",
        kernel_initializer=keras.initializers.RandomNormal(stddev=bins**-0.5),
        name="piecewise_embedding",
    )(filled)
    return keras.layers.Flatten()(embedded)


def fourier_features(
    x: keras.KerasTensor, names: list[str], columns: list[str], settings: Fourier
) -> keras.KerasTensor:
    """Return sines and cosines along random directions in the space of a few numbers.

    They let a network learn functions that change within short distances (Tancik et al. 2020,
    arXiv 2006.10739). The directions are drawn from N(0, sigma^2) and not trained.
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
