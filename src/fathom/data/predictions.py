"""What every run of a network predicts for every part, as files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import numpy as np

from fathom import paths
from fathom.data.scaling import Floats
from fathom.data.schema import Problem
from fathom.files import read_array, replacing

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


def read_predictions(folder: Path, problem: Problem, made_by: str) -> Predictions:
    """Read a run's predictions, of the outputs that it has."""
    return {part: dict(outputs_of(folder, part, problem, made_by)) for part in paths.PARTS}


def outputs_of(
    folder: Path, part: str, problem: Problem, made_by: str
) -> Iterator[tuple[str, Floats]]:
    for output in problem.outputs:
        file = folder / f"{part}_{output}.npy"
        if output == "main_output" or file.exists():  # a network need not have the auxiliary one
            yield output, read_array(file, made_by).astype(np.float64)
