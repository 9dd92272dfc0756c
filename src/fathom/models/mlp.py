"""Multi-layer perceptron, deep self-normalizing ones included."""

import keras
from pydantic import NonNegativeFloat, NonNegativeInt, PositiveInt, validate_call

from fathom.artifacts.problem import Problem
from fathom.models import layers
from fathom.models.augmentation import Augmentation
from fathom.models.names import unwrap
from fathom.models.numbers import NumberEmbeddings


@validate_call(config=layers.CHECKED)
def build(
    problem: Problem,
    activation: layers.Activation,
    kernel_initializer: layers.Initializer,
    batch_normalization: bool,
    dropout: layers.Rates,
    embedding: layers.Embedding,
    numbers: NumberEmbeddings,
    units: layers.AutoUnits | None = None,
    depth: PositiveInt | None = None,
    width: PositiveInt | None = None,
    dropout_layers: NonNegativeInt | None = None,
    l2: NonNegativeFloat = 0.0,
    augmentation: Augmentation | None = None,
) -> keras.Model:
    """Build a sequence of dense layers over flattened images or a table.

    With the activation SELU, LeCun-normal weights and z-scored features, activations keep mean 0
    and variance 1 from layer to layer (Klambauer et al. 2017, arXiv 1706.02515).

    Instead of `units`, `depth` layers of one `width`. `dropout_layers` is the number of last hidden
    layers with dropout; None: all. The other arguments are those of `HiddenLayers`.

    Raises:
        ValueError: neither `units` nor `depth` and `width` are given, or both.
    """
    name = "mlp"
    if units is None and depth is not None and width is not None:
        units, name = [width] * depth, "selu"
    elif units is None or depth is not None or width is not None:
        raise ValueError("set either units, or depth and width")
    # The arguments are valid. To validate an initializer again would draw another random seed.
    settings = layers.HiddenLayers.model_construct(
        units=units,
        activation=activation,
        kernel_initializer=kernel_initializer,
        batch_normalization=batch_normalization,
        dropout=dropout,
        l2=l2,
        embedding=embedding,
        numbers=numbers,
        augmentation=augmentation,
    )
    inputs, x = layers.embedded_inputs(problem, "features", "categories", settings)
    x = layers.hidden_layers(x, problem, settings, dropout_layers)
    output = layers.output_layer(x, problem, "main_output")
    return keras.Model(unwrap(inputs), output, name=name)
