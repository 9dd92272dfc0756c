"""The share of one process in every batch, when several processes train together on JAX.

Every device gets the same number of rows. A batch is padded to that, and the step leaves the
padding out again, so that a batch of any size counts as it does on one device.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Step = Callable[[Any, Any], Any]  # of a model on JAX: takes its state and a batch


class Share:
    """The share of this process in every batch.

    Args:
        sizes: the numbers of rows that a batch may have.
        devices: of all processes.
    """

    def __init__(self, sizes: set[int], devices: keras.distribution.DataParallel) -> None:
        self.processes: int = devices.num_processes
        self.index: int = devices.data_shard_id
        replicas: int = devices.num_model_replicas
        self.sizes: dict[int, int] = {}  # by padded size; no two sizes have the same one
        for size in sorted(sizes):
            padded = -(-size // replicas) * replicas
            while padded in self.sizes:
                padded += replicas
            self.sizes[padded] = size
        self.padded = {size: padded for padded, size in self.sizes.items()}

    def rows_of(self, batch: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return this process's share of the row numbers of a batch."""
        padded = self.padded[len(batch)]
        count = padded // self.processes
        return np.resize(batch, padded)[self.index * count :][:count]

    def without_padding(self, step: Step) -> Step:
        """Return a model's `train_step` or `test_step` that leaves out the padding."""

        def step_without_padding(state: Any, batch: Any) -> Any:
            size = self.sizes[keras.tree.flatten(batch)[0].shape[0]]
            cut = keras.tree.map_structure(lambda a: None if a is None else a[:size], batch)
            return step(state, cut)

        return step_without_padding
