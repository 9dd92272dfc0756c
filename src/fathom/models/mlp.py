"""Multi-layer perceptron."""

import keras
from pydantic import validate_call

from fathom.data.schema import Problem
from fathom.models.layers import (
    CHECKED,
    Activation,
    Initializer,
    Penalty,
    Rate,
    Units,
    features,
    hidden_layer,
    output,
)


@validate_call(config=CHECKED)
def build(
    problem: Problem,
    units: Units,
    activation: Activation,
    kernel_initializer: Initializer,
    batch_normalization: bool,
    dropout: Rate,
    l2: Penalty,
) -> keras.Model:
    """Build dense layers, one after another.

    Args:
        problem: gives the shape of the input (images are flattened) and the output.
        units: width of each hidden layer.
        activation: of the hidden layers, by Keras' name.
        kernel_initializer: of the hidden layers, by Keras' name.
        batch_normalization: before each activation.
        dropout: rate behind each hidden layer (Srivastava et al. 2014).
        l2: factor of the penalty on the squares of the hidden layers' weights.
    """
    given, x = features(problem, "features")
    for width in units:
        x = hidden_layer(x, width, activation, kernel_initializer, batch_normalization, l2)
        if dropout:
            x = keras.layers.Dropout(dropout)(x)
    return keras.Model(given, output(x, problem, "main_output"), name="mlp")
