"""What the networks have in common: checked settings, hidden layers, outputs."""

from typing import Annotated

import keras
from pydantic import AfterValidator, ConfigDict, Field, NonNegativeFloat, PositiveInt

from fathom.data.schema import Problem
from fathom.models.names import known_name


def known_activation(name: str) -> str:
    return known_name(keras.activations, "activation", name)


def known_initializer(name: str) -> str:
    return known_name(keras.initializers, "initializer", name)


Activation = Annotated[str, AfterValidator(known_activation)]
Initializer = Annotated[str, AfterValidator(known_initializer)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Units = list[PositiveInt]
Penalty = NonNegativeFloat

CHECKED = ConfigDict(strict=True, arbitrary_types_allowed=True)


def features(problem: Problem, name: str) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return a network's input of this name, and the same flattened to one number a column."""
    given = keras.Input(problem.shape_of(name), name=name)
    flat = keras.layers.Flatten()(given) if len(problem.shape_of(name)) > 1 else given
    return given, flat


def hidden_layer(
    x: keras.KerasTensor,
    units: int,
    activation: str,
    kernel_initializer: str,
    batch_normalization: bool = False,
    l2: float = 0.0,
) -> keras.KerasTensor:
    """Stack a dense layer on x; batch normalisation goes before the activation (Ioffe & Szegedy
    2015), where it makes the layer's own bias superfluous.
    """
    x = keras.layers.Dense(
        units,
        activation=None if batch_normalization else activation,
        use_bias=not batch_normalization,
        kernel_initializer=kernel_initializer,
        kernel_regularizer=keras.regularizers.L2(l2) if l2 else None,
    )(x)
    if batch_normalization:
        x = keras.layers.Activation(activation)(keras.layers.BatchNormalization()(x))
    return x


def output(x: keras.KerasTensor, problem: Problem, name: str) -> keras.KerasTensor:
    """Stack on x an output of this name: a number, or the probability of each class."""
    wanted = problem.output(name)
    activation = "softmax" if wanted.task == "classification" else "linear"
    return keras.layers.Dense(wanted.units, activation=activation, name=name)(x)
