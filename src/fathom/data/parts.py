"""The parts of a data set as networks and metrics take them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom import paths
from fathom.data.scaling import Scaler, ScalerFile
from fathom.data.schema import Problem
from fathom.files import read_array, read_json, read_table


@dataclass(frozen=True)
class Part:
    """Rows of one part.

    `features` has shape (rows, columns) or that of images, scaled. `targets` holds by output an
    array of shape (rows,): numbers in the target's own unit, or numbers of classes. `weights`
    has shape (rows,) where the data set names a column of weights. `rows` are raw row numbers.
    """

    features: NDArray[np.float32]
    targets: dict[str, NDArray[Any]]
    weights: NDArray[np.float64] | None
    rows: NDArray[np.int64]

    def target(self, output_name: str) -> NDArray[Any]:
        """Return what the output of this name is to predict."""
        return self.targets.get(output_name, self.targets["main_output"])

    def inputs(self, input_names: list[str], problem: Problem) -> list[NDArray[np.float32]]:
        """Return for each input of a network what its name asks for."""
        if problem.kind == "images":
            return [self.features for _ in input_names]
        positions = {name: index for index, name in enumerate(problem.columns)}
        chosen = [problem.columns_of(name) for name in input_names]
        return [self.features[:, [positions[column] for column in columns]] for columns in chosen]


def read_part(problem: Problem, part: str) -> Part:
    """Read "train", "valid" or "test"."""
    folder = paths.scaled(problem.dataset)
    made_by = f"scale@{problem.dataset}"
    if problem.kind == "table":
        table = read_table(folder / f"{part}_features.parquet", made_by)
        features = table.to_numpy(np.float32)
    else:
        features = read_array(folder / f"{part}_features.npy", made_by)
    table = read_table(folder / f"{part}_targets.parquet", made_by)
    return Part(
        features=features,
        targets={name: table[name].to_numpy() for name in problem.outputs if name in table},
        weights=table["weight"].to_numpy() if "weight" in table else None,
        rows=table["row"].to_numpy(),
    )


def read_target_scalers(problem: Problem) -> dict[str, Scaler]:
    """Return by output how regression targets are scaled for training."""
    file = paths.scaled(problem.dataset) / "scaler.json"
    return ScalerFile.model_validate(read_json(file, f"scale@{problem.dataset}")).targets
