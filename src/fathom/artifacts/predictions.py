"""What every run of a network predicts for every part, as files."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_targets, target_of
from fathom.artifacts.scalers import Floats
from fathom.base import paths
from fathom.base.blocks import blocks, evenly_spaced, rows_at_once, rows_in_block
from fathom.base.files import atomic_write, read_array, read_json


def write_predictions(
    folder: Path, predict: Callable[[str], Iterator[dict[str, Floats]]], problem: Problem
) -> None:
    """Write a run's predictions, of which only a block of rows is in memory.

    Args:
        predict: returns for a part the predictions by output of one block of rows after another.
    """
    with atomic_write(folder) as beside:
        beside.mkdir()
        for part in paths.SUBSETS:
            with ExitStack() as files:
                begun: dict[str, IO[bytes]] = {}
                for block in predict(part):
                    for output, values in block.items():
                        if output not in begun:
                            file = (beside / f"{part}_{output}.npy").open("wb")
                            begun[output] = files.enter_context(file)
                            write_header(file, (problem.rows[part], *values.shape[1:]), values)
                        values.tofile(begun[output])


def write_header(file: IO[bytes], shape: tuple[int, ...], of: Floats) -> None:
    """Write what comes before the values in an array's file."""
    described = {"descr": of.dtype.str, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(file, described)


@dataclass(frozen=True)
class Predictions:
    """What the runs of a trained network predict, of which no more is read than is asked for.

    `seeds` are those of all runs, `model_seeds` those of the runs whose mean the saved model
    predicts: all of them for an ensemble, otherwise one.
    """

    problem: Problem
    model: str
    seeds: list[int]
    model_seeds: list[int]

    @classmethod
    def read(cls, problem: Problem, model: str) -> Predictions:
        """Find the predictions of the network in `models/<dataset>/<model>/`.

        Raises:
            FathomError: it is not there.
        """
        file = paths.model(problem.dataset, model) / "run.json"
        training = read_json(file, f"train@{problem.dataset}-{model}")
        seeds = [run["seed"] for run in training["runs"]]
        return cls(problem, model, seeds, seeds if training["ensemble"] else [training["seed"]])

    def file(self, seed: int, part: str, output: str) -> Path:
        folder = paths.model(self.problem.dataset, self.model) / "predictions"
        return folder / paths.run(seed) / f"{part}_{output}.npy"

    @property
    def has_auxiliary(self) -> bool:
        return self.file(self.seeds[0], "test", "aux_output").exists()

    def mean(self, seeds: list[int], part: str, output: str, rows: range) -> Floats:
        """Return the mean of what some runs predict for rows that follow one another."""
        made_by = f"train@{self.problem.dataset}-{self.model}"
        total: Floats | None = None
        for seed in seeds:
            # Opened anew, since what was read of a file that stays open counts as memory taken.
            values = read_array(self.file(seed, part, output), made_by)[rows.start : rows.stop]
            total = np.array(values, np.float64) if total is None else total + values
        assert total is not None
        return total / len(seeds)

    def blocks(
        self, seeds: list[int], part: str, output: str = "main_output"
    ) -> Iterator[tuple[NDArray[Any], Floats]]:
        """Return the truth and what some runs predict on average, a block of rows at a time."""
        width = self.problem.outputs[output].units
        for rows in blocks(self.problem.rows[part], width):
            targets = read_targets(self.problem, part, rows)
            yield target_of(output, targets), self.mean(seeds, part, output, rows)

    def sample(self, part: str) -> tuple[NDArray[Any], Floats]:
        """Return the truth and what the saved model predicts of the main output, for as many rows
        of a part as are taken at a time, evenly drawn from all of it.
        """
        rows, width = self.problem.rows[part], self.problem.main.units
        chosen = evenly_spaced(rows, rows_at_once(width))
        found: list[tuple[NDArray[Any], Floats]] = []
        every = zip(blocks(rows, width), self.blocks(self.kept, part), strict=True)
        for block, (actual, predicted) in every:
            at = rows_in_block(chosen, block)
            found.append((actual[at], predicted[at]))
        actual, predicted = (np.concatenate(values) for values in zip(*found, strict=True))
        return actual, predicted
