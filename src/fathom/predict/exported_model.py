"""An exported network, as the stage `export` writes it."""

from pathlib import Path

import numpy as np
import tensorflow as tf

from fathom.artifacts.model_file import load_network
from fathom.artifacts.scalers import Floats
from fathom.artifacts.signature import SIGNATURE, Signature
from fathom.base import paths
from fathom.base.errors import FathomError, did_you_mean
from fathom.export.formats import CHECKSUMS, KERAS, sha256, tensor_specs
from fathom.predict.model_inputs import Inputs

BATCH = 8192  # rows


class ExportedModel:
    """The model and the signature in a folder such as `exports/<dataset>/<model>`.

    Raises:
        FathomError: it is no export, or one of its files has changed.
    """

    def __init__(self, folder: Path) -> None:
        check_export(folder)
        self.folder = folder
        self.signature = Signature.read(folder)
        self.model = load_network(folder / KERAS)
        self.program = tf.function(
            lambda rows: self.model(rows, training=False),
            [tensor_specs(self.model)],
            autograph=False,
        )
        self.check_signature()

    def check_signature(self) -> None:
        """Compare inputs and outputs of the model with those of its signature."""
        outputs = self.program.get_concrete_function().structured_outputs
        specs = tensor_specs(self.model) | outputs
        shapes = {name: tuple(spec.shape[1:]) for name, spec in specs.items()}
        dtypes = {tensor.name: str(tensor.dtype) for tensor in self.model.inputs}
        if (shapes, dtypes) != (self.signature.shapes, self.signature.dtypes):
            raise FathomError(
                f"{self.folder / SIGNATURE} and {KERAS} have different inputs or outputs: export "
                "the network again"
            )

    def predict(self, inputs: Inputs) -> dict[str, Floats]:
        """Return outputs by name: shape (rows,), or (rows, classes) for probabilities."""
        arrays = self.signature.tensors(inputs)
        rows = len(next(iter(arrays.values())))
        blocks = [
            self.program({n: tf.constant(a[start : start + BATCH]) for n, a in arrays.items()})
            for start in range(0, rows, BATCH)
        ]
        return {name: np.concatenate([block[name] for block in blocks]) for name in blocks[0]}


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
