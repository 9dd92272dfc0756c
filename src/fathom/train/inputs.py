"""Rows of a part as a network takes them: inputs, targets and weights."""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np

from fathom.artifacts.scaled_data import ScaledData, Subset, scaler_of
from fathom.artifacts.scalers import Scaler
from fathom.artifacts.schema import Problem
from fathom.models.names import input_names, output_names, unwrap
from fathom.settings.config import NetworkConfig
from fathom.train.compilation import loss

# Inputs, targets and, if rows do not weigh alike, weights: each an array for a network with one
# input or output, a list for one with several; the first axis of every array are the rows.
Examples = tuple[Any, ...]


def reader(
    model: keras.Model,
    part: str,
    data: ScaledData,
    config: NetworkConfig,
    class_weights: dict[str, float] | None,
) -> Callable[[range | None], Examples]:
    """Return a function that reads rows of a part, or all, as examples for a network."""

    def read(rows: range | None) -> Examples:
        found = data.subset(part, rows)
        inputs = unwrap(found.inputs(input_names(model), data.problem))
        wanted = targets(model, found, data.problem, data.scalers, config)
        weights = sample_weights(model, found, data.problem, class_weights)
        return (inputs, wanted) if weights is None else (inputs, wanted, weights)

    return read


def targets(
    model: keras.Model,
    part: Subset,
    problem: Problem,
    scalers: dict[str, Scaler],
    config: NetworkConfig,
) -> Any:
    """Return what the network is to predict: scaled numbers, numbers of classes, or one-hot
    rows for a loss that is not a sparse one.
    """
    wanted = []
    for name in output_names(model):
        output, values = problem.output(name), part.target(name)
        if output.task == "regression":
            scaled = scaler_of(name, scalers).transform(values[:, None])
            wanted.append(scaled.astype(np.float32))
        elif loss(output, problem, config).startswith("sparse_"):
            wanted.append(values)
        else:
            wanted.append(np.eye(output.units, dtype=np.float32)[values])
    return unwrap(wanted)


def sample_weights(
    model: keras.Model, part: Subset, problem: Problem, class_weights: dict[str, float] | None
) -> Any:
    """Return each row's weight in the loss, for every output, or None where all are alike.

    Args:
        class_weights: of the main target's classes; None for a part that does not train.
    """
    if part.weights is None and not class_weights:
        return None
    weights = []
    for name in output_names(model):
        weight = np.ones(len(part.rows)) if part.weights is None else part.weights
        output = problem.output(name)
        if class_weights and output.column == problem.main.column:
            assert output.classes is not None
            by_class = np.array([class_weights.get(label, 1.0) for label in output.classes])
            weight = weight * by_class[part.target(name)]
        weights.append(weight.astype(np.float32))
    return unwrap(weights)
