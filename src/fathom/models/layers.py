"""What the networks have in common: checked settings, hidden layers, outputs."""

from typing import Annotated, Any, get_args

import keras
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PlainValidator,
    PositiveInt,
)

from fathom.config.schema import Task
from fathom.data.schema import Problem
from fathom.models.names import known_name


def known_activation(name: str) -> str:
    """Let through an activation that takes each number by itself or keeps their count."""
    known_name(keras.activations, "activation", name)
    try:
        keeps_shape = keras.activations.get(name)(keras.ops.zeros((1, 4))).shape == (1, 4)
    except (TypeError, ValueError):
        keeps_shape = False
    if not keeps_shape:
        raise ValueError(
            f"Keras' activation {name!r} cannot stand behind a dense layer by its name"
        )
    return name


def parse_rates(value: Any) -> Any:
    """Let through a rate, or one for each task."""
    rates = list(value.values()) if isinstance(value, dict) else [value]
    tasks = set(value) if isinstance(value, dict) else set()
    if tasks - set(get_args(Task)) or not all(
        type(rate) in (int, float) and 0 <= rate < 1 for rate in rates
    ):
        raise ValueError(
            "must be a rate of at least 0 and below 1, or one for each of "
            f"{' and '.join(get_args(Task))}, not {value!r}"
        )
    return value


def known_initializer(name: str) -> str:
    return known_name(keras.initializers, "initializer", name)


Activation = Annotated[str, AfterValidator(known_activation)]
Initializer = Annotated[str, AfterValidator(known_initializer)]
Rate = Annotated[float, Field(ge=0, lt=1)]
Rates = Annotated[float | dict[Task, float], PlainValidator(parse_rates)]
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
