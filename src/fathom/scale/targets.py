"""The targets of a table, and the weights of its rows."""

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
from fathom.settings.column_settings import ColumnSettings
from fathom.settings.data_settings import DatasetSettings


def make_outputs(dataset: DatasetSettings, schema: Schema, table: Table) -> dict[str, Output]:
    """Return what a network's outputs predict. Without an auxiliary column both predict the
    target. An auxiliary column of numbers that is not declared as a category is a regression, any
    other a classification.
    """
    main = Output(column=schema.target, task=schema.task, unit=schema.unit, classes=schema.classes)
    name = dataset.auxiliary
    if name is None:
        return {"main_output": main, "aux_output": main}
    classes: set[str] = set()
    rows = 0
    is_declared = dataset.columns.get(name, ColumnSettings()).kind in ("category", "ordinal")
    for block, _ in table.blocks([name]):
        check_complete(block[name])
        rows += len(block)
        if is_declared or is_category(block[name]):
            classes.update(as_texts(block[name]).unique())
    if len(classes) > rows / 2:
        raise FathomError(
            f"dataset.auxiliary: column {name!r} has {len(classes):,} different texts in {rows:,} "
            "rows, which are too many for classes; name another column"
        )
    auxiliary = Output(column=name, task="regression")
    if classes:
        auxiliary = Output(column=name, task="classification", classes=sorted(classes))
    return {"main_output": main, "aux_output": auxiliary}


def make_targets(
    dataset: DatasetSettings, outputs: dict[str, Output], table: pd.DataFrame
) -> pd.DataFrame:
    """Return the targets by output, in their own unit or as class numbers, and perhaps the column
    `weight`. The auxiliary target is left out if it is the main one.
    """
    main = outputs["main_output"]
    columns = {"main_output": encode_target(table[main.column], main)}
    if dataset.auxiliary is not None:
        columns["aux_output"] = encode_target(table[dataset.auxiliary], outputs["aux_output"])
    if dataset.sample_weight is not None:
        columns["weight"] = as_numbers(table[dataset.sample_weight]).to_numpy()
    return pd.DataFrame(columns, index=table.index)


def check_weights(name: str, table: Table) -> None:
    """Refuse weights that are no numbers, missing or negative, or 0 in all rows of a set."""
    totals = dict.fromkeys(table.rows, 0.0)
    for block, rows in table.blocks([name]):
        weights = block[name]
        check_complete(weights)
        values: pd.Series[Any] = pd.to_numeric(weights, errors="coerce")
        wrong = ~np.isfinite(values) | pd.api.types.is_bool_dtype(weights)
        if wrong.any():
            raise FathomError(
                f"dataset.sample_weight: column {name!r} holds {weights[wrong].tolist()[0]!r} in "
                f"row {wrong.idxmax()}; weights must be finite numbers"
            )
        if values.min() < 0:
            raise FathomError(
                f"dataset.sample_weight: column {name!r} holds {values.min():g} in row "
                f"{values.idxmin()}; weights must be at least 0"
            )
        for subset, numbers in rows.items():
            totals[subset] += float(values[numbers].sum())
    for subset, total in totals.items():
        if total == 0 and len(table.rows[subset]):
            raise FathomError(
                f"dataset.sample_weight: column {name!r} is 0 in all rows of the set {subset}; "
                "some weights must be above 0"
            )


def encode_target(column: pd.Series[Any], output: Output) -> NDArray[Any]:
    if output.classes is None:
        return as_numbers(column).to_numpy()
    return places_among(column, output.classes).astype(np.int64)


def check_complete(column: pd.Series[Any]) -> None:
    missing = column.isna()
    if missing.any():
        raise FathomError(
            f"column {column.name!r} has no value in {int(missing.sum())} rows, the first of them "
            f"row {missing.idxmax()}; a target or weight needs a value in every row"
        )
