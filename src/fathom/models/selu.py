"""Deep self-normalising network, and the same with ReLU and batch normalisation to compare."""

import keras
from pydantic import NonNegativeInt, PositiveInt, validate_call

from fathom.artifacts.problem import Problem
from fathom.models.layers import (
    CHECKED,
    Activation,
    Embedding,
    Initializer,
    Rates,
    embedded,
    hidden_layer,
    output,
    rate_of,
)
from fathom.models.names import unwrap
from fathom.models.number_embeddings import Numbers


@validate_call(config=CHECKED)
def build(
    problem: Problem,
    depth: PositiveInt,
    width: PositiveInt,
    activation: Activation,
    kernel_initializer: Initializer,
    batch_normalization: bool,
    dropout: Rates,
    dropout_layers: NonNegativeInt,
    embedding: Embedding,
    numbers: Numbers,
) -> keras.Model:
    """Build many hidden layers of one width.

    With SELU, LeCun-normal weights and z-scored features the activations keep mean 0 and
    variance 1 from layer to layer (Klambauer et al. 2017, arXiv 1706.02515). AlphaDropout keeps
    both; it stands on the last hidden layers only, as in Géron's book, chapter 11.

    Args:
        problem: gives the inputs (images are flattened) and the output.
        depth: number of hidden layers.
        width: units of each.
        activation: by Keras' name.
        kernel_initializer: by Keras' name.
        batch_normalization: before each activation; not with SELU, which normalises itself.
        dropout: rate of AlphaDropout, or of Dropout if the activation is not SELU; perhaps one
            for each task.
        dropout_layers: how many of the last hidden layers it stands behind.
        embedding: how many numbers each category becomes; auto: more for more categories.
        numbers: what the first layer is given of numbers beside their scaled values.
    """
    drop = keras.layers.AlphaDropout if activation == "selu" else keras.layers.Dropout
    rate = rate_of(dropout, problem)
    given, x = embedded(problem, "features", "categories", embedding, numbers)
    for index in range(depth):
        x = hidden_layer(x, width, activation, kernel_initializer, batch_normalization)
        if rate and index >= depth - dropout_layers:
            x = drop(rate)(x)
    return keras.Model(unwrap(given), output(x, problem, "main_output"), name="selu")
