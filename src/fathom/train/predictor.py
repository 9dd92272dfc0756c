"""Predictions of a network while it is in memory."""

import copy
from collections.abc import Iterator
from functools import partial
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fathom.artifacts.scaled_data import ScaledData, Subset, scaler_of, subset_blocks
from fathom.artifacts.scalers import Floats
from fathom.models.names import input_names, output_names, unwrap

BATCH = 1024  # rows predicted at once; the figures do not depend on it


class Predictor:
    """Predicts with a model by one compiled program, which later weights of the model go for too.

    Args:
        model: a network for the data's problem.
        compiled: False for few rows: the layers are called one by one.
    """

    def __init__(self, model: keras.Model, data: ScaledData, compiled: bool = True) -> None:
        self.model, self.data, self.problem = model, data, data.problem
        self.program = partial(model, training=False)
        if compiled:
            self.program = tf.function(self.program, autograph=False)

    def over(self, data: ScaledData) -> "Predictor":
        """Return the same for other rows of the same problem."""
        other = copy.copy(self)
        other.data, other.problem = data, data.problem
        return other

    def predict(self, part: str) -> Iterator[dict[str, Floats]]:
        """Return by output what the model predicts for a part, block of rows by block."""
        for block in subset_blocks(self.data, part):
            yield self.predict_rows(block)

    def predict_rows(self, block: Subset) -> dict[str, Floats]:
        """Return by output what the model predicts for some rows; only their features count."""
        names = output_names(self.model)
        inputs = unwrap(block.inputs(input_names(self.model), self.problem))
        found: list[list[Floats]] = [[] for _ in names]
        for start in range(0, len(block.rows), BATCH):
            outputs = tf.nest.flatten(self.program(batch(inputs, start)))
            for values, of_output in zip(outputs, found, strict=True):
                of_output.append(values.numpy()[: len(block.rows) - start])
        return {
            self.problem.output_name(name): self.in_own_unit(name, np.concatenate(values))
            for name, values in zip(names, found, strict=True)
        }

    def in_own_unit(self, name: str, values: Floats) -> Floats:
        if self.problem.output(name).task == "classification":
            return values
        return scaler_of(name, self.data.scalers).inverse(values.astype(np.float64))[:, 0]


def batch(inputs: Any, start: int) -> Any:
    """Return rows from `start` on, always as many: what is missing at the end is filled up, so
    that the program is compiled but once.
    """
    few = tf.nest.map_structure(lambda array: array[start : start + BATCH], inputs)
    missing = BATCH - len(tf.nest.flatten(few)[0])
    return tf.nest.map_structure(
        lambda array: tf.constant(np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))), few
    )
