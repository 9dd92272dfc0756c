"""The scaled training, validation and test set of a data set: `data/scaled/<dataset>/`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import CODES, Problem
from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.base import paths
from fathom.base.files import read_array
from fathom.base.tables import ROW_GROUP, RowNumbers, read_table


@dataclass(frozen=True)
class Subset:
    """Rows of the training, validation or test set.

    `features` are images of shape (rows, height, width[, channels]) or a table with the columns
    of the problem's `numbers`, `categories` and `sparse`. `targets` maps an output to an array of
    shape (rows,): numbers in the target's own unit, or class numbers. `weights` has shape (rows,)
    if the data set has a column of sample weights. `rows` are raw row numbers.
    """

    features: NDArray[np.float32] | pd.DataFrame
    targets: dict[str, NDArray[Any]]
    weights: NDArray[np.float64] | None
    rows: NDArray[np.int64]

    def target(self, output_name: str) -> NDArray[Any]:
        return target_of(output_name, self.targets)

    def take(self, rows: range) -> Subset:
        chosen = slice(rows.start, rows.stop)
        return Subset(
            features=self.features[chosen],
            targets={name: values[chosen] for name, values in self.targets.items()},
            weights=None if self.weights is None else self.weights[chosen],
            rows=self.rows[chosen],
        )

    def inputs(self, input_names: list[str], problem: Problem) -> list[NDArray[Any]]:
        """Return an array for each input: numbers and images in float32, codes in int32."""
        if not isinstance(self.features, pd.DataFrame):
            return [self.features for _ in input_names]
        arrays: dict[str, NDArray[Any]] = {}
        for name in input_names:
            dtype = np.int32 if name in CODES else np.float32
            arrays[name] = self.features[problem.columns_of(name)].to_numpy(dtype)
        if "wide_sparse" in arrays:  # from codes to rows of the table of weights
            sizes = [0, *problem.sparse.values()]
            arrays["wide_sparse"] = arrays["wide_sparse"] + np.cumsum(sizes, dtype=np.int32)[:-1]
        return list(arrays.values())


@dataclass(frozen=True)
class ScaledData:
    """The scaled rows, which are read when they are needed.

    `scalers` maps an output to the scaler of its regression target.
    """

    problem: Problem
    scalers: dict[str, Scaler]

    @classmethod
    def read(cls, dataset: str) -> ScaledData:
        return cls(Problem.read(dataset), read_scalers(dataset).targets)

    def subset(self, name: str, rows: range | None = None) -> Subset:
        """Return "train", "valid" or "test", or consecutive rows of it."""
        return read_subset(self.problem, name, rows)

    def main_targets(self, name: str) -> NDArray[Any]:
        return target_of("main_output", read_targets(self.problem, name))


@dataclass(frozen=True)
class ScaledRows(ScaledData):
    """Scaled rows in memory, by subset."""

    subsets: dict[str, Subset]

    def subset(self, name: str, rows: range | None = None) -> Subset:
        return self.subsets[name] if rows is None else self.subsets[name].take(rows)

    def main_targets(self, name: str) -> NDArray[Any]:
        return self.subsets[name].target("main_output")


def subset_blocks(data: ScaledData, name: str) -> Iterator[Subset]:
    """Yield a subset in blocks of consecutive rows."""
    rows = data.problem.rows[name]
    for start in range(0, rows, ROW_GROUP):
        yield data.subset(name, range(start, min(start + ROW_GROUP, rows)))


def read_subset(
    problem: Problem, name: str, rows: RowNumbers | None = None, columns: list[str] | None = None
) -> Subset:
    """Read "train", "valid" or "test", or some of its rows or columns."""
    folder, made_by = paths.scaled(problem.dataset), f"scale@{problem.dataset}"
    features: pd.DataFrame | NDArray[np.float32]
    if problem.kind == "table":
        features = read_table(folder / f"{name}_features.parquet", made_by, columns, rows)
    else:
        features = read_array(folder / f"{name}_features.npy", made_by)
        if rows is not None:
            features = features[slice(rows.start, rows.stop) if isinstance(rows, range) else rows]
    return make_subset(problem, features, read_targets(problem, name, rows))


def make_subset(
    problem: Problem, features: NDArray[np.float32] | pd.DataFrame, targets: pd.DataFrame
) -> Subset:
    return Subset(
        features=features,
        targets={name: targets[name].to_numpy() for name in problem.outputs if name in targets},
        weights=targets["weight"].to_numpy() if "weight" in targets else None,
        rows=targets["row"].to_numpy(),
    )


def concatenate(parts: list[Subset]) -> Subset:
    features = [part.features for part in parts]
    weights = [part.weights for part in parts if part.weights is not None]
    tables = [each for each in features if isinstance(each, pd.DataFrame)]
    return Subset(
        features=pd.concat(tables, ignore_index=True) if tables else np.concatenate(features),
        targets={n: np.concatenate([part.targets[n] for part in parts]) for n in parts[0].targets},
        weights=np.concatenate(weights) if weights else None,
        rows=np.concatenate([part.rows for part in parts]),
    )


def read_targets(problem: Problem, name: str, rows: RowNumbers | None = None) -> pd.DataFrame:
    """Read `row`, `main_output` and, if present, `aux_output`, `weight` and `group` of a subset."""
    file = paths.scaled(problem.dataset) / f"{name}_targets.parquet"
    return read_table(file, f"scale@{problem.dataset}", rows=rows)


def read_scalers(dataset: str) -> ScalerFile:
    return ScalerFile.read_file(paths.scaled(dataset) / "scaler.json", f"scale@{dataset}")


def target_of(output_name: str, targets: Mapping[str, Any] | pd.DataFrame) -> NDArray[Any]:
    """Return the target of an output: for any name but `aux_output` the main target."""
    name = output_name if output_name in targets else "main_output"
    return np.asarray(targets[name])


def scaler_of(output_name: str, scalers: dict[str, Scaler]) -> Scaler:
    """Return the scaler of a regression output: for any name but `aux_output` the main one."""
    return scalers[output_name] if output_name in scalers else scalers["main_output"]
