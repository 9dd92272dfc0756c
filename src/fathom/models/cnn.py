"""Convolutional network for images."""

import keras
from pydantic import PositiveInt, validate_call

from fathom.artifacts.problem import Problem
from fathom.models import layers
from fathom.models.augmentation import Augmentation, augment

SMALLEST = 8  # pixels of the shorter side from which images are halved
WIDEST = 8  # most filters of a block, as a multiple of those of the first one


@validate_call(config=layers.CHECKED)
def build(
    problem: Problem,
    filters: PositiveInt,
    convolutions: PositiveInt,
    units: layers.Units,
    activation: layers.Activation,
    kernel_initializer: layers.Initializer,
    batch_normalization: bool,
    dropout: layers.Rates,
    augmentation: Augmentation | None = None,
) -> keras.Model:
    """Build blocks of convolutions over grey or colour images of any size, then dense layers.

    A block has `convolutions` layers of 3 x 3 pixels; the first block has `filters`, each further
    one twice as many, up to `WIDEST` times. Max pooling ends a block as long as the shorter side
    has `SMALLEST` pixels: two blocks of 28 x 28, three of 32 x 32. The mean of each channel over
    all places (Lin et al. 2014, arXiv 1312.4400) goes through hidden layers of `units`. The other
    arguments are those of `HiddenLayers`.

    Raises:
        ValueError: the data set is a table.
    """
    if problem.kind != "images":
        raise ValueError(
            f"{problem.dataset} is a table, but convolutions need images; in params.yaml, remove "
            f"this network from models or {problem.dataset} from datasets"
        )
    # The arguments are valid. To validate an initializer again would draw another random seed.
    settings = layers.HiddenLayers.model_construct(
        units=units,
        activation=activation,
        kernel_initializer=kernel_initializer,
        batch_normalization=batch_normalization,
        dropout=dropout,
        l2=0.0,
    )
    image = keras.Input(problem.shape, name="features")
    x = convolution_blocks(augment(image, augmentation), filters, convolutions, settings)
    x = layers.hidden_layers(x, problem, settings)
    return keras.Model(image, layers.output_layer(x, problem, "main_output"), name="cnn")


def convolution_blocks(
    x: keras.KerasTensor, filters: int, convolutions: int, settings: layers.HiddenLayers
) -> keras.KerasTensor:
    """Return the means of the channels after all blocks."""
    _, height, width, *channels = x.shape
    if not channels:
        x = keras.layers.Reshape((height, width, 1))(x)
    halvings = 0
    while min(height, width) >> halvings >= SMALLEST:
        halvings += 1
    for block in range(halvings + 1):
        for last in [False] * (convolutions - 1) + [True]:
            halve = last and block < halvings
            x = convolve(x, filters * min(2**block, WIDEST), halve, settings)
    return keras.layers.GlobalAveragePooling2D()(x)


def convolve(
    x: keras.KerasTensor, filters: int, halve: bool, settings: layers.HiddenLayers
) -> keras.KerasTensor:
    """Apply a convolution; pooling before normalization leaves that a quarter of the work."""
    normalized = settings.batch_normalization
    x = keras.layers.Conv2D(
        filters,
        3,
        padding="same",
        use_bias=not normalized,
        kernel_initializer=settings.kernel_initializer,
    )(x)
    if halve:
        x = keras.layers.MaxPooling2D()(x)
    if normalized:
        x = keras.layers.BatchNormalization()(x)
    return keras.layers.Activation(settings.activation)(x)
