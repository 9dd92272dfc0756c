"""The parts of a data set as networks and metrics take them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from fathom.artifacts.problem import CODES, Problem
from fathom.artifacts.scalers import Scaler, ScalerFile
from fathom.base import paths
from fathom.base.files import ROW_GROUP, RowNumbers, read_array, read_json, read_table


@dataclass(frozen=True)
class Subset:
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
        return target_of(output_name, self.targets)

    def cut(self, rows: range) -> Subset:
        """Return some rows that follow one another."""
        chosen = slice(rows.start, rows.stop)
        return Subset(
            features=self.features[chosen],
            targets={name: values[chosen] for name, values in self.targets.items()},
            weights=None if self.weights is None else self.weights[chosen],
            rows=self.rows[chosen],
        )

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


class ScaledData(Protocol):
    """A problem with its scaled rows.

    `scalers` say by output how regression targets are scaled for training.
    """

    @property
    def problem(self) -> Problem: ...

    @property
    def scalers(self) -> dict[str, Scaler]: ...

    def subset(self, name: str, rows: range | None = None) -> Subset:
        """Return "train", "valid" or "test", or those of its rows that follow one another."""

    def main_targets(self, name: str) -> NDArray[Any]:
        """Return what the main output is to predict for all rows of a part."""


@dataclass(frozen=True)
class ScaledFiles:
    """What the stage `scale` wrote, of which no more is read than is asked for."""

    problem: Problem
    scalers: dict[str, Scaler]

    @classmethod
    def of(cls, dataset: str) -> ScaledFiles:
        problem = Problem.read(dataset)
        return cls(problem, read_target_scalers(problem))

    def subset(self, name: str, rows: range | None = None) -> Subset:
        return read_subset(self.problem, name, rows)

    def main_targets(self, name: str) -> NDArray[Any]:
        return target_of("main_output", read_targets(self.problem, name))


@dataclass(frozen=True)
class ScaledRows:
    """Scaled rows in memory, by part."""

    problem: Problem
    scalers: dict[str, Scaler]
    parts: dict[str, Subset]

    def subset(self, name: str, rows: range | None = None) -> Subset:
        return self.parts[name] if rows is None else self.parts[name].cut(rows)

    def main_targets(self, name: str) -> NDArray[Any]:
        return self.parts[name].target("main_output")


def blocks(data: ScaledData, part: str) -> Iterator[Subset]:
    """Return a part in blocks of rows that follow one another, so that few are in memory."""
    rows = data.problem.rows[part]
    for start in range(0, rows, ROW_GROUP):
        yield data.subset(part, range(start, min(start + ROW_GROUP, rows)))


def read_subset(
    problem: Problem, part: str, rows: RowNumbers | None = None, columns: list[str] | None = None
) -> Subset:
    """Read "train", "valid" or "test", or some of its rows, of a table perhaps some columns."""
    folder, made_by = paths.scaled(problem.dataset), f"scale@{problem.dataset}"
    features: pd.DataFrame | NDArray[np.float32]
    if problem.kind == "table":
        features = read_table(folder / f"{part}_features.parquet", made_by, columns, rows)
    else:
        features = read_array(folder / f"{part}_features.npy", made_by)
        if rows is not None:
            features = features[slice(rows.start, rows.stop) if isinstance(rows, range) else rows]
    return part_of(
        problem, features, read_table(folder / f"{part}_targets.parquet", made_by, rows=rows)
    )


def part_of(
    problem: Problem, features: NDArray[np.float32] | pd.DataFrame, targets: pd.DataFrame
) -> Subset:
    """Put together features and the table of targets of the same rows."""
    return Subset(
        features=features,
        targets={name: targets[name].to_numpy() for name in problem.outputs if name in targets},
        weights=targets["weight"].to_numpy() if "weight" in targets else None,
        rows=targets["row"].to_numpy(),
    )


def read_targets(problem: Problem, part: str, rows: RowNumbers | None = None) -> pd.DataFrame:
    """Read a part without features, or some of its rows: `row`, `main_output` and perhaps
    `aux_output` and `weight`.
    """
    file = paths.scaled(problem.dataset) / f"{part}_targets.parquet"
    return read_table(file, f"scale@{problem.dataset}", rows=rows)


def read_target_scalers(problem: Problem) -> dict[str, Scaler]:
    """Return by output how regression targets are scaled for training."""
    return read_scalers(problem.dataset).targets


def read_scalers(dataset: str) -> ScalerFile:
    """Return how features and regression targets are scaled."""
    file = paths.scaled(dataset) / "scaler.json"
    return ScalerFile.model_validate(read_json(file, f"scale@{dataset}"))


def target_of(output_name: str, targets: Mapping[str, Any] | pd.DataFrame) -> NDArray[Any]:
    """Return what an output is to predict: any but `aux_output` the main target."""
    name = output_name if output_name in targets else "main_output"
    return np.asarray(targets[name])


def scaler_of(output_name: str, scalers: dict[str, Scaler]) -> Scaler:
    """Return the scaler of an output that predicts numbers: any but `aux_output` the main one's."""
    return scalers[output_name] if output_name in scalers else scalers["main_output"]
