"""What every run of a network predicts for every part, as files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np

from fathom import paths
from fathom.data.scaling import Floats
from fathom.data.schema import Problem
from fathom.files import read_array, read_json, replacing

# By part and output, for every row of the part: numbers of shape (rows,) in the target's unit, or
# probabilities of shape (rows, classes).
Predictions = dict[str, dict[str, Floats]]


def write_predictions(
    folder: Path, predict: Callable[[str], Iterator[dict[str, Floats]]], problem: Problem
) -> None:
    """Write a run's predictions, of which only a block of rows is in memory.

    Args:
        predict: returns for a part the predictions by output of one block of rows after another.
    """
    with replacing(folder) as beside:
        beside.mkdir()
        for part in paths.PARTS:
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
class Predicted:
    """What the runs of a trained network predict, and what the model kept of them does."""

    runs: list[Predictions]
    kept: Predictions


def read_predictions(problem: Problem, model: str) -> Predicted:
    """Read what the network in `models/<dataset>/<model>/` predicts, by its outputs.

    Raises:
        FathomError: it is not there.
    """
    folder, made_by = paths.model(problem.dataset, model), f"train@{problem.dataset}-{model}"
    training = read_json(folder / "run.json", made_by)
    seeds = [run["seed"] for run in training["runs"]]
    runs = []
    for seed in seeds:
        of_run = folder / "predictions" / paths.run(seed)
        outputs = {part: outputs_of(of_run, part, problem, made_by) for part in paths.PARTS}
        runs.append({part: dict(values) for part, values in outputs.items()})
    kept = average(runs) if training["ensemble"] else runs[seeds.index(training["seed"])]
    return Predicted(runs, kept)


def average(runs: list[Predictions]) -> Predictions:
    """Return the mean of what several runs predict: that of their ensemble."""
    return {
        part: {name: np.mean([run[part][name] for run in runs], axis=0) for name in outputs}
        for part, outputs in runs[0].items()
    }


def outputs_of(
    folder: Path, part: str, problem: Problem, made_by: str
) -> Iterator[tuple[str, Floats]]:
    for output in problem.outputs:
        file = folder / f"{part}_{output}.npy"
        if output == "main_output" or file.exists():  # a network need not have the auxiliary one
            yield output, read_array(file, made_by).astype(np.float64)
