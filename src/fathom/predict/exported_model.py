"""An exported network, as the stage `export` writes it."""

from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.export_files import CHECKSUMS, KERAS, ONNX, sha256
from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import SIGNATURE, Signature
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.predict.model_inputs import Inputs
from fathom.train.devices import start_on_cpu

EngineName = Literal["auto", "keras", "onnx"]


class Engine(Protocol):
    """A library that computes the predictions. Shapes and types are by name, without rows."""

    file: str
    rows: int  # of a call, at most
    shapes: dict[str, tuple[int, ...]]  # of inputs and outputs
    dtypes: dict[str, str]  # of inputs

    def run(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs by name."""


class ExportedModel:
    """The model and the signature in a folder such as `exports/<dataset>/<model>`.

    Args:
        folder: the export.
        engine: what computes the predictions: "onnx" for `model.onnx` in ONNX Runtime, "keras" for
            `model.keras` in TensorFlow. "auto" is "onnx" if there is such a file.

    Raises:
        FathomError: it is no export, one of its files has changed, or the engine is missing.
    """

    def __init__(self, folder: Path, engine: EngineName = "auto") -> None:
        check_export(folder)
        self.folder = folder
        self.signature = Signature.read(folder)
        self.engine = load_engine(folder, self.signature, engine)
        self.check_signature()

    def check_signature(self) -> None:
        """Compare inputs and outputs of the model with those of its signature."""
        found = self.engine.shapes, self.engine.dtypes
        if found != (self.signature.shapes, self.signature.dtypes):
            raise FathomError(
                f"{self.folder / SIGNATURE} and {self.engine.file} have different inputs or "
                "outputs: export the network again"
            )

    def predict(self, inputs: Inputs) -> dict[str, Floats]:
        """Return outputs by name: shape (rows,), or (rows, classes) for probabilities."""
        arrays, step = self.signature.tensors(inputs), self.engine.rows
        rows = len(next(iter(arrays.values())))
        blocks = [
            self.engine.run({name: array[start : start + step] for name, array in arrays.items()})
            for start in range(0, rows, step)
        ]
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


def load_engine(folder: Path, signature: Signature, name: EngineName) -> Engine:
    """Return an engine, whose packages are imported here: TensorFlow takes seconds."""
    has_onnx = (folder / ONNX).is_file()
    if name == "onnx" and not has_onnx:
        reason = signature.formats.get("onnx", "export.onnx is false")
        raise FathomError(f"--engine onnx: {folder} has no {ONNX}: {reason}")
    use_onnx = has_onnx and name != "keras"
    file, package = (ONNX, "onnxruntime") if use_onnx else (KERAS, "tensorflow")
    if find_spec(package) is None:
        other = "export the network with export.onnx=true"
        if has_onnx:
            other = f"use --engine {'keras' if use_onnx else 'onnx'}"
        raise FathomError(
            f"{folder / file} needs the package {package}, which is not installed: "
            f"`pip install {package}`, or {other}"
        )
    if use_onnx:
        from fathom.predict.onnx_engine import OnnxEngine

        return OnnxEngine(folder)
    start_on_cpu()
    from fathom.predict.keras_engine import KerasEngine

    return KerasEngine(folder)


def check_export(folder: Path) -> None:
    """Compare an export's files with its checksums."""
    if not folder.exists():
        exports = [path.parent for path in paths.EXPORTS.glob(f"*/*/{SIGNATURE}")]
        names = [path.relative_to(paths.EXPORTS).as_posix() for path in exports]
        name = folder.as_posix().removeprefix(f"{paths.EXPORTS}/")
        hint = did_you_mean(name, names) or f": `dvc repro` makes them in {paths.EXPORTS}/"
        raise FathomError(f"there is no exported network {name}{hint}")
    for name in (CHECKSUMS, SIGNATURE, KERAS):
        if not (folder / name).is_file():
            raise FathomError(
                f"{folder} is no exported network, it has no {name}: exports are made by "
                "`dvc repro` in exports/<dataset>/<model>, unless export.keras is false"
            )
    lines = (folder / CHECKSUMS).read_text(encoding="utf-8").splitlines()
    checksums = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    for name in (SIGNATURE, KERAS):
        if name not in checksums:
            raise FathomError(f"{folder / CHECKSUMS} does not list {name}: export it anew")
    files = {file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file()}
    added = sorted(files - checksums.keys() - {CHECKSUMS})
    if added:
        raise FathomError(
            f"{folder / added[0]} was added to the export, {CHECKSUMS} does not list it: remove it"
        )
    for name, digest in checksums.items():
        file = folder / name
        if not file.is_file():
            raise FathomError(f"{file} is missing, which {CHECKSUMS} lists: export it anew")
        if sha256(file) != digest:
            raise FathomError(
                f"{file} is not the file that was exported, by {CHECKSUMS}: it was changed or "
                "damaged; export it anew"
            )
