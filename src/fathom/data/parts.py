"""The parts of a data set as networks and metrics take them."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom import paths
from fathom.data.scaling import Scaler, ScalerFile
from fathom.data.schema import CODES, Problem
from fathom.files import read_array, read_json, read_table


@dataclass(frozen=True)
class Part:
    """Rows of one part.

    `features` are images of shape (rows, height, width[, channels]) or a table with the columns
    of the problem's `numbers`, `categories` and `sparse`. `targets` holds by output an array of
    shape (rows,): numbers in the target's own unit, or numbers of classes. `weights` has shape
    (rows,) where the data set names a column of weights. `rows` are raw row numbers.
    """

    features: NDArray[np.float32] | pd.DataFrame
    targets: dict[str, NDArray[Any]]
    weights: NDArray[np.float64] | None
    rows: NDArray[np.int64]

    def target(self, output_name: str) -> NDArray[Any]:
        """Return what the output of this name is to predict."""
        return self.targets.get(output_name, self.targets["main_output"])

    def inputs(self, input_names: list[str], problem: Problem) -> list[NDArray[Any]]:
        """Return for each input of a network what its name asks for: see `Problem`."""
        return [self.input(name, problem) for name in input_names]

    def input(self, input_name: str, problem: Problem) -> NDArray[Any]:
        """Return numbers or images in float32, codes and rows of weights in int32."""
        if not isinstance(self.features, pd.DataFrame):
            return self.features
        chosen = self.features[problem.columns_of(input_name)]
        if input_name not in CODES:
            return chosen.to_numpy(np.float32)
        codes = chosen.to_numpy(np.int32)
        if input_name == "wide_sparse":
            sizes = list(problem.sparse.values())
            codes = codes + np.cumsum([0, *sizes[:-1]], dtype=np.int32)
        return codes


def read_part(problem: Problem, part: str) -> Part:
    """Read "train", "valid" or "test"."""
    folder = paths.scaled(problem.dataset)
    made_by = f"scale@{problem.dataset}"
    features: pd.DataFrame | NDArray[np.float32] = (
        read_table(folder / f"{part}_features.parquet", made_by)
        if problem.kind == "table"
        else read_array(folder / f"{part}_features.npy", made_by)
    )
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


def scaler_of(output_name: str, scalers: dict[str, Scaler]) -> Scaler:
    """Return the scaler of an output that predicts numbers: any but `aux_output` the main one's."""
    return scalers[output_name] if output_name in scalers else scalers["main_output"]
