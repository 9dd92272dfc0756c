"""Multi-layer perceptron, deep self-normalizing ones included."""

import keras
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt, validate_call

from fathom.artifacts.problem import Problem
from fathom.models.layers import (
    CHECKED,
    Activation,
    Embedding,
    HiddenLayers,
    Initializer,
    Rates,
    Units,
    embedded_inputs,
    hidden_layers,
    output_layer,
)
from fathom.models.names import unwrap
from fathom.models.number_embeddings import NumberEmbeddings


@validate_call(config=CHECKED)
def build(
    problem: Problem,
    activation: Activation,
    kernel_initializer: Initializer,
    batch_normalization: bool,
    dropout: Rates,
    embedding: Embedding,
    numbers: NumberEmbeddings,
    units: Units | None = None,
    depth: PositiveInt | None = None,
    width: PositiveInt | None = None,
    dropout_layers: NonNegativeInt | None = None,
    l2: NonNegativeFloat = 0.0,
) -> keras.Model:
    """Build a sequence of dense layers over flattened images or a table.

    With the activation SELU, LeCun-normal weights and z-scored features, activations keep mean 0
    and variance 1 from layer to layer (Klambauer et al. 2017, arXiv 1706.02515).

    Args:
        problem: gives the inputs and the output.
        units: width of each hidden layer, or else:
        depth: number of hidden layers, all of one `width`.
        width: units of each of them.
        dropout_layers: number of last hidden layers with dropout; None: all.

    The other arguments are those of `HiddenLayers`.

    Raises:
        ValueError: neither `units` nor `depth` and `width` are given, or both.
    """
    name = "mlp"
    if units is None and depth is not None and width is not None:
        units, name = [width] * depth, "selu"
    elif units is None or depth is not None or width is not None:
        raise ValueError("set either units, or depth and width")
    # The arguments are valid. To validate an initializer again would draw another random seed.
    settings = HiddenLayers.model_construct(
        units=units,
        activation=activation,
        kernel_initializer=kernel_initializer,
        batch_normalization=batch_normalization,
        dropout=dropout,
        l2=l2,
        embedding=embedding,
        numbers=numbers,
    )
    inputs, x = embedded_inputs(problem, "features", "categories", settings)
    x = hidden_layers(x, problem, settings, dropout_layers)
    return keras.Model(unwrap(inputs), output_layer(x, problem, "main_output"), name=name)
