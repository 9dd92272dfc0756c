"""Predictions of every run of a network: `models/<dataset>/<model>/predictions/`."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Self

import numpy as np
from numpy.typing import NDArray

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import read_targets, target_of
from fathom.artifacts.scalers import Floats
from fathom.artifacts.training_log import read_run
from fathom.base import paths
from fathom.base.blocks import blocks, evenly_spaced, rows_at_once, rows_in_block
from fathom.base.files import atomic_write, read_array

HELD_OUT = ("train", "valid")  # the sets that folds divide


def write_predictions(
    folder: Path, predict: Callable[[str], Iterator[dict[str, Floats]]], problem: Problem
) -> None:
    """Write a run's predictions, with only a block of rows in memory.

    `predict` yields the predictions by output for each block of rows of a subset.
    """
    with atomic_write(folder) as temporary:
        temporary.mkdir()
        for subset in paths.SUBSETS:
            with ExitStack() as stack:
                files: dict[str, IO[bytes]] = {}
                for block in predict(subset):
                    for output, values in block.items():
                        if output not in files:
                            file = (temporary / f"{subset}_{output}.npy").open("wb")
                            files[output] = stack.enter_context(file)
                            shape = (problem.rows[subset], *values.shape[1:])
                            header: dict[str, Any] = {"descr": values.dtype.str, "shape": shape}
                            header["fortran_order"] = False
                            np.lib.format.write_array_header_1_0(file, header)
                        files[output].write(np.ascontiguousarray(values).data)


def fold_file(folder: Path, subset: str) -> Path:
    return folder / f"{subset}_fold.npy"


@dataclass(frozen=True)
class Predictions:
    """Predictions of the runs of a trained network, which are read when they are needed.

    `seeds` are those of all runs, `model_seeds` those of the runs whose mean the saved model
    predicts: all of them for an ensemble, otherwise one.

    With folds (`train.folds`), a row of the training or validation set has no prediction but that
    of the one run which did not train on it: `<subset>_fold.npy` has its place in `seeds`.
    """

    problem: Problem
    model: str
    seeds: list[int]
    model_seeds: list[int]

    @classmethod
    def read(cls, problem: Problem, model: str) -> Self:
        training = read_run(problem.dataset, model)
        seeds = [run["seed"] for run in training["runs"]]
        return cls(problem, model, seeds, seeds if training["ensemble"] else [training["seed"]])

    @property
    def folder(self) -> Path:
        return paths.model(self.problem.dataset, self.model) / "predictions"

    def file(self, seed: int, subset: str, output: str) -> Path:
        return self.folder / paths.run(seed) / f"{subset}_{output}.npy"

    @property
    def has_auxiliary(self) -> bool:
        return self.file(self.seeds[0], "test", "aux_output").exists()

    def mean(self, seeds: list[int], subset: str, output: str, rows: range) -> Floats:
        """Return the mean prediction of some runs for rows of a subset, with folds that of the one
        run that did not train on the row (0 if it is not among them).
        """
        folds, total = self.folds(subset, rows), None
        for seed in seeds:
            values = np.array(self.read_rows(self.file(seed, subset, output), rows), np.float64)
            if folds is not None:
                values[folds != self.seeds.index(seed)] = 0
            total = values if total is None else total + values
        assert total is not None
        return total / len(seeds) if folds is None else total

    def folds(self, subset: str, rows: range) -> NDArray[np.integer[Any]] | None:
        """Return for each row the place in `seeds` of the run that did not train on it, None
        without folds and for the test set.
        """
        file = fold_file(self.folder, subset)
        return self.read_rows(file, rows) if file.exists() else None

    def read_rows(self, file: Path, rows: range) -> NDArray[Any]:
        made_by = f"train@{self.problem.dataset}-{self.model}"
        # Opened for each block: what is read of an open file counts as memory in use.
        return read_array(file, made_by)[rows.start : rows.stop]

    def blocks(
        self, seeds: list[int], subset: str, output: str = "main_output"
    ) -> Iterator[tuple[NDArray[Any], Floats]]:
        """Yield the targets and the mean predictions of some runs, a block of rows at a time, with
        folds of those rows that one of these runs did not train on.
        """
        width = self.problem.outputs[output].units
        for rows in blocks(self.problem.rows[subset], width):
            targets = target_of(output, read_targets(self.problem, subset, rows))
            predictions, folds = self.mean(seeds, subset, output, rows), self.folds(subset, rows)
            if folds is None or len(seeds) == len(self.seeds):
                yield targets, predictions
            else:
                places = np.isin(folds, [self.seeds.index(seed) for seed in seeds])
                yield targets[places], predictions[places]

    def held_out_sample(self) -> tuple[NDArray[Any], Floats]:
        """Return the main targets and the saved model's predictions for evenly spaced rows that no
        weights were fitted to: those of the validation set, with folds also of the training set.

        They are at most as many of a set as there are in a block.
        """
        has_folds = fold_file(self.folder, "train").exists()
        samples = [self.sample(subset) for subset in (HELD_OUT if has_folds else ["valid"])]
        targets, predictions = (np.concatenate(values) for values in zip(*samples, strict=True))
        return targets, predictions

    def sample(self, subset: str) -> tuple[NDArray[Any], Floats]:
        """Return the main targets and the saved model's predictions for evenly spaced rows.

        They are at most as many as there are in a block.
        """
        rows, width = self.problem.rows[subset], self.problem.main.units
        chosen = evenly_spaced(rows, rows_at_once(width))
        samples: list[tuple[NDArray[Any], Floats]] = []
        pairs = self.blocks(self.model_seeds, subset)
        for block, (targets, predictions) in zip(blocks(rows, width), pairs, strict=True):
            places = rows_in_block(chosen, block)
            samples.append((targets[places], predictions[places]))
        targets, predictions = (np.concatenate(values) for values in zip(*samples, strict=True))
        return targets, predictions
