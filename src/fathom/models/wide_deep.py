"""Wide & Deep network with an auxiliary output, and each of its paths alone."""

import math

import keras
from pydantic import validate_call

from fathom.artifacts.problem import Problem
from fathom.models import layers
from fathom.models.names import unwrap


@validate_call(config=layers.CHECKED)
def build(
    problem: Problem, wide: bool, deep: layers.HiddenLayers | None, auxiliary: bool
) -> keras.Model:
    """Build a linear path and a deep path, whose sum is the main output.

    The wide path memorizes: `wide_input`, numbers or images, through a linear layer, and
    `wide_sparse`, one-hot categories, buckets and crosses, as a lookup of one weight each. The
    deep path generalizes: `deep_input` and the embedded `deep_categories` through dense layers
    (Cheng et al. 2016, arXiv 1606.07792). An auxiliary output on the deep path makes it useful on
    its own (Géron's book, chapter 10). Names of the wide path's layers begin with `wide`.

    Raises:
        ValueError: there is no path.
    """
    if not wide and deep is None:
        raise ValueError("set wide to true, or the settings of deep: a network needs a path")
    inputs: list[keras.KerasTensor] = []
    terms: list[keras.KerasTensor] = []
    outputs: list[keras.KerasTensor] = []
    if wide:
        inputs, terms = wide_path(problem, use_bias=deep is None)
    if deep is not None:
        deep_inputs, x = layers.embedded_inputs(problem, "deep_input", "deep_categories", deep)
        x = layers.hidden_layers(x, problem, deep)
        inputs += deep_inputs
        terms.append(keras.layers.Dense(problem.main.units, name="deep_linear")(x))
        if auxiliary:
            outputs.append(layers.output_layer(x, problem, "aux_output"))
    total = terms[0] if len(terms) == 1 else keras.layers.Add()(terms)
    activation = layers.output_activation(problem.main)
    main = keras.layers.Activation(activation, name="main_output")(total)
    return keras.Model(unwrap(inputs), unwrap([main, *outputs]), name="wide_deep")


def wide_path(
    problem: Problem, use_bias: bool
) -> tuple[list[keras.KerasTensor], list[keras.KerasTensor]]:
    """Return the inputs of the wide path, and the term that each adds to the main output."""
    inputs, terms = [], []
    if math.prod(problem.shape_of("wide_input")):
        tensor, x = layers.number_input(problem, "wide_input")
        linear = keras.layers.Dense(
            problem.main.units, use_bias=use_bias, kernel_initializer="zeros", name="wide_linear"
        )
        inputs.append(tensor)
        terms.append(linear(x))
    if problem.sparse:
        tensor = keras.Input(problem.shape_of("wide_sparse"), dtype="int32", name="wide_sparse")
        weights = keras.layers.Embedding(
            sum(problem.sparse.values()),
            problem.main.units,
            embeddings_initializer="zeros",
            name="wide_lookup",
        )
        inputs.append(tensor)
        terms.append(keras.ops.sum(weights(tensor), axis=1))
    return inputs, terms
