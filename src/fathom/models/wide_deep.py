"""Wide & Deep network with an auxiliary output, and each of its paths alone."""

import math

import keras
from pydantic import validate_call

from fathom.artifacts.problem import Problem
from fathom.models.layers import (
    CHECKED,
    Activation,
    Embedding,
    Initializer,
    Penalty,
    Rates,
    Units,
    embedded,
    features,
    hidden_layer,
    output,
    output_activation,
    rate_of,
)
from fathom.models.names import unwrap
from fathom.models.number_embeddings import Numbers
from fathom.settings.fields import Section


class Deep(Section):
    """Settings of the deep path, as in `fathom.models.mlp.build`."""

    units: Units
    activation: Activation
    kernel_initializer: Initializer
    batch_normalization: bool
    dropout: Rates
    l2: Penalty
    embedding: Embedding
    numbers: Numbers


@validate_call(config=CHECKED)
def build(problem: Problem, wide: bool, deep: Deep | None, auxiliary: bool) -> keras.Model:
    """Build a linear path and a deep path, the sum of which is the main output.

    The wide path learns by heart: `wide_input`, numbers or images, through a linear layer, and
    `wide_sparse`, one-hot categories, buckets and crosses, as a lookup of one weight each. The
    deep path generalises: `deep_input` and the embedded `deep_categories` through dense layers
    (Cheng et al. 2016, arXiv 1606.07792). An auxiliary output on the deep path makes that useful
    on its own (Géron's book, chapter 10). The wide path's layers are called `wide…`.

    Args:
        problem: gives the features of both paths and what both outputs predict.
        wide: whether there is a wide path.
        deep: the dense layers of the deep path; None: there is none.
        auxiliary: whether there is an `aux_output`; it needs a deep path.

    Raises:
        ValueError: there would be no path.
    """
    if not wide and deep is None:
        raise ValueError("wide and deep: one of them must be there")
    inputs: list[keras.KerasTensor] = []
    sums: list[keras.KerasTensor] = []
    outputs: list[keras.KerasTensor] = []
    if wide:
        given, sums = wide_path(problem, use_bias=deep is None)
        inputs += given
    if deep is not None:
        given, x = deep_path(problem, deep)
        inputs += given
        sums.append(keras.layers.Dense(problem.main.units, name="deep_linear")(x))
        if auxiliary:
            outputs.append(output(x, problem, "aux_output"))
    total = sums[0] if len(sums) == 1 else keras.layers.Add()(sums)
    main = keras.layers.Activation(output_activation(problem.main), name="main_output")(total)
    return keras.Model(unwrap(inputs), unwrap([main, *outputs]), name="wide_deep")


def wide_path(
    problem: Problem, use_bias: bool
) -> tuple[list[keras.KerasTensor], list[keras.KerasTensor]]:
    """Return the inputs of the wide path, and what each of them adds to the main output."""
    inputs, sums = [], []
    if math.prod(problem.shape_of("wide_input")):
        given, x = features(problem, "wide_input")
        linear = keras.layers.Dense(
            problem.main.units, use_bias=use_bias, kernel_initializer="zeros", name="wide_linear"
        )
        inputs.append(given)
        sums.append(linear(x))
    if problem.sparse:
        given = keras.Input(problem.shape_of("wide_sparse"), dtype="int32", name="wide_sparse")
        weights = keras.layers.Embedding(
            sum(problem.sparse.values()),
            problem.main.units,
            embeddings_initializer="zeros",
            name="wide_lookup",
        )
        inputs.append(given)
        sums.append(keras.ops.sum(weights(given), axis=1))
    return inputs, sums


def deep_path(problem: Problem, deep: Deep) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Return the inputs of the deep path, and its last hidden layer."""
    rate = rate_of(deep.dropout, problem)
    inputs, x = embedded(problem, "deep_input", "deep_categories", deep.embedding, deep.numbers)
    for width in deep.units:
        x = hidden_layer(
            x, width, deep.activation, deep.kernel_initializer, deep.batch_normalization, deep.l2
        )
        if rate:
            x = keras.layers.Dropout(rate)(x)
    return inputs, x
