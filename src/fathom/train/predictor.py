"""Predicts with a network in memory."""

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

BATCH = 1024  # rows predicted at once; metrics do not depend on it


class Predictor:
    """Predicts with the current weights of a model, by one compiled program.

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
        """Return a predictor for other rows of the same problem, with the same program."""
        other = copy.copy(self)
        other.data, other.problem = data, data.problem
        return other

    def predict(self, subset: str) -> Iterator[dict[str, Floats]]:
        """Yield the predictions of each output for a subset, block of rows by block."""
        for block in subset_blocks(self.data, subset):
            yield self.predict_rows(block)

    def predict_rows(self, rows: Subset) -> dict[str, Floats]:
        """Return the predictions of each output for some rows, from their features."""
        names = output_names(self.model)
        inputs = unwrap(rows.inputs(input_names(self.model), self.problem))
        batches: list[list[Floats]] = [[] for _ in names]
        for start in range(0, len(rows.rows), BATCH):
            outputs = tf.nest.flatten(self.program(padded_batch(inputs, start)))
            for values, of_output in zip(outputs, batches, strict=True):
                of_output.append(values.numpy()[: len(rows.rows) - start])
        return {
            self.problem.output_name(name): self.unscale(name, np.concatenate(values))
            for name, values in zip(names, batches, strict=True)
        }

    def unscale(self, name: str, values: Floats) -> Floats:
        if self.problem.output(name).task == "classification":
            return values
        return scaler_of(name, self.data.scalers).inverse(values.astype(np.float64))[:, 0]


def padded_batch(inputs: Any, start: int) -> Any:
    """Return the batch from row `start` on, padded to `BATCH` rows: one program serves all."""
    batch = tf.nest.map_structure(lambda array: array[start : start + BATCH], inputs)
    missing = BATCH - len(tf.nest.flatten(batch)[0])
    return tf.nest.map_structure(
        lambda array: tf.constant(np.pad(array, [(0, missing)] + [(0, 0)] * (array.ndim - 1))),
        batch,
    )
