"""Exports a trained network to `exports/<dataset>/<model>/`."""

import keyword
import re
from collections.abc import Container
from pathlib import Path
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from fathom.artifacts import export_files
from fathom.artifacts.columns import as_numbers
from fathom.artifacts.model_file import read_model, save_model
from fathom.artifacts.predictions import Predictions
from fathom.artifacts.problem import Problem
from fathom.artifacts.raw_images import read_images
from fathom.artifacts.raw_table import Table, open_raw_table
from fathom.artifacts.scaled_data import read_scalers
from fathom.artifacts.schema import Schema, SchemaColumn
from fathom.artifacts.signature import (
    MOST_BITS,
    SIGNATURE,
    ImageInput,
    InputColumn,
    InputKind,
    Signature,
    SourceFile,
    declare,
    to_seconds,
)
from fathom.artifacts.split_rows import read_split_rows
from fathom.artifacts.training_log import read_run
from fathom.base import paths
from fathom.base.files import atomic_write
from fathom.evaluate.intervals import fit_interval
from fathom.evaluate.prediction_sets import fit_set
from fathom.export import formats
from fathom.export.card import write_card
from fathom.export.example import write_example
from fathom.export.preprocessing import build_image_model, build_table_model, reserved_names
from fathom.export.signature_values import describe_predictions, describe_values, hide_values
from fathom.models.names import output_names
from fathom.scale.encoder import Encoder
from fathom.settings.column_settings import NUMBERS, ColumnSettings
from fathom.settings.config import NetworkConfig
from fathom.settings.data_settings import DatasetSettings

WHOLE = 2**24  # float32 holds all whole numbers below


def export(config: NetworkConfig) -> Signature:
    """Write the network in `models/<dataset>/<model>/` as a model that takes raw rows.

    Writes `model.keras` and, if set, `saved_model/` and `model.onnx`; `signature.json` with its
    inputs and outputs; `example.json` and `example.py`; `MODEL_CARD.md`; and `SHA256SUMS` of all of
    these.

    Raises:
        FathomError: an output of an earlier stage is missing.
    """
    keras.utils.clear_session()  # numbers in the layers' names start from 0
    keras.utils.set_random_seed(0)  # of layers that draw random numbers, as dropout
    dataset, name = config.dataset.name, config.model.name
    problem, schema, scalers = Problem.read(dataset), Schema.read(dataset), read_scalers(dataset)
    network, rows = read_model(dataset, name), read_split_rows(dataset, "train")
    columns: list[InputColumn] = []
    image: ImageInput | None = None
    if problem.kind == "table":
        encoder = Encoder.read(dataset)
        raw = open_raw_table(schema, {"train": rows})
        reserved = reserved_names(network)
        columns = input_columns(schema.columns, encoder, raw, reserved, config.dataset)
        model = build_table_model(network, problem, columns, encoder, scalers)
    else:
        image = describe_images(config.dataset, rows)
        model = build_image_model(network, problem, image.type, scalers)
    with atomic_write(paths.export(dataset, name)) as folder:
        folder.mkdir()
        signature = Signature(
            dataset=dataset,
            model=name,
            kind=problem.kind,
            columns=columns,
            image=image,
            missing=[str(text) for text in config.dataset.source.arguments.get("missing", [])],
            source=describe_source(config.dataset, schema),
            outputs={problem.output_name(o): problem.output(o) for o in output_names(network)},
            **describe_held_out(problem, name, config.evaluate.coverage),
            formats=write_formats(model, folder, config),
            versions=read_run(dataset, name)["versions"],
        )
        signature = write_signature(folder, model, signature, config.export.private)
        write_card(folder, config)
        export_files.write_checksums(folder)
    return signature


def write_signature(
    folder: Path, model: keras.Model, signature: Signature, private: bool
) -> Signature:
    """Write the signature and an example of a row, or no values of rows at all."""
    if private:
        signature = hide_values(signature)
    else:
        write_example(folder, model, signature)
    signature.write(folder / SIGNATURE)
    return signature


def describe_held_out(problem: Problem, network: str, coverage: float) -> dict[str, Any]:
    """Return the `interval` or `prediction_set` and the distribution of `predictions`, from
    predictions for rows that the network was not fitted to.
    """
    actual, predicted = Predictions.read(problem, network).held_out_sample()
    facts: dict[str, Any] = {"predictions": describe_predictions(problem, predicted)}
    if problem.main.task == "regression":
        return facts | {"interval": fit_interval(predicted, actual, coverage)}
    return facts | {"prediction_set": fit_set(predicted, actual, coverage)}


def describe_source(dataset: DatasetSettings, schema: Schema) -> SourceFile:
    """Return how the file of a data set is read, as far as its settings say it."""
    arguments = dataset.source.arguments
    keys = ("delimiter", "encoding", "sheet", "table")
    names = [column.name for column in schema.columns]
    features = [name for name in names if name != dataset.target]
    return SourceFile(
        headers=[names, features] if arguments.get("header") is False else [],
        **{key: arguments[key] for key in keys if isinstance(arguments.get(key), str)},
    )


def input_columns(
    columns: list[SchemaColumn],
    encoder: Encoder,
    table: Table,
    reserved: Container[str],
    dataset: DatasetSettings,
) -> list[InputColumn]:
    """Return the raw columns that a network of a table takes, in the table's order.

    `reserved` are names in lower case that no input may have, also not with a number after it.
    """
    forms = {date.column: date.format for date in encoder.dates}
    timed = {date.column for date in encoder.dates if {"hour", "minute"} & set(date.parts)}
    orders = {ordinal.column: ordinal.order for ordinal in encoder.ordinals}
    numbers = {number.column for number in encoder.numbers}
    categories = {category.column: category for category in encoder.categories}
    inputs: list[InputColumn] = []
    for column in columns:
        name = column.name
        if name not in numbers | forms.keys() | categories.keys():
            continue
        values = table.training(table.column(name))
        known = categories[name].known if name in categories else None
        facts: dict[str, Any] = {"missing": bool(values.isna().any())}
        kind: InputKind = "number"
        if name in forms:
            kind, values = "date", to_seconds(values)
        elif name in orders:
            kind, known = "text", [text for text in orders[name] if text in set(values)]
        elif known is not None and (
            not column.type.startswith(("float", "int", "uint")) or not fit_float32(known)
        ):
            kind = "text"
        if kind != "text":
            present = as_numbers(values).dropna()
            facts |= {"low": float(present.min()), "high": float(present.max())}
        facts["histogram"] = describe_values(values, kind, known)
        others = [other for column in inputs for other in column.input_names]
        facts["input"] = input_name(name, others, reserved)
        if name in timed:
            facts["time_input"] = input_name(f"{name}_time", [*others, facts["input"]], reserved)
        declaration = declare_column(dataset, name, kind, known, forms.get(name))
        facts |= {"declaration": declaration, "categories": known}
        inputs.append(InputColumn(name=name, kind=kind, **facts))
    return inputs


def fit_float32(known: list[str]) -> bool:
    """Tell whether float32 tells the numbers of a category from each other and from all others."""
    numbers = np.array(list(map(float, known)), dtype=np.float32)
    return len(set(numbers)) == len(known) and bool((np.abs(numbers) < WHOLE).all())


def declare_column(
    dataset: DatasetSettings, name: str, kind: InputKind, known: list[str] | None, form: str | None
) -> ColumnSettings:
    """Return the declaration by which new values of a column are read."""
    declared, decimal = dataset.columns.get(name), dataset.source.arguments.get("decimal")
    if declared is None or declared.kind is None:
        missing = None if declared is None else declared.missing
        declared = declare(kind, known, form).model_copy(update={"missing": missing})
    elif declared.kind in NUMBERS:
        decimal = decimal or "."
    if declared.kind in NUMBERS and declared.decimal is None:
        return declared.model_copy(update={"decimal": decimal})
    return declared


def input_name(column: str, others: list[str], reserved: Container[str]) -> str:
    """Return a name for a column's input: unique, and a name that TensorFlow and Python accept."""
    plain = re.sub(r"[^A-Za-z0-9_]", "_", column)
    base = re.sub(r"_\d+$", "", plain.lower())
    if not re.match("[A-Za-z]", plain) or base in reserved or keyword.iskeyword(plain):
        plain = f"column_{plain}"
    name, number = plain, 1
    while name.lower() in [other.lower() for other in others]:
        number += 1
        name = f"{plain}_{number}"
    return name


def describe_images(dataset: DatasetSettings, rows: NDArray[np.int64]) -> ImageInput:
    images = read_images(dataset.name)
    training = images[rows]
    return ImageInput(
        shape=list(images.shape[1:]),
        type=str(images.dtype),
        low=float(training.min()),
        high=float(training.max()),
        resized=bool(dataset.source.arguments.get("size")),
        bits=dataset.source.arguments.get("bits", MOST_BITS),
    )


def write_formats(model: keras.Model, folder: Path, config: NetworkConfig) -> dict[str, str]:
    """Write each format of the settings; return by format its file, or why there is none."""
    names = {"keras": export_files.KERAS}
    save_model(model, folder / export_files.KERAS)
    if config.export.saved_model:
        formats.write_saved_model(model, folder / export_files.SAVED_MODEL)
        names["saved_model"] = export_files.SAVED_MODEL
    if config.export.onnx:
        reason = formats.write_onnx(model, folder / export_files.ONNX)
        names["onnx"] = export_files.ONNX if reason is None else f"not converted: {reason}"
    return names
