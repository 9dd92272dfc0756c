"""A network with all preprocessing folded in: from raw columns or images to predictions."""

from __future__ import annotations

import re

import keras
import numpy as np
from keras import ops

from fathom.artifacts.problem import CODES, Problem
from fathom.artifacts.scaled_data import scaler_of
from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.artifacts.signature import IMAGE, InputColumn
from fathom.export import lookups, scaling_ops
from fathom.models.names import input_names, layer_name, output_names, unwrap
from fathom.scale.dates import Date
from fathom.scale.encoder import Encoder

Tensors = dict[str, keras.KerasTensor]

DAY = 86_400.0  # seconds

ALSO = ("get_item", "input_layer", "functional", "sequential")  # names of no public function


def fold_table(
    network: keras.Model,
    problem: Problem,
    columns: list[InputColumn],
    encoder: Encoder,
    scalers: ScalerFile,
) -> keras.Model:
    """Return a model that takes a raw table's columns and gives predictions in the target's unit.

    Args:
        network: a trained network for the problem.
        columns: what the model is to take: for each an input of shape (rows,), by `input`: numbers
            in float64, NaN for missing ones; texts, "" for missing ones; dates as seconds since
            1970-01-01, NaN for missing ones.
        encoder: what was learned of the columns.
        scalers: of the numbers and of the targets.

    Returns:
        A model that gives by the names of the outputs numbers in float64, of shape (rows,), or
        probabilities, of shape (rows, classes).
    """
    inputs = {
        column.input: keras.Input(
            (), dtype="string" if column.kind == "text" else "float64", name=column.input
        )
        for column in columns
    }
    raw = {column.name: inputs[column.input] for column in columns}
    for date in encoder.dates:
        raw |= parts_of_date(raw[date.column], date)
    matrix = number_matrix(raw, encoder, scalers.features)
    codes = code_matrix(raw, encoder)
    given = [network_input(name, problem, matrix, codes) for name in input_names(network)]
    return keras.Model(inputs, predictions(network(unwrap(given)), network, problem, scalers))


def fold_images(
    network: keras.Model, problem: Problem, dtype: str, scalers: ScalerFile
) -> keras.Model:
    """Return a model that takes raw images of the problem's shape, of this type, by `IMAGE`."""
    image = keras.Input(problem.shape, dtype=dtype, name=IMAGE)
    columns = len(scalers.features.columns)
    pixels = ops.reshape(ops.cast(image, "float64"), (-1, columns))
    pixels = ops.reshape(scaling_ops.scaled(pixels, scalers.features), (-1, *problem.shape))
    given = ops.cast(pixels, "float32")
    found = network(unwrap([given for _ in input_names(network)]))
    return keras.Model({IMAGE: image}, predictions(found, network, problem, scalers))


def reserved_names(network: keras.Model) -> set[str]:
    """Return what inputs must not be called: Keras names operations and layers by their kind and
    a number, and wants each name in a model once.
    """
    kinds = [*dir(keras.ops), *dir(keras.layers), *ALSO]
    snake = {re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", kind).lower() for kind in kinds}
    return snake | {network.name.lower()}


def parts_of_date(seconds: keras.KerasTensor, date: Date) -> Tensors:
    """Return the parts of dates, as `Date.transform` does, from seconds since 1970-01-01.

    The calendar is by Hinnant, chrono-Compatible Low-Level Date Algorithms (2014): years begin in
    March, so that the leap day is their last, and repeat after 146,097 days.
    """
    days = ops.floor(seconds / DAY)
    shifted = days + 719_468.0
    era = ops.floor(shifted / 146_097.0)
    of_era = shifted - era * 146_097.0
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


def number_matrix(raw: Tensors, encoder: Encoder, scaler: Scaler) -> keras.KerasTensor | None:
    """Return the scaled numbers and the indicators of missing ones, in the order of the problem's
    `numbers`, of shape (rows, numbers) in float32; None if there are none.
    """
    if not encoder.numbers:
        return None
    values = ops.stack([raw[number.column] for number in encoder.numbers], axis=1)
    absent = ops.isnan(values)
    medians = np.array([number.median for number in encoder.numbers])
    filled = scaling_ops.scaled(ops.where(absent, medians, values), scaler)
    parts = [ops.cast(filled, "float32")]
    indicated = [place for place, number in enumerate(encoder.numbers) if number.indicator]
    if indicated:
        parts.append(ops.cast(ops.take(absent, np.array(indicated), axis=1), "float32"))
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)


def code_matrix(raw: Tensors, encoder: Encoder) -> Tensors:
    """Return the codes of categories, buckets and crosses by their names, of shape (rows,)."""
    codes: Tensors = {}
    for category in encoder.categories:
        values, name = raw[category.column], layer_name("category.", category.column)
        of_text = values.dtype == "string"
        look_up = lookups.category_of_text if of_text else lookups.category_of_number
        codes[category.column] = look_up(values, category, name)
    for buckets in encoder.buckets:
        name = layer_name("buckets.", buckets.column)
        codes[buckets.name] = lookups.bucket(raw[buckets.column], buckets, name)
    names = {buckets.column: buckets.name for buckets in encoder.buckets}
    for crossed in encoder.crosses:
        of_columns = [codes[names.get(column, column)] for column in crossed.columns]
        counts = [encoder.codes[column] for column in crossed.columns]
        codes[crossed.name] = lookups.cross(of_columns, counts, crossed)
    return codes


def network_input(
    name: str, problem: Problem, matrix: keras.KerasTensor | None, codes: Tensors
) -> keras.KerasTensor:
    """Return what a network's input of this name asks for, as `Subset.input` does."""
    chosen = problem.columns_of(name)
    if name not in CODES:
        assert matrix is not None
        places = [problem.numbers.index(column) for column in chosen]
        if places == list(range(len(problem.numbers))):
            return matrix
        return ops.take(matrix, np.array(places), axis=1)
    stacked = ops.stack([codes[column] for column in chosen], axis=1)
    if name == "wide_sparse":
        sizes = list(problem.sparse.values())
        stacked = stacked + np.cumsum([0, *sizes[:-1]], dtype=np.int32)
    return stacked


def predictions(
    found: keras.KerasTensor | list[keras.KerasTensor],
    network: keras.Model,
    problem: Problem,
    scalers: ScalerFile,
) -> Tensors:
    """Return a network's outputs by name, numbers in the target's own unit."""
    outputs = found if isinstance(found, list | tuple) else [found]
    named: Tensors = {}
    for name, values in zip(output_names(network), outputs, strict=True):
        if problem.output(name).task == "regression":
            values = ops.squeeze(scaling_ops.unscaled(values, scaler_of(name, scalers.targets)), 1)
        named[problem.output_name(name)] = values
    return named
