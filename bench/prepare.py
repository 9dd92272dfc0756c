"""Prepares a case of `epochs.py` in the working folder, which contains the project's settings:

python bench/prepare.py TIMES OVERRIDE...

Prints JSON that describes the case. Fashion-MNIST is downloaded, or copied from the mirror that
`FATHOM_MIRROR` names.
"""

import json
import shutil
import sys
from typing import Any

import keras
import numpy as np
from epoch_server import PreparedCase
from project_copy import ROOT

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData
from fathom.base import paths
from fathom.download.download import download
from fathom.scale.scale import scale
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.split.split import split
from fathom.train.build import build
from fathom.train.feeds import make_reader
from fathom.train.steps import batch_size


def main(times: int, overrides: list[str]) -> None:
    config = compose(overrides, NetworkConfig)
    raw = paths.raw(config.dataset.name)
    if (ROOT / raw).exists():
        shutil.copytree(ROOT / raw, raw)
    else:
        download(config)
    split(config)
    problem = scale(config)
    keras.utils.set_random_seed(config.seed)
    model = build(config, problem)
    inputs, targets = training_rows(model, config, problem, times)
    size = batch_size(config.train, problem.rows["train"])
    case = PreparedCase(overrides, size, inputs, targets, dense_weights(model))
    case.write()
    print(json.dumps({"rows": case.rows, "batch_size": size, "weights": model.count_params()}))


def training_rows(
    model: keras.Model, config: NetworkConfig, problem: Problem, times: int
) -> list[list[Any]]:
    """Return the arrays of all inputs and of all targets, with each row repeated."""
    examples = make_reader(model, "train", ScaledData.read(problem.dataset), config, None)(None)
    arrays = ([each] if isinstance(each, np.ndarray) else each for each in examples)
    return [[np.concatenate([array] * times) for array in each] for each in arrays]


def dense_weights(model: keras.Model) -> dict[str, Any]:
    """Return the weights of the dense layers as `PreparedCase` names them."""
    weights = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            weights[layer.name] = layer.kernel.numpy()
            if layer.use_bias:
                weights[f"{layer.name}.bias"] = layer.bias.numpy()
    return weights


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
