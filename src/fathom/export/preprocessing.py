"""Models that take raw columns or images: preprocessing as Keras operations before a network."""

import re

import keras
import numpy as np
from keras import ops

from fathom.artifacts.problem import CODES, Problem
from fathom.artifacts.scaled_data import scaler_of
from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.artifacts.signature import DAY, IMAGE, InputColumn
from fathom.export import operations
from fathom.models.names import input_names, layer_name, output_names, unwrap
from fathom.scale.column_encoders import Date
from fathom.scale.encoder import Encoder

Tensors = dict[str, keras.KerasTensor]

# Names that Keras gives to operations and layers, beside those of its public functions.
PRIVATE_NAMES = ("get_item", "input_layer", "functional", "sequential")


def build_table_model(
    network: keras.Model,
    problem: Problem,
    columns: list[InputColumn],
    encoder: Encoder,
    scalers: ScalerFile,
) -> keras.Model:
    """Return a model that takes raw columns and predicts in the target's unit.

    The inputs have shape (rows,): texts, "" if missing; numbers in float32, NaN if missing; dates
    as `InputColumn` describes them. Keras' `predict` rounds all floats to float32, so no input may
    need more. The outputs are, by name, numbers in float64 of shape (rows,), or probabilities of
    shape (rows, classes).
    """
    inputs = {
        name: keras.Input((), dtype=column.dtype, name=name)
        for column in columns
        for name in column.input_names
    }
    raw = {column.name: raw_values(column, inputs) for column in columns}
    for date in encoder.dates:
        raw |= date_parts(raw[date.column], date)
    for ordinal in encoder.ordinals:
        name = layer_name("ordinal.", ordinal.column)
        raw[ordinal.column] = operations.text_ranks(raw[ordinal.column], ordinal, name)
    numbers = scale_numbers(raw, encoder, scalers.features) if encoder.numbers else None
    codes = encode(raw, encoder)
    features = [select_input(name, problem, numbers, codes) for name in input_names(network)]
    return keras.Model(inputs, unscale_outputs(network, features, problem, scalers))


def raw_values(column: InputColumn, inputs: Tensors) -> keras.KerasTensor:
    """Return the values of a column: texts, numbers, or seconds since 1970-01-01 in float64."""
    if column.kind == "text":
        return inputs[column.input]
    values, *times = (ops.cast(inputs[name], "float64") for name in column.input_names)
    if column.kind == "date":
        return values * DAY + times[0] if times else values * DAY
    return values


def build_image_model(
    network: keras.Model, problem: Problem, dtype: str, scalers: ScalerFile
) -> keras.Model:
    """Return a model that takes raw images of the problem's shape and of a type as `IMAGE`."""
    image = keras.Input(problem.shape, dtype=dtype, name=IMAGE)
    columns = len(scalers.features.columns)
    pixels = ops.reshape(ops.cast(image, "float64"), (-1, columns))
    pixels = ops.reshape(operations.scale(pixels, scalers.features), (-1, *problem.shape))
    pixels = ops.cast(pixels, "float32")
    features = [pixels for _ in input_names(network)]
    return keras.Model({IMAGE: image}, unscale_outputs(network, features, problem, scalers))


def reserved_names(network: keras.Model) -> set[str]:
    """Return names that no input may have: Keras gives them to operations and layers."""
    kinds = [*dir(keras.ops), *dir(keras.layers), *PRIVATE_NAMES]
    snake = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower() for kind in kinds}
    return snake | {network.name.lower(), *output_names(network), "self"}


def date_parts(seconds: keras.KerasTensor, date: Date) -> Tensors:
    """Return the parts of dates, as `Date.transform` does, from seconds since 1970-01-01.

    The calendar is that of Hinnant, chrono-Compatible Low-Level Date Algorithms (2014): years
    begin in March, so that the leap day is the last one, and repeat after 146,097 days.
    """
    days = ops.floor(seconds / DAY)
    since_year_0 = days + 719_468.0
    era = ops.floor(since_year_0 / 146_097.0)
    of_era = since_year_0 - era * 146_097.0
    leaps = ops.floor(of_era / 1460.0) - ops.floor(of_era / 36_524.0) + ops.floor(of_era / 146_096)
    year = ops.floor((of_era - leaps) / 365.0)
    of_year = of_era - (365.0 * year + ops.floor(year / 4.0) - ops.floor(year / 100.0))
    march = ops.floor((5.0 * of_year + 2.0) / 153.0)
    month = ops.where(march < 10.0, march + 3.0, march - 9.0)
    of_day = seconds - days * DAY
    parts = {
        "year": year + era * 400.0 + ops.cast(month <= 2.0, "float64"),
        "month": month,
        "day": of_year - ops.floor((153.0 * march + 2.0) / 5.0) + 1.0,
        "day_of_week": days + 3.0 - 7.0 * ops.floor((days + 3.0) / 7.0),
        "hour": ops.floor(of_day / 3600.0),
        "minute": ops.floor(of_day / 60.0) - 60.0 * ops.floor(of_day / 3600.0),
    }
    return {f"{date.column}_{part}": parts[part] for part in date.parts}


def scale_numbers(raw: Tensors, encoder: Encoder, scaler: Scaler) -> keras.KerasTensor:
    """Return the features `Encoder.number_names` in float32, of shape (rows, numbers)."""
    values = ops.stack([raw[number.column] for number in encoder.numbers], axis=1)
    missing = ops.isnan(values)
    medians = np.array([number.median for number in encoder.numbers])
    scaled = operations.scale(ops.where(missing, medians, values), scaler)
    features = [ops.cast(scaled, "float32")]
    indicators = [place for place, number in enumerate(encoder.numbers) if number.indicator]
    if indicators:
        features.append(ops.cast(ops.take(missing, np.array(indicators), axis=1), "float32"))
    return features[0] if len(features) == 1 else ops.concatenate(features, axis=1)


def encode(raw: Tensors, encoder: Encoder) -> Tensors:
    """Do as `Encoder.transform` for categories, buckets and crosses."""
    codes: Tensors = {}
    for category in encoder.categories:
        values, name = raw[category.column], layer_name("category.", category.column)
        is_text = values.dtype == "string"
        look_up = operations.text_codes if is_text else operations.number_codes
        codes[category.column] = look_up(values, category, name)
    for buckets in encoder.buckets:
        name = layer_name("buckets.", buckets.column)
        codes[buckets.name] = operations.bucket_codes(raw[buckets.column], buckets, name)
    return codes | encoder.cross_codes(codes, operations.cross_codes)


def select_input(
    name: str, problem: Problem, numbers: keras.KerasTensor | None, codes: Tensors
) -> keras.KerasTensor:
    """Return the features of a network's input of this name, as `Subset.input` does."""
    columns = problem.columns_of(name)
    if name not in CODES:
        assert numbers is not None
        places = [problem.numbers.index(column) for column in columns]
        if places == list(range(len(problem.numbers))):
            return numbers
        return ops.take(numbers, np.array(places), axis=1)
    stacked = ops.stack([codes[column] for column in columns], axis=1)
    if name == "wide_sparse":
        sizes = list(problem.sparse.values())
        stacked = stacked + np.cumsum([0, *sizes[:-1]], dtype=np.int32)
    return stacked


def unscale_outputs(
    network: keras.Model, features: list[keras.KerasTensor], problem: Problem, scalers: ScalerFile
) -> Tensors:
    """Return the network's outputs by name, numbers in the target's unit."""
    tensors = network(unwrap(features))
    outputs: Tensors = {}
    for name, values in zip(output_names(network), keras.tree.flatten(tensors), strict=True):
        if problem.output(name).task == "regression":
            scaler = scaler_of(name, scalers.targets)
            values = ops.squeeze(ops.cast(values, "float64"), 1)
            if scaler.scale is not None and scaler.center is not None:
                values = values * scaler.scale[0] + scaler.center[0]
        outputs[problem.output_name(name)] = values
    return outputs
