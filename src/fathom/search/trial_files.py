"""What is kept of a trial beside its value: the network's weights, and what it predicts."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fathom.base.files import atomic_write
from fathom.search.trial import Kept


def write(folder: Path, number: int, network: Kept) -> None:
    arrays = {f"weights_{at}": weights for at, weights in enumerate(network.weights)}
    with atomic_write(place(folder, number)) as beside:
        np.savez(beside, allow_pickle=False, valid=network.valid, **arrays)


def read_valid(folder: Path, number: int) -> NDArray[Any]:
    """Return what a trial's network predicts for the validation part."""
    with np.load(place(folder, number)) as arrays:
        found: NDArray[Any] = arrays["valid"]
        return found


def read_weights(folder: Path, number: int) -> list[NDArray[Any]]:
    with np.load(place(folder, number)) as arrays:
        return [arrays[f"weights_{at}"] for at in range(len(arrays.files) - 1)]


def place(folder: Path, number: int) -> Path:
    return folder / "trials" / f"{number}.npz"


def keep(folder: Path, numbers: list[int]) -> None:
    """Delete what is kept of all other trials."""
    files = {place(folder, number) for number in numbers}
    for file in (folder / "trials").glob("*.npz"):
        if file not in files:
            file.unlink(missing_ok=True)  # another process may be at it, too
