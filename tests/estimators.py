"""Rows and settings for tests of scikit-learn estimators."""

from pathlib import Path

import numpy as np
from conftest import edit

RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X[:, 0] * 2 + np.abs(X[:, 1])


def shrink_networks(folder: Path) -> Path:
    """Make networks small that learn in a few steps: one batch is an epoch."""
    edit(folder / "params.yaml", "train.epochs=40", "train.batch_size=1024", "gpus=[]")
    edit(folder / "conf/model/mlp.yaml", "units=[16]", "learning_rate=0.05")
    return folder
