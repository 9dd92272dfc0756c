"""What the networks have in common: checked settings, hidden layers, outputs."""

import math
from typing import Annotated, Any, Literal, get_args

import keras
from pydantic import (
    AfterValidator,
    ConfigDict,
    Field,
    NonNegativeFloat,
    PlainValidator,
    PositiveInt,
)

from fathom.artifacts.problem import Output, Problem
from fathom.models.names import known_name, layer_name
from fathom.models.number_embeddings import Numbers, with_embedded
from fathom.settings.fields import Task


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
Embedding = Literal["auto"] | PositiveInt
Units = list[PositiveInt]
Penalty = NonNegativeFloat

CHECKED = ConfigDict(strict=True, arbitrary_types_allowed=True)


def features(problem: Problem, name: str) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return a network's input of numbers or images of this name, and the same as one row."""
    given = keras.Input(problem.shape_of(name), name=name)
    return given, keras.layers.Flatten()(given) if problem.kind == "images" else given


def embedded(
    problem: Problem, numbers: str, categories: str, embedding: Embedding, how: Numbers
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Return a network's inputs of these names, and both as one row: each category's code becomes
    a row of numbers of its own (an embedding), beside the scaled numbers and what is made of them.

    Args:
        problem: says what the inputs get, by their names.
        numbers: name of the input of numbers or images; there is none if the problem has none.
        categories: name of the input of codes; likewise.
        embedding: how many numbers each category becomes; auto: by `embedding_width`.
        how: what is made of the numbers.
    """
    inputs, parts = [], []
    if math.prod(problem.shape_of(numbers)):
        given, flat = features(problem, numbers)
        inputs.append(given)
        parts.append(with_embedded(flat, problem.columns_of(numbers), problem.crosses, how))
    names = problem.columns_of(categories)
    if names:
        given = keras.Input(problem.shape_of(categories), dtype="int32", name=categories)
        inputs.append(given)
        for index, name in enumerate(names):
            codes = problem.categories[name]
            width = embedding_width(codes) if embedding == "auto" else embedding
            layer = keras.layers.Embedding(codes, width, name=layer_name("embedding", name))
            parts.append(layer(given[:, index]))
    return inputs, parts[0] if len(parts) == 1 else keras.layers.Concatenate()(parts)


def embedding_width(codes: int) -> int:
    """Return fastai's rule of thumb for a category of that many codes, at most 50."""
    return min(50, round(1.6 * math.pow(codes, 0.56)))


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


def rate_of(rates: Rates, problem: Problem) -> float:
    """Return the dropout rate for the problem's task."""
    return rates.get(problem.main.task, 0.0) if isinstance(rates, dict) else rates


def output(x: keras.KerasTensor, problem: Problem, name: str) -> keras.KerasTensor:
    """Stack on x an output of this name: a number, or the probability of each class."""
    wanted = problem.output(name)
    return keras.layers.Dense(wanted.units, activation=output_activation(wanted), name=name)(x)


def output_activation(wanted: Output) -> str:
    return "softmax" if wanted.task == "classification" else "linear"
