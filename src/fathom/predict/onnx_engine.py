"""Predictions by ONNX Runtime."""

from pathlib import Path
from typing import Any

import onnxruntime
from numpy.typing import NDArray

from fathom.artifacts.export_files import ONNX
from fathom.base.machine import cores

DTYPES = {"tensor(float)": "float32", "tensor(double)": "float64"}


class OnnxEngine:
    """The network in `model.onnx`."""

    file, rows = ONNX, 1024

    def __init__(self, folder: Path) -> None:
        options = onnxruntime.SessionOptions()
        # By default a thread is bound to each core, also to those that a container lacks.
        options.intra_op_num_threads = cores()
        # Threads that wait in a loop take the cores from the rest of a service.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self.session = onnxruntime.InferenceSession(
            folder / ONNX, options, providers=["CPUExecutionProvider"]
        )
        inputs, outputs = self.session.get_inputs(), self.session.get_outputs()
        self.shapes = {value.name: tuple(value.shape[1:]) for value in [*inputs, *outputs]}
        self.dtypes = {value.name: DTYPES.get(value.type, value.type[7:-1]) for value in inputs}
        self.names = [value.name for value in outputs]

    def run(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name."""
        return dict(zip(self.names, self.session.run(self.names, arrays), strict=True))
