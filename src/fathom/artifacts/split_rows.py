"""The row numbers of each set: `data/split/<dataset>/`."""

from typing import Any

from numpy.typing import NDArray

from fathom.artifacts.raw_table import SubsetRows
from fathom.base import paths
from fathom.base.files import read_array


def read_split(dataset: str) -> SubsetRows:
    return {subset: read_split_rows(dataset, subset) for subset in paths.SUBSETS}


def read_split_rows(dataset: str, subset: str) -> NDArray[Any]:
    return read_array(paths.split(dataset) / f"{subset}.npy", f"split@{dataset}")
