"""Multi-layer perceptron."""

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
    hidden_layer,
    output,
    rate_of,
)
from fathom.models.names import unwrap
from fathom.models.number_embeddings import Numbers


@validate_call(config=CHECKED)
def build(
    problem: Problem,
    units: Units,
    activation: Activation,
    kernel_initializer: Initializer,
    batch_normalization: bool,
    dropout: Rates,
    l2: Penalty,
    embedding: Embedding,
    numbers: Numbers,
) -> keras.Model:
    """Build dense layers, one after another.

    Args:
        problem: gives the inputs (images are flattened) and the output.
        units: width of each hidden layer.
        activation: of the hidden layers, by Keras' name.
        kernel_initializer: of the hidden layers, by Keras' name.
        batch_normalization: before each activation.
        dropout: rate behind each hidden layer (Srivastava et al. 2014); perhaps one for each task.
        l2: factor of the penalty on the squares of the hidden layers' weights.
        embedding: how many numbers each category becomes; auto: more for more categories.
        numbers: what the first layer is given of numbers beside their scaled values.
    """
    rate = rate_of(dropout, problem)
    given, x = embedded(problem, "features", "categories", embedding, numbers)
    for width in units:
        x = hidden_layer(x, width, activation, kernel_initializer, batch_normalization, l2)
        if rate:
            x = keras.layers.Dropout(rate)(x)
    return keras.Model(unwrap(given), output(x, problem, "main_output"), name="mlp")
