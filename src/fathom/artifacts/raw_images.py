"""Raw images, `data/raw/<dataset>/images.npy`, and the numbers of their classes, `labels.npy`."""

from typing import Any

from numpy.typing import NDArray

from fathom.base import paths
from fathom.base.files import read_array


def read_images(dataset: str) -> NDArray[Any]:
    return read_array(paths.raw(dataset) / "images.npy", f"download@{dataset}")


def read_labels(dataset: str) -> NDArray[Any]:
    return read_array(paths.raw(dataset) / "labels.npy", f"download@{dataset}")
