"""What networks have in common: checked arguments, inputs, features, hidden layers, outputs."""

import math
from functools import partial
from typing import Annotated, Any, Literal, get_args

import keras
from pydantic import (
    AfterValidator,
    ConfigDict,
    NonNegativeFloat,
    PlainValidator,
    PositiveInt,
)

from fathom.artifacts.problem import Output, Problem
from fathom.models.augmentation import Augmentation, augment
from fathom.models.names import known_name, layer_name
from fathom.models.numbers import NumberEmbeddings, embed_numbers
from fathom.settings.fields import Section, Task, expect


def known_activation(name: str) -> str:
    """Accept an activation that keeps the number of units and needs no argument."""
    known_name(keras.activations, "activation", name)
    try:
        keeps_shape = keras.activations.get(name)(keras.ops.zeros((1, 4))).shape == (1, 4)
    except (TypeError, ValueError):
        keeps_shape = False
    if not keeps_shape:
        raise ValueError(
            f"Keras' activation {name!r} needs arguments or changes the number of units, so it "
            "cannot follow a dense layer"
        )
    return name


def valid_rates(value: Any) -> Any:
    if value == "auto":
        return value
    by_task = value if isinstance(value, dict) else dict.fromkeys(get_args(Task), value)
    if not set(by_task) <= set(get_args(Task)) or not all(
        type(rate) in (int, float) and 0 <= rate < 1 for rate in by_task.values()
    ):
        raise ValueError(
            "must be auto, a rate of at least 0 and below 1, or one for each of "
            f"{' and '.join(get_args(Task))}, not {value!r}"
        )
    return value


Activation = Annotated[str, AfterValidator(known_activation)]
Initializer = Annotated[str, AfterValidator(partial(known_name, keras.initializers, "initializer"))]
Rates = Annotated[Literal["auto"] | float | dict[Task, float], PlainValidator(valid_rates)]
Embedding = Literal["auto"] | PositiveInt
Units = list[PositiveInt]
AutoUnits = Annotated[
    Literal["auto"] | Units, expect("auto or a list of whole numbers from 1 on, such as [256, 128]")
]

# of a training set:
FEW_ROWS = 20_000  # fewer need dropout
VERY_FEW_ROWS = 3_000  # for fewer, wider layers only take longer

CHECKED = ConfigDict(strict=True, arbitrary_types_allowed=True)


class HiddenLayers(Section):
    """Settings of a stack of dense layers, as `conf/model/mlp.yaml` describes them."""

    units: AutoUnits
    activation: Activation
    kernel_initializer: Initializer
    batch_normalization: bool
    dropout: Rates
    l2: NonNegativeFloat
    embedding: Embedding
    numbers: NumberEmbeddings
    augmentation: Augmentation | None = None


def number_input(
    problem: Problem, name: str, augmentation: Augmentation | None = None
) -> tuple[keras.KerasTensor, keras.KerasTensor]:
    """Return an input of numbers or images, and the same of shape (rows, numbers)."""
    tensor = keras.Input(problem.shape_of(name), name=name)
    if problem.kind != "images":
        return tensor, tensor
    return tensor, keras.layers.Flatten()(augment(tensor, augmentation))


def embedded_inputs(
    problem: Problem, numbers: str, categories: str, settings: HiddenLayers
) -> tuple[list[keras.KerasTensor], keras.KerasTensor]:
    """Return the inputs of these names, and their concatenated features: numbers, features of
    numbers, and the embedding of each category. An input without columns is left out.
    """
    inputs, features = [], []
    if math.prod(problem.shape_of(numbers)):
        tensor, flat = number_input(problem, numbers, settings.augmentation)
        inputs.append(tensor)
        columns = problem.columns_of(numbers)
        features.append(embed_numbers(flat, columns, problem, settings.numbers))
    columns = problem.columns_of(categories)
    if columns:
        tensor = keras.Input(problem.shape_of(categories), dtype="int32", name=categories)
        inputs.append(tensor)
        for index, column in enumerate(columns):
            codes = problem.categories[column]
            width = settings.embedding
            width = embedding_width(codes) if width == "auto" else width
            layer = keras.layers.Embedding(codes, width, name=layer_name("embedding", column))
            features.append(layer(tensor[:, index]))
    return inputs, features[0] if len(features) == 1 else keras.layers.Concatenate()(features)


def embedding_width(codes: int) -> int:
    """Return fastai's rule of thumb for a category of that many codes, at most 50."""
    return min(50, round(1.6 * math.pow(codes, 0.56)))


def hidden_layers(
    x: keras.KerasTensor,
    problem: Problem,
    settings: HiddenLayers,
    dropout_layers: int | None = None,
) -> keras.KerasTensor:
    """Apply the hidden layers to x, the last `dropout_layers` with dropout; None: all.

    Before batch normalization a layer has no bias, as the normalization has one. With SELU,
    AlphaDropout keeps mean and variance (Klambauer et al. 2017).
    """
    rate = dropout_rate(settings.dropout, problem)
    alpha = settings.activation == "selu"
    sizes = layer_sizes(settings.units, problem)
    first = 0 if dropout_layers is None else len(sizes) - dropout_layers
    normalized = settings.batch_normalization
    for index, units in enumerate(sizes):
        x = keras.layers.Dense(
            units,
            activation=None if normalized else settings.activation,
            use_bias=not normalized,
            kernel_initializer=settings.kernel_initializer,
            kernel_regularizer=keras.regularizers.L2(settings.l2) if settings.l2 else None,
        )(x)
        if normalized:
            x = keras.layers.BatchNormalization()(x)
            x = keras.layers.Activation(settings.activation)(x)
        if rate and index >= first:
            x = (keras.layers.AlphaDropout if alpha else keras.layers.Dropout)(rate)(x)
    return x


def layer_sizes(units: AutoUnits, problem: Problem) -> Units:
    """Return the units of each hidden layer."""
    if units != "auto":
        return units
    is_small = problem.kind == "table" and problem.rows["train"] < VERY_FEW_ROWS
    return [128, 128] if is_small else [256, 256]


def dropout_rate(rates: Rates, problem: Problem) -> float:
    """Return the rate of a problem. In a regression of many rows dropout only adds noise to the
    prediction itself.
    """
    if rates == "auto":
        few = problem.rows["train"] < FEW_ROWS
        rates = {"classification": 0.2, "regression": 0.1 if few else 0.0}
    return rates.get(problem.main.task, 0.0) if isinstance(rates, dict) else rates


def output_layer(x: keras.KerasTensor, problem: Problem, name: str) -> keras.KerasTensor:
    output = problem.output(name)
    return keras.layers.Dense(output.units, activation=output_activation(output), name=name)(x)


def output_activation(output: Output) -> str:
    return "softmax" if output.task == "classification" else "linear"
