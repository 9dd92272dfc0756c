"""What is to be predicted, and how much each row counts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.columns import as_numbers, as_texts, is_category, places_among
from fathom.artifacts.problem import Output
from fathom.artifacts.raw_table import Table
from fathom.artifacts.schema import Schema
from fathom.base.errors import FathomError
from fathom.settings.data_settings import DatasetSettings


def outputs(dataset: DatasetSettings, schema: Schema, table: Table) -> dict[str, Output]:
    """Return what a network's outputs predict: the target, and the auxiliary column or the target
    once more.

    Args:
        dataset: names the auxiliary column.
        schema: of the raw data.
        table: the raw data.
    """
    main = Output(column=schema.target, task=schema.task, unit=schema.unit, classes=schema.classes)
    if dataset.auxiliary is None:
        return {"main_output": main, "aux_output": main}
    return {"main_output": main, "aux_output": auxiliary(dataset.auxiliary, table)}


def auxiliary(name: str, table: Table) -> Output:
    """Take a column as a second target: numbers by regression, anything else by class."""
    classes: set[str] = set()
    for block, _ in table.blocks([name]):
        all_present(block[name])
        if is_category(block[name]):
            classes.update(as_texts(block[name]).unique())
    if not classes:
        return Output(column=name, task="regression")
    return Output(column=name, task="classification", classes=sorted(classes))


def target_table(
    dataset: DatasetSettings, outputs: dict[str, Output], table: pd.DataFrame
) -> pd.DataFrame:
    """Return the targets by output, in their own unit or as numbers of classes, and perhaps the
    column `weight`; the auxiliary one only if it differs from the main one.
    """
    columns = {"main_output": encode(table[outputs["main_output"].column], outputs["main_output"])}
    if dataset.auxiliary is not None:
        columns["aux_output"] = encode(table[dataset.auxiliary], outputs["aux_output"])
    if dataset.sample_weight is not None:
        columns["weight"] = weights(table[dataset.sample_weight])
    return pd.DataFrame(columns, index=table.index)


def encode(column: pd.Series[Any], output: Output) -> NDArray[Any]:
    """Return a target as float64 in its own unit, or as numbers of classes."""
    if output.classes is None:
        return as_numbers(column).to_numpy()
    return places_among(column, output.classes).astype(np.int64)


def weights(column: pd.Series[Any]) -> NDArray[np.float64]:
    """Return a column of sample weights, of shape (rows,)."""
    all_present(column)
    values = as_numbers(column)
    if values.min() < 0:
        raise FathomError(
            f"dataset.sample_weight: column {column.name!r} holds {values.min():g} "
            f"in row {values.idxmin()}; weights must be at least 0"
        )
    return values.to_numpy()


def all_present(column: pd.Series[Any]) -> None:
    """Refuse a column with missing values."""
    missing = column.isna()
    if missing.any():
        raise FathomError(
            f"column {column.name!r} has no value in {int(missing.sum())} rows, the first of them "
            f"{missing.idxmax()}; as a weight or target it must have one in each"
        )
