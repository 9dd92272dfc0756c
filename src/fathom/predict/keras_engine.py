"""Predictions by Keras and TensorFlow."""

from pathlib import Path
from typing import Any

import tensorflow as tf
from numpy.typing import NDArray

from fathom.artifacts.export_files import KERAS
from fathom.artifacts.model_file import load_network
from fathom.export.formats import tensor_specs


class KerasEngine:
    """The network in `model.keras`, of which TensorFlow makes a graph."""

    file, rows = KERAS, 8192

    def __init__(self, folder: Path) -> None:
        self.model = load_network(folder / KERAS)
        specs = tensor_specs(self.model)
        self.program = tf.function(
            lambda rows: self.model(rows, training=False), [specs], autograph=False
        )
        outputs = self.program.get_concrete_function().structured_outputs
        self.shapes = {name: tuple(spec.shape[1:]) for name, spec in (specs | outputs).items()}
        self.dtypes = {name: spec.dtype.name for name, spec in specs.items()}

    def run(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name."""
        outputs = self.program({name: tf.constant(array) for name, array in arrays.items()})
        return {name: output.numpy() for name, output in outputs.items()}
