"""The test rows with the largest errors of a network."""

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

from fathom.artifacts.problem import Output
from fathom.evaluate.formatting import format_number, format_share
from fathom.report.results import NetworkResults

MAX_CLASSIFICATION, MAX_REGRESSION = 12, 8


def largest_errors(network: NetworkResults, features: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows with the largest absolute errors of regression, the largest first."""
    table = network.predictions.astype({"actual": float, "predicted": float})
    errors = table["predicted"] - table["actual"]
    places = errors.abs().sort_values(ascending=False, kind="stable").index[:MAX_REGRESSION]
    details = [f"{'+' if e > 0 else ''}{format_number(float(e))}" for e in errors[places]]
    return describe_rows(table, features, places, details)


def most_confident_errors(
    network: NetworkResults, output: Output, features: pd.DataFrame
) -> list[dict[str, Any]]:
    """Return the rows with the highest probability of a wrong class, the highest first."""
    table = network.predictions
    confidence = probabilities(network, output).max(axis=1)
    wrong = np.flatnonzero((table["actual"] != table["predicted"]).to_numpy())
    places = wrong[np.argsort(-confidence[wrong], kind="stable")][:MAX_CLASSIFICATION]
    details = [format_share(float(share)) for share in confidence[places]]
    return describe_rows(table, features, places, details)


def describe_rows(
    table: pd.DataFrame, features: pd.DataFrame, places: Iterable[int], details: list[str]
) -> list[dict[str, Any]]:
    """Return row number, truth, prediction, detail and the values of features of some rows."""
    return [
        {name: table[name][at] for name in ("row", "actual", "predicted")}
        | {"detail": detail, "columns": {name: features[name].iloc[at] for name in features}}
        for at, detail in zip(places, details, strict=True)
    ]


def probabilities(network: NetworkResults, output: Output) -> np.ndarray:
    """Return the predicted probabilities of test rows, of shape (rows, classes)."""
    assert output.classes is not None
    return network.predictions[[f"probability_{name}" for name in output.classes]].to_numpy()
