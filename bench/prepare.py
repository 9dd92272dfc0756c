"""Prepares a case in the working folder, which has the project's settings:

python bench/prepare.py TIMES OVERRIDE...

A process of its own, so that what TensorFlow and pandas take up is in no contender's memory.
"""

import os
import shutil
import sys
from pathlib import Path

import numpy as np
from prepared import Arrays, Facts, Layer, write

from fathom.artifacts.problem import Problem
from fathom.artifacts.scaled_data import ScaledData
from fathom.artifacts.schema import RawSource, Schema
from fathom.base import paths
from fathom.download.download import download
from fathom.scale.scale import scale
from fathom.settings.compose import compose
from fathom.settings.config import NetworkConfig
from fathom.split.split import split

ROOT = Path(__file__).resolve().parent.parent


def main(times: int, overrides: list[str]) -> None:
    config = compose(overrides, NetworkConfig)
    data = raw_data(config)
    split(config)
    problem = scale(config)
    facts, arrays = network(config, problem, times, overrides, data)
    write(facts, arrays)


def raw_data(config: NetworkConfig) -> str:
    """Put raw data into the working folder, and return which."""
    name = config.dataset.name
    if name != "fashion_mnist":
        download(config)  # comes with installed packages
    elif (ROOT / paths.raw(name)).exists():
        shutil.copytree(ROOT / paths.raw(name), paths.raw(name))
    elif config.mirror or os.environ.get("FATHOM_MIRROR"):
        download(config)
    else:
        random_images(config)
        return "random images of the same shape"
    return "real data"


def random_images(config: NetworkConfig) -> None:
    """Write images and labels of Fashion-MNIST's shapes: how long an epoch takes is the same."""
    folder, rows, classes = paths.raw(config.dataset.name), 70_000, 10
    folder.mkdir(parents=True)
    random = np.random.default_rng(0)
    np.save(folder / "images.npy", random.integers(0, 256, (rows, 28, 28), np.uint8))
    np.save(folder / "labels.npy", random.integers(0, classes, rows))
    Schema(
        name=config.dataset.name,
        kind="images",
        task="classification",
        rows=rows,
        unlabelled=0,
        target=config.dataset.target,
        unit=None,
        classes=[str(number) for number in range(classes)],
        columns=[],
        image_shape=[28, 28],
        test_rows=10_000,
        source=RawSource(origin="random numbers", sha256=""),
    ).write(folder / "schema.json")


def network(
    config: NetworkConfig, problem: Problem, times: int, overrides: list[str], data: str
) -> tuple[Facts, Arrays]:
    """Return the training rows and the network's first weights."""
    import keras

    from fathom.train.build import build
    from fathom.train.feeds import make_reader

    keras.utils.set_random_seed(config.seed)
    model = build(config, problem)
    read = make_reader(model, "train", ScaledData.read(problem.dataset), config, None)
    inputs, targets = (
        [np.concatenate([array] * times) for array in (some if isinstance(some, list) else [some])]
        for some in read(None)
    )
    layers, weights = [], {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            before = layer.input._keras_history.operation
            own = isinstance(before, keras.layers.InputLayer | keras.layers.Flatten)
            layers.append(Layer(layer.name, tuple(layer.kernel.shape), layer.use_bias, not own))
            weights[layer.name] = layer.kernel.numpy()
            if layer.use_bias:
                weights[f"{layer.name}.bias"] = layer.bias.numpy()
    rows, size, count = len(inputs[0]), config.train.batch_size, model.count_params()
    return Facts(overrides, rows, size, count, data, layers), Arrays(inputs, targets, weights)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
