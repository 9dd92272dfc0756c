"""What of each batch falls to one of several processes that train together, by Keras on JAX.

All devices get as many rows. What is missing to that is filled up with rows that the step leaves
out again, so that a batch of any size counts as it does on one device.
"""

from collections.abc import Callable
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

Step = Callable[[Any, Any], Any]  # of a model on JAX: its state and a batch


class Share:
    """The share of this process in every batch.

    Args:
        sizes: the rows that a batch may have in all.
        together: the devices of all processes.
    """

    def __init__(self, sizes: set[int], together: keras.distribution.DataParallel) -> None:
        self.processes: int = together.num_processes
        self.place: int = together.data_shard_id
        devices: int = together.num_model_replicas
        self.rows: dict[int, int] = {}  # of a batch that is filled up: shapes tell them apart
        for size in sorted(sizes):
            filled = -(-size // devices) * devices
            while filled in self.rows:
                filled += devices
            self.rows[filled] = size
        self.filled = {size: filled for filled, size in self.rows.items()}

    def __call__(self, batch: NDArray[np.int32]) -> NDArray[np.int32]:
        """Return those of a batch's row numbers that fall to this process."""
        filled = self.filled[len(batch)]
        count = filled // self.processes
        return np.resize(batch, filled)[self.place * count :][:count]

    def without_filling(self, step: Step) -> Step:
        """Return a model's `train_step` or `test_step` that leaves out what was filled up."""

        def of_rows(state: Any, batch: Any) -> Any:
            wanted = self.rows[keras.tree.flatten(batch)[0].shape[0]]
            return step(
                state,
                keras.tree.map_structure(lambda a: None if a is None else a[:wanted], batch),
            )

        return of_rows
